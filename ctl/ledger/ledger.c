// SPDX-License-Identifier: GPL-2.0-only
/* The making of a ledger in its order of steps, and what a span's time is: see ledger.h. */
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"

uint64_t ledger_start(const struct ledger *l, uint32_t span)
{
	const struct span *s = &l->m->spans[span];

	return s->flags & SPAN_BAD_TIME || s->start < l->offset ? 0 : s->start - l->offset;
}

uint64_t ledger_end(const struct ledger *l, uint32_t span)
{
	const struct span *s = &l->m->spans[span];

	if (s->flags & SPAN_BAD_TIME)
		return UINT64_MAX;
	return s->end < l->offset ? 0 : s->end - l->offset;
}

/*
 * What a server or a consumer hangs on is in another process, or was left before. A pid
 * that is not told fits any.
 */
uint32_t ledger_parent_here(const struct ledger *l, uint32_t span)
{
	const struct span *s = &l->m->spans[span], *parent = &l->m->spans[s->parent];
	const struct span_resource *a = span_resource(l->m, s), *b = span_resource(l->m, parent);
	const uint32_t pid = span_pid(l->m, s), parent_pid = span_pid(l->m, parent);

	if (!s->parent || s->kind == SPAN_SERVER || s->kind == SPAN_CONSUMER)
		return 0;
	if (strcmp(a->service, b->service) || (pid && parent_pid && pid != parent_pid))
		return 0;
	return s->parent;
}

/* How much of start … end lies within from … to. */
static uint64_t within(uint64_t start, uint64_t end, uint64_t from, uint64_t to)
{
	start = start > from ? start : from;
	end = end < to ? end : to;
	return end > start ? end - start : 0;
}

void ledger_add(struct ledger *l, const struct ledger_segment *from)
{
	const uint64_t start = ledger_start(l, from->span), end = ledger_end(l, from->span);
	struct ledger_segment s = *from;
	uint64_t inside;

	if (!s.span)
		return;
	s.start = from->start < start ? start : from->start;
	s.end = from->end > end ? end : from->end;
	if (from->flags & LEDGER_SAMPLE) {
		s.start = s.end = from->start;
	} else if (s.end <= s.start) {
		l->spans[s.span].outside += from->end - from->start;
		return;
	} else if (s.entry) {
		s.blocked = within(from->start, from->start + from->blocked, start, end);
		s.queued = within(from->start + from->blocked, from->end, start, end);
	} else {
		/* Where in it the short waits were is not known. */
		inside = s.end - s.start;
		s.blocked = (double)from->blocked * inside / (from->end - from->start);
		s.queued = (double)from->queued * inside / (from->end - from->start);
		s.about = (double)from->about * inside / (from->end - from->start);
	}
	l->spans[s.span].outside += (from->end - from->start) - (s.end - s.start);
	GROW(l->segments, l->private->cap_segments, l->nr_segments + 1);
	l->segments[l->nr_segments++] = s;
}

struct ledger *ledger_create(const struct profile *p, struct span_model *m,
			     const struct ledger_options *o)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->p = p;
	l->m = m;
	l->offset = p->time > p->start ? p->time - p->start : 0;
	l->private = xcalloc(1, sizeof(*l->private));
	ledger_join(l);
	l->spans = xcalloc(m->nr_spans, sizeof(*l->spans));
	if (o->join_by_thread)
		l->private->by_thread = span_threads_create(m, l->nr_told);
	ledger_threads(l);
	ledger_sum(l);
	ledger_marks(l);
	return l;
}

void ledger_destroy(struct ledger *l)
{
	if (!l)
		return;
	hash_deinit(&l->private->thread_index);
	free(l->private->seen);
	span_threads_destroy(l->private->by_thread);
	free(l->private);
	free(l->segments);
	free(l->threads);
	free(l->spans);
	free(l->of_context);
	free(l);
}
