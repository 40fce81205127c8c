// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of all threads in the order of time, each thread's one after the other: a
 * wait is the span's that the thread left its CPU in; what lies before it, back to the wait
 * before, the thread ran, but for waits too short for a record (see ledger_gaps.c).
 *
 * A record tells how long the time before it was, so that a missing one is noticed: what
 * lies before is then known from this record's end only.
 */
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"

struct state {
	uint64_t end;			/* of the record before; 0: there is none */
	uint32_t span, flags;		/* that it was in */
	struct ledger_sight *samples;	/* since then */
	size_t nr_samples, cap_samples;
};

struct walk {
	struct ledger *l;
	const struct span_threads *by_thread;	/* NULL: not asked for */
	struct state *states;		/* by thread */
	size_t cap_states;
	struct ledger_sight *sights;	/* of the gap at hand */
	size_t nr_sights, cap_sights;
};

static uint32_t thread_of(struct walk *w, const struct profile_sample *s)
{
	const struct profile *p = w->l->p;
	const struct profile_task *t = &p->tasks[s->task - 1], *g;
	struct ledger_private *priv = w->l->private;
	struct hash_slot *slot;
	size_t had;

	slot = hash_find(&priv->thread_index, hash_u64((uint64_t)t->pid << 32 | t->tid, 0), id, ({
		g = &p->tasks[w->l->threads[id].task - 1];
		g->pid == t->pid && g->tid == t->tid; }));
	if (!slot->id) {
		if (!w->l->nr_threads)
			w->l->nr_threads = 1;
		slot->id = w->l->nr_threads++;
		GROW(w->l->threads, priv->cap_threads, w->l->nr_threads);
		had = w->cap_states;
		GROW(w->states, w->cap_states, w->l->nr_threads);
		memset(w->states + had, 0, (w->cap_states - had) * sizeof(*w->states));
	}
	w->l->threads[slot->id].task = s->task;
	return slot->id;
}

static struct ledger_sight sight_of(struct walk *w, const struct profile_sample *s, uint64_t time)
{
	struct ledger_sight sight = { .time = time, .span = w->l->of_context[s->context] };
	const struct profile_task *t = &w->l->p->tasks[s->task - 1];

	if (!s->context && w->by_thread) {
		sight.span = span_threads_find(w->by_thread, t->pid, t->tid, time + w->l->offset);
		if (sight.span) {
			sight.flags = LEDGER_BY_THREAD;
			w->l->by_thread++;
		}
	}
	return sight;
}

static void add_sight(struct walk *w, struct ledger_sight s)
{
	GROW(w->sights, w->cap_sights, w->nr_sights + 1);
	w->sights[w->nr_sights++] = s;
}

/* Spans that such a thread began between two sights count as seen where they begin. */
static void add_starts(struct walk *w, const struct profile_task *t, uint64_t from, uint64_t to)
{
	const uint64_t offset = w->l->offset;
	uint64_t at = from + offset;

	while (w->by_thread) {
		at = span_threads_next(w->by_thread, t->pid, t->tid, at);
		if (at >= to + offset)
			return;
		add_sight(w, (struct ledger_sight) {
			.time = at - offset, .flags = LEDGER_BY_THREAD,
			.span = span_threads_find(w->by_thread, t->pid, t->tid, at),
		});
	}
}

/* What the thread ran before this wait. */
static void gap_before(struct walk *w, uint32_t thread, const struct profile_sample *s,
		       const struct ledger_sight *end)
{
	const struct profile_wait *r = profile_wait(w->l->p, s->wait);
	const struct profile_task *t = &w->l->p->tasks[s->task - 1];
	struct state *state = &w->states[thread];
	const uint64_t start = end->time - r->ran - r->short_blocked - r->short_queued;
	struct ledger_gap g = {
		.thread = thread, .blocked = r->short_blocked, .queued = r->short_queued,
		.unknown = !state->end || state->end != start,
	};
	uint64_t last = start;
	size_t i;

	w->nr_sights = 0;
	add_sight(w, (struct ledger_sight) {
		.time = start, .span = g.unknown ? 0 : state->span, .flags = state->flags,
	});
	for (i = 0; i < state->nr_samples; i++)
		if (state->samples[i].time > last && state->samples[i].time < end->time) {
			add_starts(w, t, last, state->samples[i].time);
			last = state->samples[i].time;
			add_sight(w, state->samples[i]);
		}
	add_starts(w, t, last, end->time);
	add_sight(w, *end);
	g.sights = w->sights;
	g.nr = w->nr_sights;
	if (start < end->time)
		ledger_gap(w->l, &g);
	state->nr_samples = 0;
}

static void take_wait(struct walk *w, uint32_t thread, size_t entry)
{
	const struct profile_sample *s = &w->l->p->samples[entry];
	const struct ledger_sight sight = sight_of(w, s, s->time - s->off_cpu - s->runq);
	struct state *state = &w->states[thread];
	const struct ledger_segment segment = {
		.start = sight.time, .end = s->time, .blocked = s->off_cpu, .queued = s->runq,
		.span = sight.span, .thread = thread, .entry = entry + 1, .flags = sight.flags,
	};

	gap_before(w, thread, s, &sight);
	if (s->off_cpu || s->runq)
		ledger_add(w->l, &segment);
	state->end = s->time;
	state->span = sight.span;
	state->flags = sight.flags;
}

static void take_sample(struct walk *w, uint32_t thread, size_t entry)
{
	const struct profile_sample *s = &w->l->p->samples[entry];
	const struct ledger_sight sight = sight_of(w, s, s->time);
	struct state *state = &w->states[thread];

	GROW(state->samples, state->cap_samples, state->nr_samples + 1);
	state->samples[state->nr_samples++] = sight;
	ledger_add(w->l, &(struct ledger_segment) {
		.start = s->time, .end = s->time, .span = sight.span, .thread = thread,
		.entry = entry + 1, .flags = sight.flags | LEDGER_SAMPLE,
	});
}

void ledger_threads(struct ledger *l)
{
	struct walk w = { .l = l, .by_thread = l->private->by_thread };
	size_t i;

	for (i = 0; i < l->p->nr_samples; i++) {
		const uint32_t thread = thread_of(&w, &l->p->samples[i]);

		if (l->p->samples[i].wait)
			take_wait(&w, thread, i);
		else
			take_sample(&w, thread, i);
	}
	for (i = 0; i < w.cap_states; i++)
		free(w.states[i].samples);
	free(w.states);
	free(w.sights);
}
