/* SPDX-License-Identifier: GPL-2.0-only */
/* Models of spans for tests: made by hand or read from text, and what must hold of every one. */
#ifndef TICKPROF_SPANS_FIXTURE_H
#define TICKPROF_SPANS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "out/trace_view.h"
#include "span/source.h"
#include "test.h"

#define BASE UINT64_C(1700000000000000000)

/* Ids are numbers in their last bytes; parent 0: none. Times in ns from BASE. */
static inline uint32_t add_span(struct span_model *m, uint32_t trace, uint32_t id, uint32_t parent,
				uint64_t start, uint64_t end)
{
	static const struct span_place at = { .file = "test" };
	struct span_draft d = { .trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true };

	memcpy(d.trace_id + TRACE_ID_SIZE - 4, &trace, 4);
	memcpy(d.span.id + SPAN_ID_SIZE - 4, &id, 4);
	memcpy(d.span.parent_id + SPAN_ID_SIZE - 4, &parent, 4);
	d.span.start = BASE + start;
	d.span.end = BASE + end;
	d.span.name = span_model_text(m, &at, "name", 4);
	return span_model_add(m, &at, &d);
}

/* What span_read() or another reader returns; error: of SOURCE_ERROR bytes, may be NULL. */
static inline int read_memory(struct span_model *m, const void *data, size_t size,
			      int (*reader)(struct span_source *, struct span_model *), char *error)
{
	struct span_source s;
	int ret;

	span_source_memory(&s, "memory", data, size);
	ret = reader(&s, m);
	assert_true(!ret == !s.error[0]);
	if (error)
		strcpy(error, s.error);
	span_source_close(&s);
	return ret;
}

static inline void check_span(const struct span_model *m, uint32_t n, uint32_t trace)
{
	const struct span *s = &m->spans[n], *parent = &m->spans[s->parent];

	assert_int_equal(s->trace, trace);
	assert_true(s->end >= s->start);
	assert_true(s->self <= span_duration(s));
	assert_true(s->resource < m->nr_resources);
	assert_true(s->links < m->nr_links);
	assert_int_equal(s->depth, s->parent ? parent->depth + 1 : 0);
	if (s->parent)
		assert_int_equal(parent->trace, trace);
	if (s->sibling) {
		assert_int_equal(m->spans[s->sibling].parent, s->parent);
		assert_true(m->spans[s->sibling].start >= s->start);
	}
	assert_int_equal(span_model_find(m, m->traces[trace].id, s->id), n);
}

/* Every span once in the tree of its trace, and everything that can be shown of them. */
static inline void check_model(struct span_model *m)
{
	const struct span_filter all = { 0 };
	struct span_selection s;
	size_t total = 0, i;
	uint32_t n, nr;

	span_model_link(m);
	span_select(m, &all, &s);
	assert_int_equal(s.nr, m->nr_traces - 1);
	for (i = 0; i < s.nr; i++) {
		const struct span_trace *t = &m->traces[s.traces[i]];

		for (n = t->top, nr = 0; n; n = span_model_next(m, n), nr++)
			check_span(m, n, s.traces[i]);
		assert_int_equal(nr, t->nr_spans);
		assert_true(t->nr_services <= nr && t->nr_errors <= nr && t->nr_orphans <= nr);
		assert_true(t->root && m->spans[t->root].trace == s.traces[i]);
		assert_true(t->end >= t->start);
		if (i)
			assert_true(t->end - t->start <=
				    m->traces[s.traces[i - 1]].end - m->traces[s.traces[i - 1]].start);
		total += nr;
	}
	assert_int_equal(total, m->nr_spans - 1);
	span_selection_deinit(&s);
}

#endif
