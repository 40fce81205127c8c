/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeping slow traces alone, without module or clock: the ring chunks of a capture are taken
 * round by round as a reader would, each CPU's up to about the same moment, and what leaves
 * the line goes into a second capture.
 */
#ifndef TICKPROF_KEEP_FIXTURE_H
#define TICKPROF_KEEP_FIXTURE_H

#include "keep/keep.h"
#include "records.h"

enum { KEEP_CPUS_MAX = 8, KEEP_RING = 64 << 10 };

struct keep_run {
	struct test_capture out;
	struct keep *k;
	uint64_t most_held;
	int refuse;			/* what the sink answers */
};

static inline int keep_run_sink(void *arg, uint32_t cpu, uint64_t position, const void *records,
				size_t size)
{
	struct keep_run *run = arg;

	return run->refuse ? run->refuse :
	       capture_write_ring(run->out.w, cpu, position, records, size);
}

static inline struct keep_run keep_run_begin(void)
{
	struct keep_run run = { .out = capture_begin() };

	capture_write_meta(run.out.w, CAPTURE_META_SOURCE, "cpu,offcpu");
	capture_write_meta(run.out.w, CAPTURE_META_KEEP, "20ms");
	return run;
}

/* Of a record that has one, else 0. */
static inline uint64_t record_time(const struct tickprof_record *r)
{
	if (r->type == TICKPROF_RECORD_SAMPLE)
		return ((const struct tickprof_sample *)r)->time;
	return r->type == TICKPROF_RECORD_WAIT ? ((const struct tickprof_wait *)r)->time : 0;
}

struct keep_cursor {
	const struct capture_chunk *chunk;
	size_t at;
};

/* What the CPU's ring holds by that moment. */
static inline void keep_run_take(struct keep_run *run, struct keep_cursor *c, uint64_t until)
{
	const char *data = c->chunk->payload;
	const size_t from = c->at;
	const struct tickprof_record *r;
	struct reader_span span;

	while (c->at < c->chunk->size) {
		r = (const void *)(data + c->at);
		if (record_time(r) > until || c->at + r->size - from > KEEP_RING / 2)
			break;
		c->at += r->size;
	}
	span = (struct reader_span) {
		.cpu = c->chunk->cpu, .position = c->chunk->position + from, .data = data + from,
		.size = c->at - from,
	};
	if (span.size && keep_take(run->k, &span))
		abort();
}

/*
 * All of a capture that has one RING chunk a CPU, in rounds of so many ns. skew: by how much
 * more of each further CPU's ring is there than of the one's before. Returns the last error.
 */
static inline int keep_run_feed(struct keep_run *run, const struct capture *c, uint64_t start,
				uint64_t step, uint64_t skew)
{
	struct keep_cursor cursors[KEEP_CPUS_MAX];
	const struct capture_chunk *chunks;
	size_t nr, i, cpus = 0, left;
	uint64_t now = start;
	int ret = 0;

	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++)
		if (chunks[i].type == CAPTURE_RING)
			cursors[cpus++] = (struct keep_cursor) { .chunk = &chunks[i] };
	do {
		keep_round(run->k, now);
		for (i = 0, left = 0; i < cpus; i++) {
			keep_run_take(run, &cursors[i], now + i * skew);
			left += cursors[i].chunk->size - cursors[i].at;
		}
		ret = keep_settle(run->k);
		if (keep_held(run->k) > run->most_held)
			run->most_held = keep_held(run->k);
		now += step;
	} while (left && !ret);
	return ret ? ret : keep_finish(run->k);
}

/* The capture that came of it. */
static inline struct capture *keep_run_end(struct keep_run *run)
{
	const uint8_t *news;
	size_t size;

	news = keep_news(run->k, &size);
	if (size)
		capture_write_chunk(run->out.w, CAPTURE_KEPT, news, size);
	capture_write_keep(run->out.w, keep_counts(run->k));
	keep_destroy(run->k);
	return capture_end(&run->out);
}

#endif
