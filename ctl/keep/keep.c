// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line in which records wait for their verdict: see keep.h.
 *
 * A span of a ring stays one piece: its header, its records, then an item for each SAMPLE and
 * WAIT among them. Items are put into the order of time before their threads are looked at,
 * for a thread that moves from CPU to CPU has its records in several rings: those of before
 * the round before this one are all there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/record_check.h"
#include "keep.h"
#include "keep_stream.h"
#include "keep_threads.h"

/* Of the memory, for traces and threads. */
enum { TRACES_SHARE = 8, THREADS_SHARE = 16 };

struct piece {
	struct piece *next;
	uint64_t arrived;		/* the round's time */
	uint64_t position;
	uint32_t cpu, size, nr_items, bytes;
	struct keep_item *items;
	uint8_t data[];
};

struct cpu {
	struct keep_refs seen;		/* TASK and CONTEXT, as they arrive */
	struct keep_stream stream;
};

struct keep {
	struct keep_options options;
	struct keep_traces *traces;
	struct keep_threads *threads;
	struct piece *first, **last;
	struct keep_item **pending;	/* not linked yet */
	size_t nr_pending, cap_pending;
	uint64_t round, before;		/* times of this round and of the one before */
	uint64_t held, held_max;	/* bytes */
	keep_sink *sink;
	void *arg;
	struct capture_keep counts;
	uint32_t nr_cpus;
	struct cpu cpus[];
};

struct keep *keep_create(const struct keep_options *options, uint32_t cpus, uint32_t ring_size,
			 keep_sink *sink, void *arg)
{
	struct keep *k = xcalloc(1, sizeof(*k) + cpus * sizeof(*k->cpus));
	const uint64_t memory = options->memory;
	uint32_t i;

	k->options = *options;
	k->last = &k->first;
	k->sink = sink;
	k->arg = arg;
	k->nr_cpus = cpus;
	for (i = 0; i < cpus; i++) {
		keep_refs_init(&k->cpus[i].seen, ring_size);
		keep_stream_init(&k->cpus[i].stream, ring_size);
	}
	snprintf(k->counts.limit, sizeof(k->counts.limit), "%s", options->limit);
	k->traces = keep_traces_create(memory / TRACES_SHARE / KEEP_TRACE_BYTES, options->threshold,
				       options->percentile, &k->counts);
	k->threads = keep_threads_create(memory / THREADS_SHARE / KEEP_THREAD_BYTES, k->traces,
					 &k->counts);
	k->held_max = memory - memory / TRACES_SHARE - memory / THREADS_SHARE;
	return k;
}

static void free_piece(struct keep *k, struct piece *p)
{
	uint32_t i;

	for (i = 0; i < p->nr_items; i++)
		keep_threads_leave(k->threads, &p->items[i]);
	k->held -= p->bytes;
	free(p);
}

void keep_destroy(struct keep *k)
{
	struct piece *p;
	uint32_t i;

	if (!k)
		return;
	while ((p = k->first)) {
		k->first = p->next;
		free_piece(k, p);
	}
	for (i = 0; i < k->nr_cpus; i++) {
		keep_refs_deinit(&k->cpus[i].seen);
		keep_stream_deinit(&k->cpus[i].stream);
	}
	keep_threads_destroy(k->threads);
	keep_traces_destroy(k->traces);
	free(k->pending);
	free(k);
}

/* --- arrival ------------------------------------------------------------------------------ */

static bool is_sight(const struct tickprof_record *r)
{
	return (r->type == TICKPROF_RECORD_SAMPLE || r->type == TICKPROF_RECORD_WAIT) &&
	       record_check(r);
}

/* What a record refers to by a distance; NULL: nothing, or it is not there. */
static const void *referred(const struct cpu *c, uint64_t position, uint32_t distance, uint16_t type)
{
	struct keep_ref *ref = distance ? keep_refs_find(&c->seen, position - distance, type) : NULL;

	return ref ? keep_refs_record(&c->seen, ref) : NULL;
}

/* The number of the trace that a context is of; 0: none, or there is no room for it. */
static uint32_t trace_of(struct keep *k, const struct tickprof_thread_context *context)
{
	return context ? keep_traces_get(k->traces, context->trace_id) : 0;
}

