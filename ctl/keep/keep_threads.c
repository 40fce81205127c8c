// SPDX-License-Identifier: GPL-2.0-only
/* What came before and after in a thread: see keep_threads.h. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "keep_pool.h"
#include "keep_threads.h"

struct thread {
	uint32_t tid;
	uint64_t time;			/* of the last one; 0: there is none */
	struct keep_item *last;		/* NULL: it has left */
	struct keep_trace_ref before;	/* of the last one */
	struct keep_around around;	/* all since the last wait, that one included */
};

struct keep_threads {
	struct keep_pool pool;
	struct thread *all;
	uint32_t cap;
	struct keep_traces *traces;
	struct capture_keep *counts;
};

struct keep_threads *keep_threads_create(uint32_t max, struct keep_traces *traces,
					 struct capture_keep *counts)
{
	struct keep_threads *t = xcalloc(1, sizeof(*t));

	keep_pool_init(&t->pool, max);
	t->traces = traces;
	t->counts = counts;
	return t;
}

void keep_threads_destroy(struct keep_threads *t)
{
	if (!t)
		return;
	keep_pool_deinit(&t->pool);
	free(t->all);
	free(t);
}

static uint32_t thread_of(struct keep_threads *t, uint32_t tid)
{
	const uint64_t hash = hash_u64(tid, 0);
	uint32_t n;

	for (n = keep_pool_first(&t->pool, hash); n; n = keep_pool_next(&t->pool, n))
		if (t->all[n].tid == tid) {
			keep_pool_move(&t->pool, n, 0);
			return n;
		}
	if (keep_pool_full(&t->pool)) {
		if (!t->pool.lists[0].oldest)
			return 0;
		keep_pool_remove(&t->pool, t->pool.lists[0].oldest);
		t->counts->threads_forgotten++;
	}
	n = keep_pool_add(&t->pool, hash, 0);
	if (t->cap < t->pool.cap) {
		t->cap = t->pool.cap;
		t->all = xrealloc(t->all, t->cap * sizeof(*t->all));
	}
	t->all[n] = (struct thread) { .tid = tid };
	return n;
}

static bool same(struct keep_trace_ref a, struct keep_trace_ref b)
{
	return a.n == b.n && a.turn == b.turn;
}

static void note(struct keep_around *around, struct keep_trace_ref trace)
{
	uint32_t i;

	if (!trace.n || around->nr > KEEP_AROUND_MAX)
		return;
	for (i = 0; i < around->nr; i++)
		if (same(around->traces[i], trace))
			return;
	if (i < KEEP_AROUND_MAX)
		around->traces[i] = trace;
	around->nr++;
}

/* Mostly the two that the wait knows by itself are all there are. */
static void close_account(struct thread *thread, struct keep_item *item, struct keep_trace_ref own)
{
	const struct keep_around *a = &thread->around;
	uint32_t i, others = a->nr > KEEP_AROUND_MAX;

	for (i = 0; i < a->nr && i < KEEP_AROUND_MAX; i++)
		others += !same(a->traces[i], own) && !same(a->traces[i], item->before);
	if (others) {
		item->around = xmalloc(sizeof(*item->around));
		*item->around = *a;
	}
	thread->around.nr = 0;
}

/* The thread ran from its last record to this one, but for short waits. */
static void note_running(struct keep_threads *t, const struct thread *thread,
			 const struct keep_item *item)
{
	uint64_t since = item->wait ? item->start : item->begin;

	if (thread->time > since || (thread->time && !item->wait))
		since = thread->time;
	if (since > item->begin)
		return;
	if (item->trace)
		keep_traces_sight(t->traces, item->trace, since, item->begin);
	/* Else a record between was lost. */
	if (since == thread->time)
		keep_traces_sight_of(t->traces, thread->before, since, item->begin);
}

void keep_threads_link(struct keep_threads *t, struct keep_item *item)
{
	const struct keep_trace_ref own = keep_traces_ref(t->traces, item->trace);
	struct thread *thread;
	uint32_t n;

	n = item->tid ? thread_of(t, item->tid) : 0;
	if (!n)
		return;
	thread = &t->all[n];
	note_running(t, thread, item);
	item->before = thread->before;
	thread->time = item->time;
	if (thread->last)
		thread->last->after = own;
	if (item->wait)
		close_account(thread, item, own);
	note(&thread->around, own);
	thread->before = own;
	thread->last = item;
	item->thread = n;
	if (item->end) {
		keep_pool_remove(&t->pool, n);
		item->thread = 0;
	}
}

void keep_threads_leave(struct keep_threads *t, struct keep_item *item)
{
	if (item->thread && t->all[item->thread].last == item)
		t->all[item->thread].last = NULL;
	free(item->around);
	item->around = NULL;
}

bool keep_threads_beside_slow(const struct keep_threads *t, const struct keep_item *item)
{
	const struct keep_around *a = item->around;
	uint32_t i;

	if (keep_traces_slow(t->traces, item->before) || keep_traces_slow(t->traces, item->after))
		return true;
	if (!a)
		return false;
	for (i = 0; i < a->nr && i < KEEP_AROUND_MAX; i++)
		if (keep_traces_slow(t->traces, a->traces[i]))
			return true;
	return a->nr > KEEP_AROUND_MAX;
}
