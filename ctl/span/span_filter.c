// SPDX-License-Identifier: GPL-2.0-only
/* Which traces are asked for: see span_filter.h. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "span_filter.h"
#include "span_id.h"

/* Names may hold a pattern's signs themselves: /users/[id]. */
static bool fits(const char *wanted, const char *text)
{
	return !wanted || !strcmp(wanted, text) || !fnmatch(wanted, text, 0);
}

bool span_filter_span(const struct span_model *m, const struct span_filter *f,
		      const struct span *s)
{
	return span_duration(s) >= f->over && fits(f->name, s->name) &&
	       fits(f->service, span_resource(m, s)->service);
}

bool span_filter_trace(const struct span_model *m, const struct span_filter *f,
		       const struct span_trace *t)
{
	uint32_t i;

	if (!f->service && !f->name)
		return t->end - t->start >= f->over;
	for (i = 0; i < t->nr_spans; i++)
		if (span_filter_span(m, f, &m->spans[m->by_start[t->first + i]]))
			return true;
	return false;
}

void span_select(const struct span_model *m, const struct span_filter *f,
		 struct span_selection *out)
{
	size_t i;

	*out = (struct span_selection) {
		.traces = xcalloc(m->nr_traces, sizeof(*out->traces)),
	};
	for (i = 0; i + 1 < m->nr_traces; i++) {
		if (!span_filter_trace(m, f, &m->traces[m->by_duration[i]]))
			continue;
		out->nr_fit++;
		if (!f->slowest || out->nr < f->slowest)
			out->traces[out->nr++] = m->by_duration[i];
	}
}

void span_selection_deinit(struct span_selection *s)
{
	free(s->traces);
	*s = (struct span_selection) { 0 };
}

uint32_t span_find_trace(const struct span_model *m, const char *text, bool *several)
{
	uint8_t id[TRACE_ID_SIZE];
	char digits[SPAN_ID_TEXT_MAX];
	size_t len = strlen(text), i;
	uint32_t found = 0;

	*several = false;
	if (span_id_parse(text, len, id, sizeof(id)))
		return span_model_find_trace(m, id);
	for (i = 1; i < m->nr_traces && len && len < 2 * TRACE_ID_SIZE; i++) {
		if (strncasecmp(span_id_print(m->traces[i].id, TRACE_ID_SIZE, digits), text, len))
			continue;
		*several |= found != 0;
		found = i;
	}
	return *several ? 0 : found;
}
