// SPDX-License-Identifier: GPL-2.0-only
/* The list of traces and the tree of one as text: see trace_view.h. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "span/span_attr.h"
#include "span/span_id.h"
#include "trace_view.h"

enum { INDENT_MAX = 40 };	/* levels; deeper ones tell their depth */

const char *span_time_text(uint64_t ns, char out[SPAN_TIME_MAX])
{
	if (ns < 1000)
		snprintf(out, SPAN_TIME_MAX, "%7" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(out, SPAN_TIME_MAX, "%7.3f us", ns / 1e3);
	else if (ns < 999999500)	/* which 3 digits would round up */
		snprintf(out, SPAN_TIME_MAX, "%7.3f ms", ns / 1e6);
	else
		snprintf(out, SPAN_TIME_MAX, "%8.3f s", ns / 1e9);
	return out;
}

/* "service: name", either of which may be missing. */
void trace_view_name(const struct span_model *m, const struct span *s, FILE *f)
{
	const char *service = span_resource(m, s)->service;

	fprintf(f, "%s%s%s", service, *service ? ": " : "", *s->name ? s->name : "(no name)");
}

static void print_count(uint32_t n, int width, FILE *f)
{
	if (n)
		fprintf(f, " %*u", width, n);
	else
		fprintf(f, " %*s", width, "-");
}

void trace_view_list(const struct span_model *m, const struct span_selection *s, FILE *f)
{
	char time[SPAN_TIME_MAX], id[SPAN_ID_TEXT_MAX];
	size_t i;

	fprintf(f, "#\n# duration    spans  errors  services  %-32s  first span\n", "trace");
	for (i = 0; i < s->nr; i++) {
		const struct span_trace *t = &m->traces[s->traces[i]];

		fprintf(f, "%s", span_time_text(t->end - t->start, time));
		print_count(t->nr_spans, 7, f);
		print_count(t->nr_errors, 7, f);
		print_count(t->nr_services, 9, f);
		fprintf(f, "  %s  ", span_id_print(t->id, TRACE_ID_SIZE, id));
		trace_view_name(m, &m->spans[t->root], f);
		fprintf(f, "%s\n", t->nr_orphans ? " (incomplete)" : "");
	}
	if (s->nr < s->nr_fit)
		fprintf(f, "# %zu more traces; see --slowest\n", s->nr_fit - s->nr);
}

void trace_view_date(uint64_t ns, FILE *f)
{
	const time_t seconds = ns / 1000000000;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%F %T", &tm);
	fprintf(f, "%s.%09" PRIu64 " UTC", text, ns % 1000000000);
}

/* What is to be known of it besides. */
void trace_view_marks(const struct span_model *m, const struct span *s, FILE *f)
{
	char id[SPAN_ID_TEXT_MAX];

	if (s->kind > SPAN_INTERNAL)
		fprintf(f, " [%s]", span_kind_name(s->kind));
	if (s->status == SPAN_ERROR)
		fprintf(f, " error%s%s", *s->status_text ? ": " : "", s->status_text);
	if (s->flags & SPAN_BAD_TIME)
		fprintf(f, " (times make no sense)");
	if (s->flags & SPAN_CIRCLE)
		fprintf(f, " (its parents go round in a circle)");
	else if (s->flags & SPAN_ORPHAN && !memcmp(s->parent_id, m->spans[0].id, SPAN_ID_SIZE))
		fprintf(f, " (its parent's id is not of 8 bytes)");
	else if (s->flags & SPAN_ORPHAN)
		fprintf(f, " (parent %s is not here)",
			span_id_print(s->parent_id, SPAN_ID_SIZE, id));
}

static void print_span(const struct span_model *m, const struct span_trace *t,
		       const struct span *s, FILE *f)
{
	const bool timed = !(s->flags & SPAN_BAD_TIME);
	char time[SPAN_TIME_MAX];

	/* What starts before all that has a time does so because it has none. */
	fprintf(f, "%10s", timed ? span_time_text(s->start - t->start, time) : "-");
	fprintf(f, " %10s", timed ? span_time_text(span_duration(s), time) : "-");
	fprintf(f, " %10s  ", timed ? span_time_text(s->self, time) : "-");
	fprintf(f, "%*s", 2 * (int)(s->depth < INDENT_MAX ? s->depth : INDENT_MAX), "");
	if (s->depth > INDENT_MAX)
		fprintf(f, "(%u) ", s->depth);
	trace_view_name(m, s, f);
	trace_view_marks(m, s, f);
	fputc('\n', f);
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

void trace_view_tree(const struct span_model *m, const struct span_trace *t, FILE *f)
{
	char time[SPAN_TIME_MAX], id[SPAN_ID_TEXT_MAX];
	const char *text = span_time_text(t->end - t->start, time);
	uint32_t n;

	while (*text == ' ')
		text++;
	fprintf(f, "# trace %s\n# %s, %u span%s of %u service%s",
		span_id_print(t->id, TRACE_ID_SIZE, id), text, t->nr_spans, plural(t->nr_spans),
		t->nr_services, plural(t->nr_services));
	if (t->nr_errors)
		fprintf(f, ", %u error%s", t->nr_errors, plural(t->nr_errors));
	if (t->start) {
		fprintf(f, ", from ");
		trace_view_date(t->start, f);
	}
	fprintf(f, "\n#\n#    start   duration       self  span\n");
	for (n = t->top; n; n = span_model_next(m, n))
		print_span(m, t, &m->spans[n], f);
}
