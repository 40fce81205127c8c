/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of a recording the slow traces alone: between the rings and the capture spans of records
 * wait in line for a while, until it is known which of their traces are slow.
 *
 *	reader ──► keep_take ─► line, for "hold" ─► verdict ─► keep_stream ─► sink
 *	              │ sights        │ neighbours      ▲
 *	              ▼               ▼                 │
 *	          keep_traces ◄── keep_threads ─────────┘
 *
 * A SAMPLE or WAIT is kept if its trace is slow, or one next to it in its thread is
 * (keep_threads.h); what STACK, TASK and CONTEXT records that takes goes with it
 * (keep_stream.h); all other records are kept. When memory is short the oldest leaves before
 * its time, and what is dropped then is undecided, unless it has stood there for "sure".
 *
 * One thread. Memory: "memory" bytes, and twice the rings'.
 */
#ifndef TICKPROF_KEEP_H
#define TICKPROF_KEEP_H

#include "capture/capture_keep.h"
#include "record/reader.h"

#define KEEP_MEMORY_MIN		(1ull << 20)
#define KEEP_MEMORY_MAX		(64ull << 30)

struct keep_options {
	const char *limit;		/* as it was given: "50ms", "p99" */
	uint64_t threshold;		/* ns; 0: the percentile */
	double percentile;		/* 0.5 … 0.999 */
	uint64_t hold;			/* ns */
	uint64_t sure;			/* ns; who is not slow by then counts as fast, be memory short */
	uint64_t memory;		/* bytes, KEEP_MEMORY_MIN … MAX */
	bool untraced;			/* what is in no trace is kept */
	bool waits;			/* they are recorded */
};

/* Whole records of one CPU, "position" being that of a ring without holes. 0 or -errno. */
typedef int keep_sink(void *arg, uint32_t cpu, uint64_t position, const void *records, size_t size);

struct keep;

/* ring_size: bytes. */
struct keep *keep_create(const struct keep_options *options, uint32_t cpus, uint32_t ring_size,
			 keep_sink *sink, void *arg);
void keep_destroy(struct keep *k);
/* Before all rings are drained once, at "now" (CLOCK_MONOTONIC ns). */
void keep_round(struct keep *k, uint64_t now);
/* A span of a ring, copied. CPUs beyond those told are none. 0 or -errno. */
int keep_take(struct keep *k, const struct reader_span *span);
/* After that: whatever has stood in line for long enough leaves. 0 or the sink's -errno. */
int keep_settle(struct keep *k);
/* At the end: all of it. */
int keep_finish(struct keep *k);
/* A span of a trace (16 bytes) took from … to, CLOCK_MONOTONIC ns. */
void keep_span(struct keep *k, const uint8_t *trace_id, uint64_t from, uint64_t to);

/* Ids of traces that were kept for the first time since the last call, 16 bytes each. */
const uint8_t *keep_news(struct keep *k, size_t *size);
const struct capture_keep *keep_counts(struct keep *k);
/* Bytes in line. */
uint64_t keep_held(const struct keep *k);

#endif
