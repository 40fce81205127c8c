/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture with spans, read as far as its profile: what tests of spans begin with. */
#ifndef TICKPROF_TRACE_FIXTURE_H
#define TICKPROF_TRACE_FIXTURE_H

#include "ledger/ledger.h"
#include "span/source.h"
#include "fake_symbols.h"
#include "synthetic_trace.h"
#include "test.h"

struct fixture {
	struct capture *c;
	struct objects *objects;
	struct symbolizer *s;
	struct span_model *m;		/* NULL: none */
	struct profile *p;
	struct ledger *l;		/* the test's; NULL: none */
};

/* The spans of the request that synthetic_trace.h draws. */
static inline struct span_model *told_spans(void)
{
	struct span_model *m = span_model_create(0);
	struct span_source source;

	assert_int_equal(span_source_open(&source, TEST_DIR "/../golden/trace.in/spans.json"), 0);
	assert_int_equal(span_read(&source, m), 0);
	span_source_close(&source);
	return m;
}

/* Owns capture and model from here on. */
static inline struct fixture fixture_open(struct capture *c, struct span_model *m,
					  const struct profile_options *po)
{
	const struct symbolizer_options so = { .live = true };
	struct fixture f = { .c = c, .m = m, .objects = objects_create() };

	fake_functions = trace_functions;
	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(f.c, f.objects, f.s, po, &f.p), 0);
	return f;
}

static inline void fixture_close(struct fixture *f)
{
	if (f->l)
		ledger_destroy(f->l);
	profile_destroy(f->p);
	span_model_destroy(f->m);
	symbolizer_destroy(f->s);
	objects_destroy(f->objects);
	capture_close(f->c);
}

#endif
