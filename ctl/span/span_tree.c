// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees out of spans: parents, children by start, what a span did itself, and
 * each trace's extent. Nothing here recurses: a chain of spans may be as long as
 * the file. Takes 12 bytes a span while it runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "span.h"

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* A parent that starts with its child comes first, for it ends later. */
static int compare_spans(const struct span *a, const struct span *b)
{
	int order = compare_u64(a->start, b->start);

	if (!order)
		order = compare_u64(b->end, a->end);
	return order ? order : memcmp(a->id, b->id, SPAN_ID_SIZE);
}

static int by_start(const void *a, const void *b, void *model)
{
	const struct span_model *m = model;

	return compare_spans(&m->spans[*(const uint32_t *)a], &m->spans[*(const uint32_t *)b]);
}

static int by_duration(const void *a, const void *b, void *model)
{
	const struct span_model *m = model;
	const struct span_trace *x = &m->traces[*(const uint32_t *)a];
	const struct span_trace *y = &m->traces[*(const uint32_t *)b];
	int order = compare_u64(y->end - y->start, x->end - x->start);

	return order ? order : memcmp(x->id, y->id, TRACE_ID_SIZE);
}

static int by_address(const void *a, const void *b)
{
	return compare_u64((uintptr_t)*(const char *const *)a, (uintptr_t)*(const char *const *)b);
}

/* Spans into their traces by counting, then each trace by start. */
static void sort_spans(struct span_model *m)
{
	struct span_trace *t;
	uint32_t at = 0;
	size_t i;

	m->by_start = xrealloc(m->by_start, m->nr_spans * sizeof(*m->by_start));
	for (i = 1; i < m->nr_traces; i++)
		m->traces[i].nr_spans = 0;
	for (i = 1; i < m->nr_spans; i++)
		m->traces[m->spans[i].trace].nr_spans++;
	for (t = m->traces + 1; t < m->traces + m->nr_traces; t++) {
		t->first = at;
		at += t->nr_spans;
		t->nr_spans = 0;
	}
	for (i = 1; i < m->nr_spans; i++) {
		t = &m->traces[m->spans[i].trace];
		m->by_start[t->first + t->nr_spans++] = i;
	}
	for (t = m->traces + 1; t < m->traces + m->nr_traces; t++)
		qsort_r(m->by_start + t->first, t->nr_spans, sizeof(*m->by_start), by_start, m);
}

static void find_parents(struct span_model *m)
{
	struct span *s;

	for (s = m->spans + 1; s < m->spans + m->nr_spans; s++) {
		s->child = s->sibling = s->parent = s->depth = 0;
		s->flags &= ~(SPAN_ORPHAN | SPAN_CIRCLE);
		if (!(s->flags & SPAN_HAS_PARENT))
			continue;
		s->parent = span_model_find(m, m->traces[s->trace].id, s->parent_id);
		if (!s->parent)
			s->flags |= SPAN_ORPHAN;
	}
}

/* Number n is its own ancestor: the first of the circle by start becomes a root. */
static void cut_cycle(struct span_model *m, uint32_t n)
{
	uint32_t first = n, at;

	for (at = m->spans[n].parent; at != n; at = m->spans[at].parent)
		if (compare_spans(&m->spans[at], &m->spans[first]) < 0)
			first = at;
	m->spans[first].parent = 0;
	m->spans[first].flags |= SPAN_ORPHAN | SPAN_CIRCLE;
	span_model_problem(m, SPAN_PROBLEM_CYCLE, NULL);
}

/* A walk up from each span, ending at what an earlier walk has seen. */
static void cut_cycles(struct span_model *m)
{
	uint32_t *seen_by = xcalloc(m->nr_spans, sizeof(*seen_by));
	uint32_t i, at;

	m->problems[SPAN_PROBLEM_CYCLE].count = 0;
	for (i = 1; i < m->nr_spans; i++) {
		for (at = i; at && !seen_by[at]; at = m->spans[at].parent)
			seen_by[at] = i;
		if (at && seen_by[at] == i)
			cut_cycle(m, at);
	}
	free(seen_by);
}

