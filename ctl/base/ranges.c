// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flatten overlapping ranges: see ranges.h. A sweep over the starts, with the
 * ranges open at the current address in a heap by priority: O(n log n) whatever
 * the input, which may come from a hostile file.
 */
#include <stdlib.h>

#include "ranges.h"
#include "util.h"

struct sweep {
	const struct range_in *in;
	uint32_t *heap;
	size_t nr_heap, cap_heap;
	struct range *out;
	size_t nr_out, cap_out;
};

static int by_start(const void *a, const void *b)
{
	const struct range_in *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->prio < y->prio ? -1 : x->prio > y->prio;
}

static void heap_push(struct sweep *s, uint32_t index)
{
	size_t at = s->nr_heap, up;

	GROW(s->heap, s->cap_heap, s->nr_heap + 1);
	s->nr_heap++;
	for (; at; at = up) {
		up = (at - 1) / 2;
		if (s->in[s->heap[up]].prio >= s->in[index].prio)
			break;
		s->heap[at] = s->heap[up];
	}
	s->heap[at] = index;
}

static void heap_pop(struct sweep *s)
{
	uint32_t last = s->heap[--s->nr_heap];
	size_t at = 0, down;

	while ((down = at * 2 + 1) < s->nr_heap) {
		if (down + 1 < s->nr_heap &&
		    s->in[s->heap[down + 1]].prio > s->in[s->heap[down]].prio)
			down++;
		if (s->in[s->heap[down]].prio <= s->in[last].prio)
			break;
		s->heap[at] = s->heap[down];
		at = down;
	}
	s->heap[at] = last;
}

static void emit(struct sweep *s, uint64_t start, uint64_t end, uint32_t value)
{
	struct range *prev = s->nr_out ? &s->out[s->nr_out - 1] : NULL;
	uint64_t size = end - start;

	if (prev && prev->value == value && prev->start + prev->size == start &&
	    prev->size + size <= UINT32_MAX) {
		prev->size += size;
		return;
	}
	GROW(s->out, s->cap_out, s->nr_out + 1);
	s->out[s->nr_out++] = (struct range){
		.start = start,
		.size = size > UINT32_MAX ? UINT32_MAX : size,
		.value = value,
	};
}

static void run(struct sweep *s, size_t nr)
{
	uint64_t pos = 0, stop;
	size_t i = 0;

	while (i < nr || s->nr_heap) {
		while (s->nr_heap && s->in[s->heap[0]].end <= pos)
			heap_pop(s);
		if (!s->nr_heap) {
			if (i == nr)
				break;
			pos = s->in[i].start;
			heap_push(s, i++);
		}
		while (i < nr && s->in[i].start <= pos)
			heap_push(s, i++);
		stop = s->in[s->heap[0]].end;
		if (i < nr && s->in[i].start < stop)
			stop = s->in[i].start;
		if (stop > pos) {
			emit(s, pos, stop, s->in[s->heap[0]].value);
			pos = stop;
		}
	}
}

void ranges_init(struct ranges *out, struct range_in *in, size_t nr)
{
	struct sweep s = { .in = in };
	size_t i;

	for (i = 1; i < nr && by_start(&in[i - 1], &in[i]) <= 0; i++)
		;
	if (i < nr)
		qsort(in, nr, sizeof(*in), by_start);
	run(&s, nr);
	free(s.heap);
	out->nr = s.nr_out;
	out->r = s.nr_out ? xrealloc(s.out, s.nr_out * sizeof(*s.out)) : NULL;
}

void ranges_deinit(struct ranges *r)
{
	free(r->r);
	r->r = NULL;
	r->nr = 0;
}

const struct range *ranges_find(const struct ranges *r, uint64_t addr)
{
	size_t lo = 0, hi = r->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (r->r[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr - r->r[lo - 1].start >= r->r[lo - 1].size)
		return NULL;
	return &r->r[lo - 1];
}