static void take_wait(struct keep *k, const struct cpu *c, uint64_t position,
		      const struct tickprof_wait *r, struct keep_item *item)
{
	const struct tickprof_thread_context *context;
	const uint64_t woken = r->time - r->queued;
	uint32_t n;

	item->begin = woken - r->blocked;
	item->start = item->begin - r->ran - r->short_blocked - r->short_queued;
	context = referred(c, position, r->context, TICKPROF_RECORD_CONTEXT);
	item->trace = trace_of(k, context);
	item->nowhere = context && !item->trace;
	item->wait = true;
	item->end = r->hdr.flags & TICKPROF_WAIT_END;
	item->open = r->hdr.flags & TICKPROF_WAIT_OPEN;
	if (item->trace) {
		keep_traces_hold(k->traces, item->trace);
		keep_traces_sight(k->traces, item->trace, item->begin, r->time);
		if (item->open)
			keep_traces_open(k->traces, item->trace);
	}
	if (r->hdr.size < sizeof(*r))
		return;
	n = trace_of(k, referred(c, position, r->waker_context, TICKPROF_RECORD_CONTEXT));
	if (n)
		keep_traces_sight(k->traces, n, woken, woken);
}

static void take_sample(struct keep *k, const struct cpu *c, uint64_t position,
			const struct tickprof_sample *r, struct keep_item *item)
{
	const struct tickprof_thread_context *context;

	item->begin = item->start = r->time;
	if (!(r->hdr.flags & TICKPROF_SAMPLE_CONTEXT))
		return;
	context = referred(c, position, ((const struct tickprof_sample_context *)r)->context,
			   TICKPROF_RECORD_CONTEXT);
	item->trace = trace_of(k, context);
	item->nowhere = context && !item->trace;
	if (!item->trace)
		return;
	keep_traces_hold(k->traces, item->trace);
	keep_traces_sight(k->traces, item->trace, r->time, r->time);
}

static void take_record(struct keep *k, struct piece *p, uint32_t at)
{
	const struct tickprof_record *r = (const void *)(p->data + at);
	const uint64_t position = p->position + at;
	struct cpu *c = &k->cpus[p->cpu];
	const struct tickprof_task *task;
	const struct tickprof_sample *sample = (const void *)r;
	const struct tickprof_wait *wait = (const void *)r;
	const bool is_wait = r->type == TICKPROF_RECORD_WAIT;
	struct keep_item *item;

	if (r->type == TICKPROF_RECORD_TASK || r->type == TICKPROF_RECORD_CONTEXT) {
		if (record_check(r))
			keep_refs_add(&c->seen, position, r);
		return;
	}
	if (!is_sight(r))
		return;
	item = &p->items[p->nr_items++];
	*item = (struct keep_item) { .at = at, .time = is_wait ? wait->time : sample->time };
	task = referred(c, position, is_wait ? wait->task : sample->task, TICKPROF_RECORD_TASK);
	item->tid = task ? task->tid : 0;
	if (is_wait)
		take_wait(k, c, position, wait, item);
	else
		take_sample(k, c, position, sample, item);
	GROW(k->pending, k->cap_pending, k->nr_pending + 1);
	k->pending[k->nr_pending++] = item;
}

static const struct tickprof_record *record_at(const struct reader_span *span, size_t at)
{
	return (const void *)((const uint8_t *)span->data + at);
}

void keep_round(struct keep *k, uint64_t now)
{
	k->before = k->round;
	k->round = now;
}

int keep_take(struct keep *k, const struct reader_span *span)
{
	const size_t items_at = sizeof(struct piece) + span->size;	/* both are multiples of 8 */
	uint32_t nr = 0;
	struct piece *p;
	size_t at;

	if (span->cpu >= k->nr_cpus)
		return -EINVAL;
	for (at = 0; at < span->size; at += record_at(span, at)->size)
		nr += is_sight(record_at(span, at));
	p = xmalloc(items_at + nr * sizeof(*p->items));
	*p = (struct piece) {
		.arrived = k->round, .position = span->position, .cpu = span->cpu,
		.size = span->size, .bytes = items_at + nr * sizeof(*p->items),
		.items = (void *)((uint8_t *)p + items_at),
	};
	memcpy(p->data, span->data, span->size);
	*k->last = p;
	k->last = &p->next;
	k->held += p->bytes;
	for (at = 0; at < span->size; at += record_at(span, at)->size)
		take_record(k, p, at);
	return 0;
}

void keep_span(struct keep *k, const uint8_t *trace_id, uint64_t from, uint64_t to)
{
	const uint32_t n = keep_traces_get(k->traces, trace_id);

	if (n && to >= from)
		keep_traces_sight(k->traces, n, from, to);
}

/* --- in line ------------------------------------------------------------------------------ */

static int compare_items(const void *a, const void *b)
{
	const struct keep_item *x = *(struct keep_item *const *)a, *y = *(struct keep_item *const *)b;

	return x->time == y->time ? 0 : x->time < y->time ? -1 : 1;
}

