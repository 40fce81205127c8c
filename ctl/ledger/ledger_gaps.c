// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which spans a thread was in while it ran, from what is known of single moments (its
 * waits, its samples) and from the spans' own times:
 *
 *	the same at both ends		it was in that one. A child that no record ever
 *					names, of the same process and wholly inside, ran
 *					there: it had no reason to wait
 *	one that ends in between	until then; then the parent, if it ends in between as
 *					well, or is what follows, or what follows hangs on it
 *	one that begins in between	from then on; before it its parent, if that begins in
 *					between as well
 *	neither				half and half, which is counted as "about"
 *
 * Chains of parents are followed over CHAIN_MAX spans.
 */
#include "base/util.h"
#include "ledger_make.h"

enum { CHAIN_MAX = 64 };

struct stretch {
	struct ledger *l;
	const struct ledger_gap *gap;
	uint64_t length;		/* of the gap */
	uint32_t flags;			/* of the sights around */
};

static void emit(const struct stretch *s, uint32_t span, uint64_t from, uint64_t to, bool about)
{
	const double share = (double)(to - from) / s->length;
	struct ledger_segment segment = {
		.start = from, .end = to, .span = span, .thread = s->gap->thread,
		.blocked = s->gap->blocked * share, .queued = s->gap->queued * share,
		.flags = s->flags,
	};

	if (!span || from >= to)
		return;
	/* Where in the gap the short waits were is not known. */
	if (to - from != s->length)
		segment.about = segment.blocked + segment.queued;
	if (about)
		segment.about = to - from;
	ledger_add(s->l, &segment);
}

/* The first of a trace's spans that starts at "time" or later: index into by_start. */
static uint32_t first_from(const struct ledger *l, const struct span_trace *t, uint64_t time)
{
	uint32_t low = t->first, high = t->first + t->nr_spans;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (ledger_start(l, l->m->by_start[mid]) < time)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Whether some span, which is not its parent, had it unseen on another thread. */
static bool may_be_here(const struct ledger *l, uint32_t child, uint32_t parent)
{
	const struct span *c = &l->m->spans[child], *p = &l->m->spans[parent];
	const uint8_t both = c->flags & p->flags;

	return !l->private->seen[child] && ledger_parent_here(l, child) == parent &&
	       !(c->flags & SPAN_BAD_TIME) &&
	       !(both & SPAN_HAS_THREAD && c->thread_id != p->thread_id);
}

/* All of it in one span, but for children of which there is no other trace. Depth first. */
static void fill(const struct stretch *s, uint32_t span, uint64_t from, uint64_t to, bool about)
{
	const struct ledger *l = s->l;
	const struct span_trace *t = &l->m->traces[l->m->spans[span].trace];
	uint32_t chain[CHAIN_MAX] = { span }, depth = 0, at;

	if (!span || from >= to)
		return;
	for (at = first_from(l, t, from); at < t->first + t->nr_spans; at++) {
		const uint32_t child = l->m->by_start[at];
		const uint64_t start = ledger_start(l, child);

		if (start >= to)
			break;
		/* What ended before gives way to what it was in. */
		while (depth && ledger_end(l, chain[depth]) <= start) {
			emit(s, chain[depth], from, ledger_end(l, chain[depth]), true);
			from = ledger_end(l, chain[depth--]);
		}
		if (!may_be_here(l, child, chain[depth]) || start < from ||
		    ledger_end(l, child) > to || depth + 1 == CHAIN_MAX ||
		    (depth && ledger_end(l, child) > ledger_end(l, chain[depth])))
			continue;
		emit(s, chain[depth], from, start, about || depth);
		from = start;
		chain[++depth] = child;
	}
	while (depth) {
		emit(s, chain[depth], from, ledger_end(l, chain[depth]), true);
		from = ledger_end(l, chain[depth--]);
	}
	emit(s, span, from, to, about);
}

/* Whether "below" hangs on "above", in one process. */
static bool is_above(const struct ledger *l, uint32_t above, uint32_t below)
{
	uint32_t i;

	for (i = 0; below && i < CHAIN_MAX; i++) {
		below = ledger_parent_here(l, below);
		if (below == above)
			return true;
	}
	return false;
}

/* Neither start nor end of a span tells. */
static void share_out(const struct stretch *s, uint32_t a, uint32_t b, uint64_t from, uint64_t to,
		      bool a_ended)
{
	const uint64_t half = a_ended ? from : from + (to - from) / 2;

	fill(s, a, from, half, true);
	fill(s, b, half, to, true);
}

static void between(const struct stretch *s, const struct ledger_sight *a,
		    const struct ledger_sight *b, bool unknown)
{
	const struct ledger *l = s->l;
	uint32_t now = a->span, chain[CHAIN_MAX], n = 0, next;
	uint64_t at = a->time, end;
	bool ended = unknown, about;

	about = (a->span && ledger_is_sight(l, a->span)) ||
		(b->span && ledger_is_sight(l, b->span));
	while (now && now != b->span && !is_above(l, now, b->span) &&
	       ledger_end(l, now) <= b->time) {
		end = ledger_end(l, now) > at ? ledger_end(l, now) : at;
		fill(s, now, at, end, about);
		at = end;
		ended = true;
		now = ledger_parent_here(l, now);
		/* Were it current it would still be. */
		if (now && now != b->span && ledger_end(l, now) > b->time &&
		    !is_above(l, now, b->span))
			now = 0;
	}
	if (now == b->span) {
		fill(s, now, at, b->time, now != a->span && about);
		return;
	}
	for (next = b->span; next && next != now && n < CHAIN_MAX && ledger_start(l, next) >= at &&
	     ledger_start(l, next) <= b->time; next = ledger_parent_here(l, next))
		chain[n++] = next;
	if (!n) {
		share_out(s, now, b->span, at, b->time, ended && !now);
		return;
	}
	for (; n; n--) {
		fill(s, now, at, ledger_start(l, chain[n - 1]), about);
		at = ledger_start(l, chain[n - 1]);
		now = chain[n - 1];
	}
	fill(s, now, at, b->time, about);
}

void ledger_gap(struct ledger *l, const struct ledger_gap *g)
{
	struct stretch s = {
		.l = l, .gap = g, .length = g->sights[g->nr - 1].time - g->sights[0].time,
	};
	size_t i;

	for (i = 0; i + 1 < g->nr; i++) {
		s.flags = (g->sights[i].flags | g->sights[i + 1].flags) & LEDGER_BY_THREAD;
		between(&s, &g->sights[i], &g->sights[i + 1], !i && g->unknown);
	}
}
