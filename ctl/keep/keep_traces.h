/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which traces are slow. A trace takes from its first to its last sight: begin and end of a
 * wait, a sample, a thread that it woke, what a thread ran before and after, or what its spans
 * tell. From the moment on at which that reaches the threshold it is slow, for good.
 *
 * A trace is held as long as records of it wait for a verdict. When the last one is gone it
 * counts as over; what was known of it stays until its place is needed, that of fast ones
 * first. By a percentile the threshold follows the durations of those that are over; all are
 * slow until KEEP_TRACES_LEARN are.
 *
 * Not thread-safe. 96 bytes a trace.
 */
#ifndef TICKPROF_KEEP_TRACES_H
#define TICKPROF_KEEP_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture_keep.h"

enum { KEEP_TRACE_BYTES = 96, KEEP_TRACES_LEARN = 100 };

struct keep_traces;

/* A trace that may have been forgotten meanwhile. */
struct keep_trace_ref {
	uint32_t n;			/* 0: none */
	uint32_t turn;
};

/* threshold in ns, or 0: by the percentile (0.5 … 0.999). counts: where the traces are counted. */
struct keep_traces *keep_traces_create(uint32_t max, uint64_t threshold, double percentile,
				       struct capture_keep *counts);
void keep_traces_destroy(struct keep_traces *t);

/* Its number; 0: every place is held. Sixteen bytes. */
uint32_t keep_traces_get(struct keep_traces *t, const uint8_t *id);
void keep_traces_sight(struct keep_traces *t, uint32_t n, uint64_t from, uint64_t to);
/* Nothing if it was forgotten. */
void keep_traces_sight_of(struct keep_traces *t, struct keep_trace_ref ref, uint64_t from,
			  uint64_t to);
struct keep_trace_ref keep_traces_ref(const struct keep_traces *t, uint32_t n);

/* For a record that waits, and for one that waited; n may be 0. */
void keep_traces_hold(struct keep_traces *t, uint32_t n);
void keep_traces_release(struct keep_traces *t, uint32_t n);
bool keep_traces_slow(struct keep_traces *t, struct keep_trace_ref ref);

/* It still was under way when recording ended. */
void keep_traces_open(struct keep_traces *t, uint32_t n);
bool keep_traces_is_open(const struct keep_traces *t, uint32_t n);
/* What became of a record of it: kept; or dropped, early: before its time. */
void keep_traces_kept(struct keep_traces *t, uint32_t n);
void keep_traces_dropped(struct keep_traces *t, uint32_t n, bool early);

/* Ids of those that were kept for the first time since the last call, 16 bytes each. */
const uint8_t *keep_traces_news(struct keep_traces *t, size_t *size);
uint64_t keep_traces_threshold(const struct keep_traces *t);

#endif
