// SPDX-License-Identifier: GPL-2.0-only
/* tickprof report: where the time went, as tables. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "out/top.h"
#include "report.h"

enum {
	OPT_JSON = VIEW_OPTION_END, OPT_CALLER, OPT_CALLEE, OPT_PEEK, OPT_CUM, OPT_PERCENT,
	OPT_UNWIND, OPT_THREADS, OPT_STDIO,
};

static const struct option_row options[] = {
	VIEW_OPTIONS,
	VIEW_WAIT_OPTIONS,
	{ 's', "sort", "LIST", "one table by these: function, object, file, line, process,\n"
			       "thread, pid, tid, cgroup, cpu, state, reason, waker,\n"
			       "trace, span, service\n"
			       "(object,function); with --threads the column to order by" },
	{ 'n', "limit", "ROWS", "so many rows; 0: all (50)" },
	{ OPT_PERCENT, "percent-limit", "P", "only rows of at least P percent, cumulative" },
	{ OPT_CUM, "cum", NULL, "order by the cumulative share" },
	{ OPT_CALLER, "caller", "FUNCTION", "who calls it" },
	{ OPT_CALLEE, "callee", "FUNCTION", "what it calls" },
	{ OPT_PEEK, "peek", NULL, "callers and callees of each function in the table" },
	{ OPT_UNWIND, "unwind", NULL, "how user stacks were found, by file: which ones spoil them" },
	{ OPT_THREADS, "threads", NULL, "each thread's time, exactly: running, queued, blocked" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	{ OPT_STDIO, "stdio", NULL, NULL },
	OPTIONS_COMMON
};

static struct view_options view_options;
static struct top_keys keys = { .fields = { TOP_OBJECT, TOP_FUNCTION }, .nr = 2 };
static uint64_t limit = 50;
static double percent_limit;
static const char *caller_of, *callee_of;
static const char *sort;
static bool json, peek, by_cum, unwind, threads;

static int report_option(const struct command *cmd, int id)
{
	switch (id) {
	case 's':
		sort = optarg;
		break;
	case 'n':
		if (!parse_u64(optarg, &limit))
			return usage_error(cmd, "-n takes a number of rows, not '%s'", optarg);
		break;
	case OPT_PERCENT:
		if (!parse_decimal(optarg, &percent_limit) || percent_limit > 100)
			return usage_error(cmd, "--percent-limit takes 0 to 100, not '%s'", optarg);
		break;
	case OPT_CUM:
		by_cum = true;
		break;
	case OPT_CALLER:
		caller_of = optarg;
		break;
	case OPT_CALLEE:
		callee_of = optarg;
		break;
	case OPT_PEEK:
		peek = true;
		break;
	case OPT_UNWIND:
		unwind = true;
		break;
	case OPT_THREADS:
		threads = true;
		break;
	case OPT_JSON:
		json = true;
		break;
	}
	return COMMAND_RUN;
}

static int sort_parse(const struct command *cmd)
{
	if (!sort || top_parse_keys(sort, &keys))
		return COMMAND_RUN;
	return usage_error(cmd, "--sort does not know '%s'; try function, object, file, line, "
			   "process, thread, pid, tid, cgroup, cpu, state, reason, waker, trace, span or service", sort);
}

static int threads_parse(const struct command *cmd)
{
	const struct view_options *o = &view_options;

	if (peek || caller_of || callee_of || by_cum || o->has_value || o->states ||
	    o->from || o->until || o->trace || o->span || o->span_name)
		return usage_error(cmd, "--threads tells all time of each thread; --value, --state, --time, --trace, --span, --span-name, --cum, --peek, --caller and --callee do not go with it");
	if (!report_threads_sort(sort))
		return usage_error(cmd, "--sort with --threads takes wall, ran, queued, blocked, a state, io, fault, waits, short-waits or missing, not '%s'",
				   sort);
	return COMMAND_RUN;
}

static int report_parse(const struct command *cmd, int argc, char **argv)
{
	int status = view_parse(cmd, argc, argv, &view_options, report_option);
	size_t i;

	if (status != COMMAND_RUN)
		return status;
	if (peek && (caller_of || callee_of))
		return usage_error(cmd, "--peek goes without --caller and --callee");
	if (unwind && (peek || caller_of || callee_of || sort || by_cum || threads))
		return usage_error(cmd, "--unwind goes without --sort, --cum, --peek, --caller, --callee and --threads");
	status = threads ? threads_parse(cmd) : sort_parse(cmd);
	if (status != COMMAND_RUN)
		return status;
	view_options.profile.walks = unwind;
	if (peek)
		keys = (struct top_keys) { .fields = { TOP_FUNCTION }, .nr = 1 };
	view_options.profile.no_ids = !view_options.trace && !view_options.span;
	for (i = 0; i < keys.nr; i++) {
		view_options.profile.label_cpu |= keys.fields[i] == TOP_CPU;
		if (keys.fields[i] == TOP_TRACE || keys.fields[i] == TOP_SPAN)
			view_options.profile.no_ids = false;
	}
	return COMMAND_RUN;
}

static bool row_shown(const struct top_row *row, uint64_t total, size_t at)
{
	return (!limit || at < limit) && report_percent(row->cum, total) >= percent_limit;
}

static int cum_compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->cum != y->cum)
		return x->cum > y->cum ? -1 : 1;
	return x->flat == y->flat ? 0 : x->flat > y->flat ? -1 : 1;
}

/* Columns as wide as what stands in them, within reason; the last is not padded. */
static void column_widths(const struct top *t, int *widths)
{
	size_t i, k;

	for (k = 0; k + 1 < keys.nr; k++) {
		widths[k] = strlen(top_field_names[keys.fields[k]]);
		for (i = 0; i < t->nr_rows && (!limit || i < limit); i++) {
			int len = strlen(t->rows[i].values[k]);

			if (len > widths[k])
				widths[k] = len < 40 ? len : 40;
		}
	}
	widths[keys.nr - 1] = 0;
}

