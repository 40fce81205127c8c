// SPDX-License-Identifier: GPL-2.0-only
/*
 * The places that a span waited or ran at, and which of these waits were for something that
 * is not in the trace: see ledger.h.
 *
 * Whom the network wakes is often woken by an interrupt, so that a waker in the trace is
 * not all there is to go by: a wait while a child was under way, in whatever process, was for the
 * child.
 */
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"

struct stretch {
	uint64_t start, end;
};

static int by_place(const void *a, const void *b, void *profile)
{
	const struct ledger_stack *x = a, *y = b;
	const struct profile *p = profile;
	const struct profile_sample *s = &p->samples[x->entry], *t = &p->samples[y->entry];

	if (s->user != t->user)
		return s->user < t->user ? -1 : 1;
	if (s->kernel != t->kernel)
		return s->kernel < t->kernel ? -1 : 1;
	if (s->leaf != t->leaf)
		return s->leaf < t->leaf ? -1 : 1;
	return x->state == y->state ? 0 : x->state < y->state ? -1 : 1;
}

static int by_weight(const void *a, const void *b)
{
	const struct ledger_stack *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->entry == y->entry ? 0 : x->entry < y->entry ? -1 : 1;
}

/* Whether somebody in the same trace ended it. */
static bool ended_within(const struct ledger *l, const struct ledger_segment *g)
{
	const struct profile_wait *w = profile_wait(l->p, l->p->samples[g->entry - 1].wait);
	const uint8_t *trace = l->m->traces[l->m->spans[g->span].trace].id;

	return w->waker_context && !(w->flags & TICKPROF_WAIT_IRQ) &&
	       !memcmp(profile_context(l->p, w->waker_context)->trace_id, trace, TRACE_ID_SIZE);
}

/* The time of a span's children, in order, overlapping ones as one. The caller frees. */
static struct stretch *children_of(const struct ledger *l, uint32_t span, size_t *nr)
{
	struct stretch *all = NULL;
	size_t cap = 0, n = 0;
	uint32_t child;

	for (child = l->m->spans[span].child; child; child = l->m->spans[child].sibling) {
		const struct stretch s = { ledger_start(l, child), ledger_end(l, child) };

		if (l->m->spans[child].flags & SPAN_BAD_TIME)
			continue;
		if (n && s.start <= all[n - 1].end) {
			if (s.end > all[n - 1].end)
				all[n - 1].end = s.end;
			continue;
		}
		GROW(all, cap, n + 1);
		all[n++] = s;
	}
	*nr = n;
	return all;
}

/* How much of start … end none of these has. */
static uint64_t outside(const struct stretch *all, size_t nr, uint64_t start, uint64_t end)
{
	uint64_t sum = end - start;
	size_t low = 0, high = nr;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (all[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < nr && all[low].start < end; low++) {
		const uint64_t from = all[low].start > start ? all[low].start : start;
		const uint64_t to = all[low].end < end ? all[low].end : end;

		sum -= to - from;
	}
	return sum;
}

/* What nothing in the trace explains: of a wait, the part in which no child was under way. */
static uint64_t unexplained(const struct ledger *l, const struct ledger_segment *g,
			    const struct stretch *children, size_t nr)
{
	return ended_within(l, g) ? 0 : outside(children, nr, g->start, g->start + g->blocked);
}

struct ledger_stack *ledger_stacks(const struct ledger *l, uint32_t span, enum ledger_what what,
				   size_t *nr)
{
	const bool samples = what == LEDGER_SAMPLES;
	const struct ledger_span *s = &l->spans[span];
	struct ledger_stack *stacks = xcalloc(s->nr, sizeof(*stacks));
	size_t i, n = 0, last, nr_children = 0;
	struct stretch *children __free =
		what == LEDGER_ENDS ? children_of(l, span, &nr_children) : NULL;

	for (i = s->first; i < s->first + s->nr; i++) {
		const struct ledger_segment *g = &l->segments[i];
		const struct profile_sample *e = &l->p->samples[g->entry - 1];
		uint64_t weight;

		if (!g->entry || samples != !!(g->flags & LEDGER_SAMPLE))
			continue;
		weight = samples	       ? e->count
			 : what == LEDGER_ENDS ? unexplained(l, g, children, nr_children)
					       : g->blocked;
		if (!weight)
			continue;
		stacks[n++] = (struct ledger_stack){
			.entry = g->entry - 1,
			.nr = 1,
			.weight = weight,
			.state = samples ? TICKPROF_WAIT_RUNNING
					 : profile_wait(l->p, e->wait)->state,
		};
	}
	if (n)
		qsort_r(stacks, n, sizeof(*stacks), by_place, (void *)l->p);
	for (last = 0, i = 1; i < n; i++)
		if (!by_place(&stacks[last], &stacks[i], (void *)l->p)) {
			stacks[last].weight += stacks[i].weight;
			stacks[last].nr++;
		} else {
			stacks[++last] = stacks[i];
		}
	*nr = n ? last + 1 : 0;
	if (n)
		qsort(stacks, *nr, sizeof(*stacks), by_weight);
	return stacks;
}
