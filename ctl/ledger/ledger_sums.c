// SPDX-License-Identifier: GPL-2.0-only
/* Sums over a ledger's segments: spans, the threads of one, the shares of a trace. */
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"

enum { ANCESTORS_MAX = 1000 };

uint64_t ledger_blocked(const struct ledger_time *t)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < PROFILE_WAIT_STATES; i++)
		sum += t->blocked[i];
	return sum;
}

static void add_segment(const struct ledger *l, struct ledger_time *t,
			const struct ledger_segment *s)
{
	const struct profile_wait *w;

	if (s->flags & LEDGER_SAMPLE) {
		/* The sampler's share, where no wait tells how long the thread ran. */
		t->running += l->p->waited ? 0 : l->p->samples[s->entry - 1].count * l->p->period;
		return;
	}
	t->queued += s->queued;
	t->running += s->end - s->start - s->blocked - s->queued;
	if (!s->entry) {
		t->blocked[PROFILE_WAIT_SHORT] += s->blocked;
		return;
	}
	w = profile_wait(l->p, l->p->samples[s->entry - 1].wait);
	t->blocked[w->state] += s->blocked;
	t->waits++;
	if (w->flags & TICKPROF_WAIT_IO)
		t->io += s->blocked;
	if (w->flags & TICKPROF_WAIT_FAULT) {
		t->fault += s->blocked;
		t->faults++;
	}
}

static int compare_segments(const void *a, const void *b)
{
	const struct ledger_segment *x = a, *y = b;

	if (x->span != y->span)
		return x->span < y->span ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->thread == y->thread ? 0 : x->thread < y->thread ? -1 : 1;
}

/* A span in a thread. */
struct pair {
	uint32_t span, thread;
};

struct pairs {
	struct pair *all;
	size_t nr, cap;
	struct hash index;
};

static struct hash_slot *pair_slot(struct pairs *p, uint32_t span, uint32_t thread)
{
	return hash_find(&p->index, hash_u64((uint64_t)span << 32 | thread, 0), id,
			 p->all[id - 1].span == span && p->all[id - 1].thread == thread);
}

static bool has_pair(struct pairs *p, uint32_t span, uint32_t thread)
{
	struct hash_slot *slot = pair_slot(p, span, thread);

	if (!slot->id)
		p->index.nr--;	/* no entry is made of it */
	return slot->id;
}

static void sum_self(struct ledger *l, struct pairs *pairs)
{
	size_t i;

	for (i = 0; i < l->nr_segments; i++) {
		const struct ledger_segment *s = &l->segments[i];
		struct ledger_span *span = &l->spans[s->span];
		struct hash_slot *slot = pair_slot(pairs, s->span, s->thread);

		if (!slot->id) {
			GROW(pairs->all, pairs->cap, pairs->nr + 1);
			pairs->all[pairs->nr++] = (struct pair) { s->span, s->thread };
			slot->id = pairs->nr;
			span->threads++;
		}
		if (!span->nr++)
			span->first = i;
		add_segment(l, &span->self, s);
		span->samples += !!(s->flags & LEDGER_SAMPLE);
		span->about += s->about;
		span->by_thread |= s->flags & LEDGER_BY_THREAD;
	}
}

/*
 * What a child did counts for its parent where the parent was in that thread, too: there it
 * is what the parent did meanwhile. A parent that was in none, for it did nothing but begin
 * children, has what these did in all threads. Only what lies within the parent's time.
 */
static void sum_total(struct ledger *l, struct pairs *pairs)
{
	size_t i, n;

	for (i = 0; i < l->nr_segments; i++) {
		const struct ledger_segment *s = &l->segments[i];
		uint32_t above = s->span;

		add_segment(l, &l->spans[above].total, s);
		for (n = 0; n < ANCESTORS_MAX; n++) {
			above = ledger_parent_here(l, above);
			if (!above)
				break;
			if (s->start < ledger_start(l, above) || s->end > ledger_end(l, above))
				continue;
			if (!l->spans[above].threads || has_pair(pairs, above, s->thread))
				add_segment(l, &l->spans[above].total, s);
		}
	}
}

void ledger_sum(struct ledger *l)
{
	struct pairs pairs = { 0 };

	if (l->nr_segments)
		qsort(l->segments, l->nr_segments, sizeof(*l->segments), compare_segments);
	sum_self(l, &pairs);
	sum_total(l, &pairs);
	free(pairs.all);
	hash_deinit(&pairs.index);
}

static uint64_t wall_of(const struct ledger_time *t)
{
	return t->running + t->queued + ledger_blocked(t);
}