static void print_table(struct top *t, enum profile_column column)
{
	bool once = top_keys_of_sample(&keys);
	int widths[TOP_FIELDS_MAX];
	uint64_t rest = 0;
	size_t i, k, left = 0;

	if (by_cum && t->nr_rows)
		qsort(t->rows, t->nr_rows, sizeof(*t->rows), cum_compare);
	column_widths(t, widths);
	printf(once ? "#  share " : "#   flat      cum ");
	printf("%8s", report_unit(column, t->total));
	for (k = 0; k < keys.nr; k++)
		printf("  %-*s", widths[k], top_field_names[keys.fields[k]]);
	putchar('\n');
	for (i = 0; i < t->nr_rows; i++) {
		const struct top_row *row = &t->rows[i];

		if (!row_shown(row, t->total, i)) {
			left++;
			rest += row->flat;
			continue;
		}
		if (once)
			printf("%7.2f%% ", report_percent(row->flat, t->total));
		else
			printf("%7.2f%% %7.2f%% ", report_percent(row->flat, t->total),
			       report_percent(row->cum, t->total));
		report_print_value(column, row->flat, t->total);
		for (k = 0; k < keys.nr; k++)
			printf("  %-*s", widths[k], row->values[k]);
		putchar('\n');
	}
	if (left)
		printf("# %zu more rows with %.2f%% of the %s; see -n and --percent-limit\n", left,
		       report_percent(rest, t->total),
		       column == PROFILE_SAMPLES ? "samples" : "time");
}

static const char *around_name(const struct top_row *row, enum top_side side)
{
	if (row->values[0])
		return row->values[0];
	return side == TOP_CALLERS ? "(root of the stack)" : "(itself)";
}

static void print_around(const struct top *t, enum profile_column column, enum top_side side,
			 const char *indent)
{
	size_t i;

	for (i = 0; i < t->nr_rows; i++)
		if (row_shown(&t->rows[i], t->total, i) || !i) {
			printf("%s%7.2f%% ", indent, report_percent(t->rows[i].cum, t->total));
			report_print_value(column, t->rows[i].cum, t->total);
			printf("  %s\n", around_name(&t->rows[i], side));
		}
}

static void around_json(struct json_object *o, const char *key, const struct top *t,
			enum profile_column column, enum top_side side)
{
	struct json_object *rows = json_object_new_array(), *row;
	size_t i;

	for (i = 0; i < t->nr_rows; i++) {
		row = json_object_new_object();
		json_set_text(row, "function", around_name(&t->rows[i], side));
		json_set_u64(row, column == PROFILE_SAMPLES ? "samples" : "value", t->rows[i].cum);
		json_object_array_add(rows, row);
	}
	json_object_object_add(o, key, rows);
}

static void table_json(struct json_object *o, const struct top *t)
{
	struct json_object *rows = json_object_new_array(), *row;
	size_t i, k;

	for (i = 0; i < t->nr_rows; i++) {
		if (!row_shown(&t->rows[i], t->total, i))
			continue;
		row = json_object_new_object();
		for (k = 0; k < keys.nr; k++)
			json_set_text(row, top_field_names[keys.fields[k]], t->rows[i].values[k]);
		json_set_u64(row, "flat", t->rows[i].flat);
		json_set_u64(row, "cum", t->rows[i].cum);
		json_object_array_add(rows, row);
	}
	json_object_object_add(o, "rows", rows);
}

static int report_table(const struct view *v)
{
	struct top *t = top_create(v->profile, &keys, v->value);
	struct json_object *o;

	if (json) {
		o = report_header_json(v, v->value, t->total);
		if (by_cum && t->nr_rows)
			qsort(t->rows, t->nr_rows, sizeof(*t->rows), cum_compare);
		table_json(o, t);
		json_finish(o);
	} else {
		report_print_header(v, v->value, t->total);
		print_table(t, v->value);
	}
	top_destroy(t);
	return EXIT_OK;
}

static void print_share(const struct top *t, enum profile_column column, const char *what,
			const char *function)
{
	printf("# %s %s: share of ", what, function);
	if (column == PROFILE_SAMPLES)
		printf("the %" PRIu64 " samples with it\n", t->total);
	else
		printf("the %s with it, in %s\n", profile_column_names[column],
		       report_unit(column, t->total));
}

