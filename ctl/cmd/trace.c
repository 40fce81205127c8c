// SPDX-License-Identifier: GPL-2.0-only
/* tickprof trace: where the time of traces went, in all processes of this host. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "out/ledger_view.h"
#include "out/trace_view.h"
#include "span/span_marks.h"
#include "span_options.h"
#include "view_keep.h"

enum { OPT_SPANS = SPAN_OPTION_END, OPT_JOIN, OPT_JSON };

static const struct option_row options[] = {
	{ 'i', "input", "FILE", "the capture, also as operand (" VIEW_DEFAULT_PATH ")" },
	{ OPT_SPANS, "spans", "FILE",
	  "what the spans are: OTLP, Tempo or Jaeger; may be repeated" },
	SPAN_OPTIONS,
	{ OPT_JOIN, "join-by-thread", NULL,
	  "what carries no ids: by spans' thread.id and time, which\n"
	  "is right only if that is the kernel's number" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	OPTIONS_COMMON
};

static struct view_options view_options = { .idle = true, .profile.each = true };
static struct span_filter filter = SPAN_FILTER_INIT;
static struct ledger_options ledger_options;
static const char *trace_id;
static bool json;

static int trace_option(const struct command *cmd, int id)
{
	switch (id) {
	case 'i':
		view_options.path = optarg;
		break;
	case OPT_SPANS:
		GROW(view_options.spans, view_options.cap_spans, view_options.nr_spans + 1);
		view_options.spans[view_options.nr_spans++] = optarg;
		break;
	case OPT_JOIN:
		ledger_options.join_by_thread = true;
		break;
	case OPT_JSON:
		json = true;
		break;
	default:
		return span_option(cmd, &filter, id);
	}
	return COMMAND_RUN;
}

static int trace_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	for (;;) {
		while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
			status = trace_option(cmd, id);
			if (status != COMMAND_RUN)
				return status;
		}
		if (id == OPTION_STOP || !argv[optind])
			return status;
		if (trace_id)
			return usage_error(cmd, "takes one file and one trace; what is '%s'?",
					   argv[optind]);
		if (view_options.path)
			trace_id = argv[optind++];
		else
			view_options.path = argv[optind++];
	}
}

/*
 * Of the traces that fit those that something here is known of, more than what lies beside
 * others: it ran, or was marked, here.
 */
static void keep_seen(const struct ledger *l, const bool *kept, struct span_selection *s)
{
	size_t i, at, n = 0;

	for (i = 0; i < s->nr; i++) {
		const struct span_trace *t = &l->m->traces[s->traces[i]];

		if (kept && !kept[s->traces[i]])
			continue;
		for (at = t->first; at < t->first + t->nr_spans; at++)
			if (l->spans[l->m->by_start[at]].nr ||
			    l->m->spans[l->m->by_start[at]].flags & SPAN_MARKED)
				break;
		if (at < t->first + t->nr_spans)
			s->traces[n++] = s->traces[i];
	}
	s->nr_fit = n;
	s->nr = filter.slowest && filter.slowest < n ? filter.slowest : n;
}

static int show(const struct view *v, const struct ledger *l)
{
	bool *kept __free = view_keep_traces(v, l->m);
	struct span_filter all = filter;
	struct json_object *doc = NULL;
	struct span_selection s;
	uint32_t trace = 0;

	if (trace_id) {
		trace = span_options_trace(l->m, trace_id);
		if (!trace)
			return EXIT_USAGE;
		if (kept && !kept[trace])
			warn("this trace was not kept: what is here of it lies beside others in their threads");
	}
	if (json) {
		doc = json_document();
		trace_json_counts(l->m, doc);
		json_set_u64(doc, "lost_waits", v->profile->stats.lost_waits);
		json_set_u64(doc, "joined_by_thread", l->by_thread);
		json_object_object_add(doc, "has_waits",
				       json_object_new_boolean(v->profile->waited));
		view_keep_json(v->profile, doc);
	}
	if (trace) {
		if (!json)
			view_keep_print(v->profile);
		json ? ledger_json_tree(l, trace, doc) : ledger_view_tree(l, trace, stdout);
	} else {
		all.slowest = 0;
		span_select(l->m, &all, &s);
		keep_seen(l, kept, &s);
		if (!json)
			printf("# %zu traces, %zu of them seen in %s\n", l->m->nr_traces - 1,
			       s.nr_fit, v->path);
		if (!json)
			view_keep_print(v->profile);
		json ? ledger_json_list(l, &s, doc) : ledger_view_list(l, &s, stdout);
		span_selection_deinit(&s);
	}
	if (json)
		json_finish(doc);
	return EXIT_OK;
}

#define CLOCK_SET_NS	500000	/* more than two looks at the clock differ by */

/* What the reader has to know of how it was recorded. */
static void caution(const struct view *v, const struct ledger *l)
{
	const struct profile_stats *s = &v->profile->stats;

	if (!v->profile->waited)
		warn("%s holds samples only: running is an estimate%s, and nothing is known of waits; "
		     "record with --source cpu,offcpu",
		     v->path, span_marks_any(v->capture) ? " but for spans that were marked" : "");
	if (v->profile->clock_set > CLOCK_SET_NS || v->profile->clock_set < -CLOCK_SET_NS)
		warn("somebody set the clock by %+.3f ms while it was recorded: spans of after that are "
		     "sought where it stood before",
		     v->profile->clock_set / 1e6);
	if (s->lost_waits || s->unknown_waits)
		warn("%" PRIu64 " waits and %" PRIu64
		     " switches are missing: spans that were then current "
		     "have less than their wall time",
		     s->lost_waits, s->unknown_waits);
	if (l->by_thread)
		warn("%" PRIu64 " records without ids were joined by thread and time",
		     l->by_thread);
}

static int trace(struct view *v)
{
	struct ledger *l;
	int status;

	if (!v->profile->nr_contexts && !span_marks_any(v->capture) && !ledger_options.join_by_thread) {
		err("nothing in %s was recorded in a span: its programs publish none (see `tickprof context "
		    "PID`), or it was recorded without; --join-by-thread may help",
		    v->path);
		return EXIT_EMPTY;
	}
	if (!v->spans)
		v->spans = span_model_create(SPAN_BYTES_MAX);
	l = ledger_create(v->profile, v->spans, &ledger_options);
	caution(v, l);
	status = show(v, l);
	ledger_destroy(l);
	return status;
}

static int trace_run(const struct command *cmd, int argc, char **argv)
{
	struct view v;
	int status = view_open(&v, &view_options);

	if (status == EXIT_OK)
		status = trace(&v);
	view_close(&v);
	view_options_deinit(&view_options);
	return status;
}

const struct command cmd_trace = {
	.name = "trace",
	.summary = "Show where the time of traces went",
	.usage = "[OPTION]... [FILE [ID]]",
	.options = options,
	.notes = "Without ID the traces in the capture, the longest first; with it, or its first digits,\n"
		 "the tree of its spans: time running, runnable and blocked, the functions at fault, and\n"
		 "who woke whom. Spans of which no file tells are known by their ids.",
	.parse = trace_parse,
	.run = trace_run,
};