static int compare_parts(const void *a, const void *b)
{
	const struct ledger_part *x = a, *y = b;
	const uint64_t p = wall_of(&x->time), q = wall_of(&y->time);

	if (p != q)
		return p > q ? -1 : 1;
	return x->thread < y->thread ? -1 : 1;
}

uint64_t ledger_unseen(const struct ledger *l, uint32_t span)
{
	const uint64_t wall = span_duration(&l->m->spans[span]),
		       seen = wall_of(&l->spans[span].total);

	return wall > seen ? wall - seen : 0;
}

struct ledger_part *ledger_parts(const struct ledger *l, uint32_t span, size_t *nr)
{
	const struct ledger_span *s = &l->spans[span];
	struct ledger_part *parts = xcalloc(s->threads, sizeof(*parts));
	uint32_t *of_thread __free = xcalloc(l->nr_threads, sizeof(*of_thread));
	size_t i;

	*nr = 0;
	for (i = s->first; i < s->first + s->nr; i++) {
		uint32_t *part = &of_thread[l->segments[i].thread];

		if (!*part) {
			parts[*nr].thread = l->segments[i].thread;
			*part = ++*nr;
		}
		add_segment(l, &parts[*part - 1].time, &l->segments[i]);
	}
	if (*nr)
		qsort(parts, *nr, sizeof(*parts), compare_parts);
	return parts;
}

/* From here on so many more threads (or fewer) do this. */
struct event {
	uint64_t time;
	uint8_t what;		/* 0: running, 1: queued, 2: blocked */
	int8_t more;
};

static int compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->time == y->time ? 0 : x->time < y->time ? -1 : 1;
}

static size_t add_event(struct event *e, uint64_t from, uint64_t to, uint8_t what)
{
	if (from >= to)
		return 0;
	e[0] = (struct event) { from, what, 1 };
	e[1] = (struct event) { to, what, -1 };
	return 2;
}

/* All events of a trace's spans: four at most for each segment. */
static size_t collect(const struct ledger *l, const struct span_trace *t, struct event *e,
		      struct ledger_shares *out)
{
	uint8_t *threads __free = xcalloc(l->nr_threads + 1, 1);
	size_t nr = 0, i, n;

	for (n = t->first; n < t->first + t->nr_spans; n++) {
		const struct ledger_span *span = &l->spans[l->m->by_start[n]];

		out->spans += span->nr || span->basis == LEDGER_BY_MARKS;
		for (i = span->first; i < span->first + span->nr; i++) {
			const struct ledger_segment *s = &l->segments[i];
			const uint64_t woken = s->start + (s->entry ? s->blocked : 0);

			out->threads += !threads[s->thread];
			threads[s->thread] = 1;
			nr += add_event(e + nr, s->start, woken, 2);
			nr += add_event(e + nr, woken, s->end, s->entry ? 1 : 0);
		}
	}
	return nr;
}

/* When it ran is not known without waits, only for how long. */
static uint64_t ran(const struct ledger *l, const struct span_trace *t, uint64_t most)
{
	uint64_t sum = 0;
	size_t i;

	for (i = t->first; i < t->first + t->nr_spans && sum < most; i++)
		sum += l->spans[l->m->by_start[i]].self.running;
	return sum < most ? sum : most;
}

void ledger_shares(const struct ledger *l, uint32_t trace, struct ledger_shares *out)
{
	const struct span_trace *t = &l->m->traces[trace];
	uint64_t *const sums[] = { &out->running, &out->queued, &out->blocked };
	struct event *events __free = NULL;
	int32_t active[3] = { 0 };
	uint64_t known = 0;
	size_t nr = 0, i, what;

	*out = (struct ledger_shares) { 0 };
	for (i = t->first; i < t->first + t->nr_spans; i++)
		nr += l->spans[l->m->by_start[i]].nr;
	events = xcalloc(nr, 4 * sizeof(*events));
	nr = collect(l, t, events, out);
	if (nr)
		qsort(events, nr, sizeof(*events), compare_events);
	for (i = 0; i < nr; i++) {
		active[events[i].what] += events[i].more;
		for (what = 0; what < 3 && !active[what]; what++)
			;
		if (what == 3 || i + 1 == nr)
			continue;
		*sums[what] += events[i + 1].time - events[i].time;
		known += events[i + 1].time - events[i].time;
	}
	if (!l->p->waited)
		known = out->running = ran(l, t, t->end - t->start);
	out->unseen = t->end - t->start > known ? t->end - t->start - known : 0;
}