/* Callers and callees of one function, of either side only if the other is not asked for. */
static int report_function(const struct view *v, const char *text, bool callers, bool callees)
{
	const char *function = top_find_function(v->profile, text);
	struct json_object *o = NULL;
	const enum top_side sides[] = { TOP_CALLERS, TOP_CALLEES };
	const bool wanted[] = { callers, callees };
	size_t i;

	if (!function) {
		err("no function '%s' in %s, or several; see `tickprof report --sort function -n 0`",
		    text, v->path);
		return EXIT_ERROR;
	}
	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		struct top *t;

		if (!wanted[i])
			continue;
		t = top_around(v->profile, function, sides[i], v->value);
		if (json && !o) {
			o = report_header_json(v, v->value, t->total);
			json_set_text(o, "function", function);
		}
		if (json) {
			around_json(o, i ? "callees" : "callers", t, v->value, sides[i]);
		} else {
			if (!i || !callers)
				report_print_header(v, v->value, t->total);
			print_share(t, v->value, i ? "what is called by" : "callers of", function);
			print_around(t, v->value, sides[i], "");
		}
		top_destroy(t);
	}
	if (o)
		json_finish(o);
	return EXIT_OK;
}

static void peek_row(const struct view *v, const struct top *t, const struct top_row *row,
		     struct json_object *rows)
{
	const char *function = top_find_function(v->profile, row->values[0]);
	struct top *callers, *callees;

	if (!function || strcmp(function, row->values[0]))
		return;
	callers = top_around(v->profile, function, TOP_CALLERS, v->value);
	callees = top_around(v->profile, function, TOP_CALLEES, v->value);
	if (rows) {
		struct json_object *o = json_object_new_object();

		json_set_text(o, "function", function);
		json_set_u64(o, "flat", row->flat);
		json_set_u64(o, "cum", row->cum);
		around_json(o, "callers", callers, v->value, TOP_CALLERS);
		around_json(o, "callees", callees, v->value, TOP_CALLEES);
		json_object_array_add(rows, o);
	} else {
		print_around(callers, v->value, TOP_CALLERS, "                     ");
		printf("%7.2f%% %7.2f%%    %s\n", report_percent(row->flat, t->total),
		       report_percent(row->cum, t->total), function);
		print_around(callees, v->value, TOP_CALLEES, "                     ");
		puts("");
	}
	top_destroy(callers);
	top_destroy(callees);
}

static int report_peek(const struct view *v)
{
	struct top *t = top_create(v->profile, &keys, v->value);
	struct json_object *o = json ? report_header_json(v, v->value, t->total) : NULL;
	struct json_object *rows = json ? json_object_new_array() : NULL;
	size_t i;

	if (by_cum && t->nr_rows)
		qsort(t->rows, t->nr_rows, sizeof(*t->rows), cum_compare);
	if (!json) {
		report_print_header(v, v->value, t->total);
		puts("#   flat      cum    function; above it its callers, below it what it calls,");
		puts("#                    with their shares of its samples");
	}
	for (i = 0; i < t->nr_rows; i++)
		if (row_shown(&t->rows[i], t->total, i))
			peek_row(v, t, &t->rows[i], rows);
	if (json) {
		json_object_object_add(o, "rows", rows);
		json_finish(o);
	}
	top_destroy(t);
	return EXIT_OK;
}

static int report_run(const struct command *cmd, int argc, char **argv)
{
	struct view v;
	int status = view_open(&v, &view_options);

	if (status == EXIT_OK && callee_of && caller_of && strcmp(callee_of, caller_of)) {
		status = report_function(&v, caller_of, true, false);
		if (status == EXIT_OK)
			status = report_function(&v, callee_of, false, true);
	} else if (status == EXIT_OK && (callee_of || caller_of)) {
		status = report_function(&v, caller_of ? caller_of : callee_of, caller_of,
					 callee_of);
	} else if (status == EXIT_OK && threads) {
		status = report_threads(&v, &view_options, limit, json);
	} else if (status == EXIT_OK && unwind) {
		status = report_unwind(&v, limit, percent_limit, json);
	} else if (status == EXIT_OK) {
		status = peek ? report_peek(&v) : report_table(&v);
	}
	view_close(&v);
	view_options_deinit(&view_options);
	return status;
}

const struct command cmd_report = {
	.name = "report",
	.summary = "Print tables of where the time went",
	.usage = "[OPTION]... [FILE]",
	.options = options,
	.notes = "flat: samples that were in the function itself. cum: samples with the function\n"
		 "anywhere in the stack, recursion counted once. Shares are of the samples shown.\n"
		 "A wait is flat for the function that called the scheduler.\n"
		 "--caller takes the outermost call of a recursive function, --callee the\n"
		 "innermost. Rows are ordered by flat. With -v the header says\nwhat is missing from the profile, and why. --unwind orders files by the user stacks\nthat end in them before the program's root.",
	.parse = report_parse,
	.run = report_run,
};
