// SPDX-License-Identifier: GPL-2.0-only
/* Spans by thread and time: see span_threads.h. */
#include <stdlib.h>

#include "base/util.h"
#include "span_threads.h"

struct span_threads {
	const struct span_model *m;
	uint32_t *spans;		/* by thread, then start */
	size_t nr;
};

static int compare(const void *a, const void *b, void *model)
{
	const struct span_model *m = model;
	const struct span *x = &m->spans[*(const uint32_t *)a],
			  *y = &m->spans[*(const uint32_t *)b];

	if (x->thread_id != y->thread_id)
		return x->thread_id < y->thread_id ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* Of two that start together the shorter is within the other. */
	return x->end == y->end ? 0 : x->end > y->end ? -1 : 1;
}

struct span_threads *span_threads_create(const struct span_model *m, uint32_t end)
{
	struct span_threads *t = xcalloc(1, sizeof(*t));
	uint32_t n;

	t->m = m;
	t->spans = xcalloc(end, sizeof(*t->spans));
	for (n = 1; n < end; n++)
		if (m->spans[n].flags & SPAN_HAS_THREAD && !(m->spans[n].flags & SPAN_BAD_TIME))
			t->spans[t->nr++] = n;
	if (t->nr)
		qsort_r(t->spans, t->nr, sizeof(*t->spans), compare, (void *)m);
	return t;
}

void span_threads_destroy(struct span_threads *t)
{
	if (!t)
		return;
	free(t->spans);
	free(t);
}

/* How many begin, on this thread, at "time" or before; all those of lower tids too. */
static size_t until(const struct span_threads *t, uint32_t tid, uint64_t time)
{
	size_t low = 0, high = t->nr;

	while (low < high) {
		const size_t mid = (low + high) / 2;
		const struct span *s = &t->m->spans[t->spans[mid]];

		if (s->thread_id < tid || (s->thread_id == tid && s->start <= time))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool of_process(const struct span_threads *t, const struct span *s, uint32_t pid)
{
	const uint32_t told = span_pid(t->m, s);

	return !told || told == pid;
}

uint32_t span_threads_find(const struct span_threads *t, uint32_t pid, uint32_t tid, uint64_t time)
{
	size_t at = until(t, tid, time), tries;

	for (tries = 0; at && tries < SPAN_THREADS_LOOK_BACK; at--, tries++) {
		const struct span *s = &t->m->spans[t->spans[at - 1]];

		if (s->thread_id != tid)
			break;
		if (s->end >= time && of_process(t, s, pid))
			return t->spans[at - 1];
	}
	return 0;
}

uint64_t span_threads_next(const struct span_threads *t, uint32_t pid, uint32_t tid, uint64_t time)
{
	size_t at;

	for (at = until(t, tid, time); at < t->nr; at++) {
		const struct span *s = &t->m->spans[t->spans[at]];

		if (s->thread_id != tid)
			break;
		if (of_process(t, s, pid))
			return s->start;
	}
	return UINT64_MAX;
}
