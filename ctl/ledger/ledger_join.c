// SPDX-License-Identifier: GPL-2.0-only
/* Which span a context is, and spans for those that nobody told of: see ledger.h. */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "ledger_make.h"
#include "span/span_id.h"

/* The resource of spans that nobody told of, one a process. */
static uint32_t resource_of(struct ledger *l, const struct profile_task *t)
{
	const char *service = *t->service ? t->service : t->process;
	struct span_resource *r;
	uint32_t n;

	for (n = l->private->first_resource; n < l->m->nr_resources; n++)
		if (l->m->resources[n].pid == t->pid &&
		    !strcmp(l->m->resources[n].service, service))
			return n;
	n = span_model_resource(l->m);
	if (!n)
		return 0;
	service = span_model_text(l->m, NULL, service, strlen(service));
	r = &l->m->resources[n];
	r->service = service;
	r->pid = t->pid;
	return n;
}

static uint32_t add_span(struct ledger *l, const struct profile_context *c,
			 const struct profile_task *t, uint64_t from, uint64_t to)
{
	struct span_draft d = { .trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true };
	char id[SPAN_ID_TEXT_MAX], *name __free = NULL;

	memcpy(d.trace_id, c->trace_id, sizeof(d.trace_id));
	memcpy(d.span.id, c->span_id, sizeof(d.span.id));
	name = xasprintf("span %s", span_id_print(c->span_id, SPAN_ID_SIZE, id));
	d.span.name = span_model_text(l->m, NULL, name, strlen(name));
	d.span.resource = resource_of(l, t);
	d.span.start = from + l->offset;
	d.span.end = to + l->offset;
	return span_model_add(l->m, NULL, &d);
}

/* One record of a thread in a span. */
static void sight(struct ledger *l, const struct profile_sample *s)
{
	const uint64_t from = s->time - s->off_cpu - s->runq;
	uint32_t *span = &l->of_context[s->context];
	struct span *known;

	if (!*span)
		*span = add_span(l, profile_context(l->p, s->context), &l->p->tasks[s->task - 1],
				 from, s->time);
	if (!*span || !ledger_is_sight(l, *span))
		return;
	known = &l->m->spans[*span];
	if (from + l->offset < known->start)
		known->start = from + l->offset;
	if (s->time + l->offset > known->end)
		known->end = s->time + l->offset;
}

void ledger_join(struct ledger *l)
{
	const struct profile *p = l->p;
	size_t i;

	l->nr_told = l->m->nr_spans;
	l->private->first_resource = l->m->nr_resources;
	l->of_context = xcalloc(p->nr_contexts + 1, sizeof(*l->of_context));
	for (i = 0; i < p->nr_samples; i++) {
		const uint32_t c = p->samples[i].context;

		if (!c)
			continue;
		/* Contexts of other attributes may be of the same span. */
		if (!l->of_context[c])
			l->of_context[c] = span_model_find(l->m, profile_context(p, c)->trace_id,
							   profile_context(p, c)->span_id);
		sight(l, &p->samples[i]);
	}
	l->private->seen = xcalloc(l->m->nr_spans, 1);
	for (i = 1; i <= p->nr_contexts; i++) {
		if (!l->of_context[i])	/* of wakers alone */
			l->of_context[i] = span_model_find(l->m, p->contexts[i - 1].trace_id,
							   p->contexts[i - 1].span_id);
		l->private->seen[l->of_context[i]] = 1;
	}
	span_model_link(l->m);
}
