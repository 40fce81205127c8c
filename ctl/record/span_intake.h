/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans that SDKs and collectors send over OTLP/HTTP while a recording runs. Each
 * request that can be read is kept as it came, unpacked, for the capture; the others
 * are refused and counted.
 *
 * One thread, which serves; the recording's own writes. Memory: what otlp_http.h says,
 * up to 256 MiB for the spans of the one request that is being read, and 64 MiB of
 * requests not yet written; what comes beyond those is told to try again.
 */
#ifndef TICKPROF_SPAN_INTAKE_H
#define TICKPROF_SPAN_INTAKE_H

#include "capture/capture.h"

struct span_intake;

/* 0, or -errno after a message. From then on requests are taken. */
int span_intake_create(const char *address, struct span_intake **out);
/* NULL is none, here and below. */
void span_intake_destroy(struct span_intake *s);
/* Cuts off whoever is connected. What came can still be written. */
void span_intake_stop(struct span_intake *s);
/* SPANS chunks of what came since the last call. 0 or -errno. */
int span_intake_write(struct span_intake *s, struct capture_writer *w);
/* What the spans of a trace (16 bytes) in one request took together, ns since 1970. */
typedef void span_intake_trace(void *arg, const uint8_t *trace_id, uint64_t start, uint64_t end);
/* span_intake_write() tells of the traces as well, from now on. */
void span_intake_tell(struct span_intake *s, span_intake_trace *fn, void *arg);
/* A line about it, after the stop and unless -q. */
void span_intake_report(const struct span_intake *s);
const char *span_intake_address(const struct span_intake *s);

#endif