/* All up to a time. */
static void link_items(struct keep *k, uint64_t until)
{
	size_t n = 0;

	if (k->nr_pending)
		qsort(k->pending, k->nr_pending, sizeof(*k->pending), compare_items);
	for (; n < k->nr_pending && k->pending[n]->time <= until; n++) {
		k->pending[n]->linked = true;
		/* Without waits nothing tells whether a thread ran meanwhile. */
		if (k->options.waits)
			keep_threads_link(k->threads, k->pending[n]);
	}
	k->nr_pending -= n;
	if (n)
		memmove(k->pending, k->pending + n, k->nr_pending * sizeof(*k->pending));
}

static bool all_linked(const struct piece *p)
{
	uint32_t i;

	for (i = 0; i < p->nr_items; i++)
		if (!p->items[i].linked)
			return false;
	return true;
}

/* --- verdict ------------------------------------------------------------------------------ */

static enum keep_fate fate_of(struct keep *k, const struct keep_item *item, bool early)
{
	const struct keep_trace_ref own = keep_traces_ref(k->traces, item->trace);

	if (keep_traces_slow(k->traces, own))
		return KEEP_SLOW;
	if (keep_threads_beside_slow(k->threads, item))
		return KEEP_BESIDE;
	if (item->nowhere)
		return KEEP_DROP_UNDECIDED;
	if (!item->trace)
		return k->options.untraced ? KEEP_UNTRACED : KEEP_DROP_UNTRACED;
	if (early || keep_traces_is_open(k->traces, item->trace))
		return KEEP_DROP_UNDECIDED;
	return KEEP_DROP_FAST;
}

/* Whether it is kept. */
static bool judge(struct keep *k, struct keep_item *item, bool early)
{
	const enum keep_fate fate = fate_of(k, item, early);

	(item->wait ? k->counts.waits : k->counts.samples)[fate]++;
	if (fate == KEEP_SLOW)
		keep_traces_kept(k->traces, item->trace);
	else if (fate >= KEEP_DROP_FAST && item->trace)
		keep_traces_dropped(k->traces, item->trace, early);
	return fate < KEEP_DROP_FAST;
}

static void leave_records(struct keep *k, struct piece *p, bool early)
{
	struct keep_stream *s = &k->cpus[p->cpu].stream;
	uint32_t at, n = 0;

	for (at = 0; at < p->size;) {
		const struct tickprof_record *r = (const void *)(p->data + at);

		if (n < p->nr_items && p->items[n].at == at) {
			if (judge(k, &p->items[n++], early))
				keep_stream_sight(s, p->position + at, r);
		} else if ((r->type == TICKPROF_RECORD_STACK || r->type == TICKPROF_RECORD_TASK ||
			    r->type == TICKPROF_RECORD_CONTEXT) && record_check(r)) {
			keep_stream_refer(s, p->position + at, r);
		} else if (r->type != TICKPROF_RECORD_PAD) {
			keep_stream_copy(s, r);
		}
		at += r->size;
	}
	for (n = 0; n < p->nr_items; n++)
		keep_traces_release(k->traces, p->items[n].trace);
}

/* The oldest piece, which is linked. */
static int leave(struct keep *k, bool early)
{
	struct piece *p = k->first;
	struct keep_stream *s = &k->cpus[p->cpu].stream;
	int ret = 0;

	leave_records(k, p, early);
	if (s->size)
		ret = k->sink(k->arg, p->cpu, s->position, s->data, s->size);
	keep_stream_flushed(s);
	k->first = p->next;
	if (!k->first)
		k->last = &k->first;
	free_piece(k, p);
	return ret;
}

int keep_settle(struct keep *k)
{
	int ret = 0;

	link_items(k, k->before);
	while (k->first && !ret) {
		const uint64_t age = k->round - k->first->arrived;

		if (age < k->options.hold && k->held <= k->held_max)
			break;
		if (!all_linked(k->first))
			link_items(k, UINT64_MAX);
		ret = leave(k, age < k->options.sure);
	}
	return ret;
}

int keep_finish(struct keep *k)
{
	int ret = 0;

	link_items(k, UINT64_MAX);
	while (k->first && !ret)
		ret = leave(k, false);
	return ret;
}

const uint8_t *keep_news(struct keep *k, size_t *size)
{
	return keep_traces_news(k->traces, size);
}

const struct capture_keep *keep_counts(struct keep *k)
{
	k->counts.complete = true;
	k->counts.threshold = keep_traces_threshold(k->traces);
	return &k->counts;
}

uint64_t keep_held(const struct keep *k)
{
	return k->held;
}
