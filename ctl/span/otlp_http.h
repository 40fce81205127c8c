/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * OTLP over HTTP: POST /v1/traces with protobuf or JSON, gzipped or not, into a
 * model of spans. Makes no thread: all work is done in otlp_http_run(), on the
 * thread that calls it, which must be the one that the model belongs to.
 *
 * Nobody is asked who they are. Memory: 16 MiB a body, packed and unpacked, 64 MiB of
 * them at a time; 32 connections.
 */
#ifndef TICKPROF_SPAN_OTLP_HTTP_H
#define TICKPROF_SPAN_OTLP_HTTP_H

#include "otlp_request.h"
#include "span.h"

#define OTLP_HTTP_TEXT_MAX 256

enum {
	OTLP_HTTP_BODY_MAX = 16 << 20,
	OTLP_HTTP_HELD_MAX = 64 << 20,
	OTLP_HTTP_CONNECTIONS_MAX = 32,
	OTLP_HTTP_IDLE_SECONDS = 30,
	OTLP_HTTP_SPANS_MAX = 256 << 20,	/* of one request, for a keeper */
};

struct otlp_http_counts {
	uint64_t requests;		/* whose head was read; each of these is in one below */
	uint64_t taken;			/* 200 */
	uint64_t bad;			/* 400: no OTLP, or damaged */
	uint64_t unknown;		/* 404, 405, 415: not for us, or in no form we know */
	uint64_t too_large;		/* 413, or cut off beyond all measure */
	uint64_t busy;			/* 503: too many bodies at a time */
	uint64_t broken_off;		/* the client went away */
	uint64_t spans;			/* new in the model, or in requests that were kept */
};

struct otlp_http;

/*
 * address: "127.0.0.1:4318", "[::1]:4318", "localhost:4318"; port 0: any that is
 * free. 0, or -errno after a message; -EINVAL: no such address.
 */
int otlp_http_create(const char *address, struct span_model *m, struct otlp_http **out);
/*
 * The same for who wants requests, not a model: each is read only to see that it can be,
 * which takes OTLP_HTTP_SPANS_MAX bytes at most. Spans that come again count again.
 */
int otlp_http_create_keeper(const char *address, const struct otlp_keeper *keeper,
			    struct otlp_http **out);
/* Cuts off whoever is connected; from then on the counts are final. */
void otlp_http_stop(struct otlp_http *h);
/* Stops it, if that was not done. */
void otlp_http_destroy(struct otlp_http *h);

/* Where it listens, the port as it came out. */
const char *otlp_http_address(const struct otlp_http *h);
const struct otlp_http_counts *otlp_http_counts(const struct otlp_http *h);
/* "; refused: 1 damaged, ...", or "" if none was. */
void otlp_http_refusals(const struct otlp_http_counts *c, char out[OTLP_HTTP_TEXT_MAX]);
/* Only programs of this machine can reach it. */
bool otlp_http_is_local(const struct otlp_http *h);

/*
 * To poll for reading; then, or after otlp_http_timeout() ms (-1: never), run, which
 * does not block.
 */
int otlp_http_fd(const struct otlp_http *h);
int otlp_http_timeout(const struct otlp_http *h);
void otlp_http_run(struct otlp_http *h);

#endif