/* From the last to the first, each in front of its siblings. */
static void hang(struct span_model *m)
{
	uint32_t *head, n;
	struct span *s;
	size_t i;

	for (i = 1; i < m->nr_traces; i++)
		m->traces[i].top = 0;
	for (i = m->nr_spans - 1; i-- > 0;) {
		n = m->by_start[i];
		s = &m->spans[n];
		head = s->parent ? &m->spans[s->parent].child : &m->traces[s->trace].top;
		s->sibling = *head;
		*head = n;
	}
}

/* What of the span no child covers. Children may overlap, and outlive it. */
static uint64_t self_time(const struct span_model *m, const struct span *s)
{
	uint64_t covered = s->start, self = 0;
	const struct span *c;
	uint32_t n;

	if (s->flags & SPAN_BAD_TIME)
		return 0;
	for (n = s->child; n; n = c->sibling) {
		c = &m->spans[n];
		if (c->flags & SPAN_BAD_TIME || c->end <= covered)
			continue;
		if (c->start >= s->end)
			break;
		if (c->start > covered)
			self += c->start - covered;
		covered = c->end;
	}
	return covered < s->end ? self + (s->end - covered) : self;
}

static uint32_t count_services(const struct span_model *m, const struct span_trace *t,
			       const char **scratch)
{
	uint32_t i, nr = 0, different = 0;

	for (i = 0; i < t->nr_spans; i++) {
		const char *service = span_resource(m, &m->spans[m->by_start[t->first + i]])->service;

		if (*service)
			scratch[nr++] = service;
	}
	qsort(scratch, nr, sizeof(*scratch), by_address);
	for (i = 0; i < nr; i++)
		different += !i || scratch[i] != scratch[i - 1];
	return different;
}

static void sum_up(struct span_model *m, struct span_trace *t)
{
	uint64_t start = UINT64_MAX, end = 0;
	struct span *s;
	uint32_t n;

	t->nr_errors = t->nr_orphans = t->root = 0;
	for (n = t->top; n; n = span_model_next(m, n)) {
		s = &m->spans[n];
		s->depth = s->parent ? m->spans[s->parent].depth + 1 : 0;
		s->self = self_time(m, s);
		t->nr_errors += s->status == SPAN_ERROR;
		t->nr_orphans += !!(s->flags & SPAN_ORPHAN);
		if (!t->root && !s->parent && !(s->flags & SPAN_ORPHAN))
			t->root = n;
		if (s->flags & SPAN_BAD_TIME)
			continue;
		start = s->start < start ? s->start : start;
		end = s->end > end ? s->end : end;
	}
	if (!t->root)
		t->root = t->top;
	t->start = end ? start : 0;
	t->end = end;
}

void span_model_link(struct span_model *m)
{
	const char **scratch = xcalloc(m->nr_spans, sizeof(*scratch));
	size_t i;

	sort_spans(m);
	find_parents(m);
	cut_cycles(m);
	hang(m);
	m->by_duration = xrealloc(m->by_duration, m->nr_traces * sizeof(*m->by_duration));
	for (i = 1; i < m->nr_traces; i++) {
		sum_up(m, &m->traces[i]);
		m->traces[i].nr_services = count_services(m, &m->traces[i], scratch);
		m->by_duration[i - 1] = i;
	}
	qsort_r(m->by_duration, m->nr_traces - 1, sizeof(*m->by_duration), by_duration, m);
	free(scratch);
}

uint32_t span_model_next(const struct span_model *m, uint32_t n)
{
	if (m->spans[n].child)
		return m->spans[n].child;
	while (n && !m->spans[n].sibling)
		n = m->spans[n].parent;
	return m->spans[n].sibling;
}
