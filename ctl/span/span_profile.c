// SPDX-License-Identifier: GPL-2.0-only
/* Whose pyroscope.profile.id counts for which span: see span_profile.h. */
#include <string.h>

#include "base/util.h"
#include "span_profile.h"

/* What one process sends comes in several requests, and each has a resource of its own. */
static bool same_resource(const struct span_model *m, const struct span *a, const struct span *b)
{
	const struct span_resource *x = span_resource(m, a), *y = span_resource(m, b);

	if (a->resource == b->resource)
		return true;
	return *x->service && !strcmp(x->service, y->service) && !strcmp(x->host, y->host) &&
	       x->pid == y->pid;
}

/* A service that calls itself may be answered by any of its processes. */
static bool is_call(const struct span *parent, const struct span *s)
{
	return (parent->kind == SPAN_CLIENT || parent->kind == SPAN_PRODUCER) &&
	       (s->kind == SPAN_SERVER || s->kind == SPAN_CONSUMER);
}

static bool same_process(const struct span_model *m, const struct span *parent,
			 const struct span *s)
{
	if (parent->pid && s->pid && parent->pid != s->pid)
		return false;
	return same_resource(m, parent, s) && !is_call(parent, s);
}

uint32_t *span_profile_carriers(const struct span_model *m)
{
	uint32_t *carriers = xcalloc(m->nr_spans, sizeof(*carriers)), n;
	const struct span_trace *t;
	const struct span *s;

	/* Depth first, so that a parent's is known before its children's. */
	for (t = m->traces + 1; t < m->traces + m->nr_traces; t++)
		for (n = t->top; n; n = span_model_next(m, n)) {
			s = &m->spans[n];
			if (s->flags & SPAN_HAS_PROFILE)
				carriers[n] = n;
			else if (s->parent && same_process(m, &m->spans[s->parent], s))
				carriers[n] = carriers[s->parent];
		}
	return carriers;
}
