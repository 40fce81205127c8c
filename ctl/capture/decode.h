/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring records, checked, with their back references resolved.
 *
 * Stacks, tasks and contexts are interned over all CPUs: equal content has one
 * number, from 1 on; 0 is "none". Nothing is copied: they point into the capture,
 * which must outlive the decoder.
 */
#ifndef TICKPROF_DECODE_H
#define TICKPROF_DECODE_H

#include "capture.h"

struct decode;

struct decode_stack {
	const __u64 *ip;
	uint32_t nr;
	uint32_t flags;			/* TICKPROF_STACK_* */
};

/* The span that a thread was in. */
struct decode_context {
	const uint8_t *trace_id, *span_id;	/* 16 and 8 bytes, neither of zeros alone */
	const uint8_t *attrs;		/* whole entries {key index, length, value[length]} */
	uint32_t size;			/* of them, bytes */
	uint8_t trace_flags;
	bool cut;			/* there were more attributes */
};

struct decode_sample {
	const struct tickprof_sample *record;
	uint32_t cpu;
	uint32_t task, kstack, ustack, context;	/* interned; 0: none, or not to be resolved */
};

/*
 * As a sample: durations are sane (see record_check()), the state is whatever the record
 * says. The record may be that of ABI 1, which has no waker_context.
 */
struct decode_wait {
	const struct tickprof_wait *record;
	uint32_t cpu;
	uint32_t task, kstack, ustack, context, waker_context;
};

/* What did not go as it should, over both passes. */
struct decode_stats {
	uint64_t records;
	uint64_t errors;	/* records that make no sense, or the rest of a chunk after one */
	uint64_t unknown;	/* records of a type that this version does not know */
	uint64_t unresolved;	/* references to a record that is not there */
	uint64_t gaps;		/* positions that do not follow the chunk before */
	uint64_t lost_samples, lost_events, lost_stacks;	/* LOST records */
};

/* A process event (TASK, FORK, EXEC, MMAP, COMM, EXIT), checked: whole, strings terminated. */
typedef void decode_event_fn(void *ctx, const struct tickprof_record *record, bool snapshot);
typedef void decode_sample_fn(void *ctx, const struct decode_sample *sample);
typedef void decode_wait_fn(void *ctx, const struct decode_wait *wait);

struct decode *decode_create(const struct capture *c);
void decode_destroy(struct decode *d);

/* First pass: events of all CPUs in file order, EVENTS chunks (snapshot == true) included. */
void decode_events(struct decode *d, decode_event_fn *fn, void *ctx);
/* Second pass: samples and waits, CPU after CPU. */
void decode_samples(struct decode *d, decode_sample_fn *fn, decode_wait_fn *wait_fn, void *ctx);

uint32_t decode_nr_stacks(const struct decode *d);	/* numbers are 1 … nr */
const struct decode_stack *decode_stack(const struct decode *d, uint32_t id);
const struct tickprof_task *decode_task(const struct decode *d, uint32_t id);
uint32_t decode_nr_contexts(const struct decode *d);
const struct decode_context *decode_context(const struct decode *d, uint32_t id);
const struct decode_stats *decode_stats(const struct decode *d);

#endif
