// SPDX-License-Identifier: GPL-2.0-only
/* tickprof report --unwind: which files spoil user stacks, and what helps. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "out/unwind.h"
#include "report.h"

static const char *base_name(const struct unwind_row *row)
{
	const char *slash = row->file ? strrchr(row->file, '/') : NULL;

	if (!row->file)
		return "[unknown]";
	return slash && slash[1] && *row->file == '/' ? slash + 1 : row->file;
}

static bool shown(const struct unwind *u, size_t at, uint64_t limit, double percent_limit)
{
	return (!limit || at < limit) &&
	       report_percent(u->rows[at].stacks, profile_walks_total(&u->all)) >= percent_limit;
}

/* Zeros would only hide the others. */
static void print_number(int width, uint64_t n)
{
	if (n)
		printf(" %*" PRIu64, width, n);
	else
		printf(" %*s", width, "-");
}

static void print_row(const struct unwind *u, const struct unwind_row *row, int width)
{
	char *advice __free = unwind_row_advice(u, row);

	print_number(9, row->spoiled);
	printf(" %8" PRIu64, row->stacks);
	print_number(9, row->in.ended[PROFILE_END_BROKEN]);
	print_number(8, row->in.ended[PROFILE_END_FAULT]);
	print_number(8, row->in.ended[PROFILE_END_DEPTH]);
	print_number(8, row->in.fallback);
	if (*advice)
		printf("  %-*s  %s\n", width, base_name(row), advice);
	else
		printf("  %s\n", base_name(row));
}

static int name_width(const struct unwind *u, uint64_t limit)
{
	size_t i, len, width = strlen("file");

	for (i = 0; i < u->nr_rows && (!limit || i < limit); i++) {
		len = strlen(base_name(&u->rows[i]));
		if (len > width)
			width = len < 40 ? len : 40;
	}
	return width;
}

static void print_table(const struct view *v, const struct unwind *u, uint64_t limit,
			double percent_limit)
{
	char *all __free = profile_walks_text(v->profile, &u->all);
	char *tables __free = profile_tables_text(v->profile, v->capture);
	int width = name_width(u, limit);
	uint64_t spoiled = 0;
	size_t i, left = 0;

	printf("# %s\n", all);
	if (tables)
		printf("# %s\n", tables);
	puts("#\n# spoils: stacks cut because of the file. stacks: those it is in; of these,\n"
	     "# no caller, no page, depth: cut in it; by fp: going on from it by frame pointer\n#");
	printf("#%9s %8s %9s %8s %8s %8s  %-*s  why, and what helps\n", "spoils", "stacks",
	       "no caller", "no page", "depth", "by fp", width, "file");
	for (i = 0; i < u->nr_rows; i++) {
		if (shown(u, i, limit, percent_limit)) {
			print_row(u, &u->rows[i], width);
			continue;
		}
		left++;
		spoiled += u->rows[i].spoiled;
	}
	if (left)
		printf("# %zu more files, which spoil %" PRIu64 " stacks; see -n and --percent-limit\n",
		       left, spoiled);
}

static void set_walks(struct json_object *o, const struct profile_walks *w)
{
	json_set_u64(o, "cut_no_caller", w->ended[PROFILE_END_BROKEN]);
	json_set_u64(o, "cut_not_resident", w->ended[PROFILE_END_FAULT]);
	json_set_u64(o, "cut_depth", w->ended[PROFILE_END_DEPTH]);
	json_set_u64(o, "by_frame_pointer", w->fallback);
}

static void set_tables(struct json_object *o, const struct view *v)
{
	struct json_object *tables = json_object_new_object();

	json_set_u64(tables, "loaded", capture_meta_number(v->capture, CAPTURE_META_TABLES));
	json_set_u64(tables, "compiled", capture_meta_number(v->capture, CAPTURE_META_COMPILED));
	json_set_u64(tables, "waiting", capture_meta_number(v->capture, CAPTURE_META_WAITING));
	json_set_u64(tables, "none", v->profile->nr_no_tables);
	json_object_object_add(o, "tables", tables);
}

static struct json_object *row_json(const struct unwind *u, const struct unwind_row *row)
{
	struct json_object *o = json_object_new_object();
	char *advice __free = unwind_row_advice(u, row);

	json_set_text(o, "object", base_name(row));
	json_set_text(o, "path", row->file ? row->file : "");
	json_set_text(o, "build_id", row->build_id);
	json_set_u64(o, "spoils", row->spoiled);
	json_set_u64(o, "stacks", row->stacks);
	set_walks(o, &row->in);
	json_set_text(o, "no_table", row->no_table ? row->no_table : "");
	json_set_text(o, "advice", advice);
	return o;
}

static uint64_t nr_shown(const struct profile *p)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < p->nr_samples; i++)
		n += p->samples[i].count;
	return n;
}

static void print_json(const struct view *v, const struct unwind *u, uint64_t limit,
		       double percent_limit)
{
	uint64_t total = profile_walks_total(&u->all);
	struct json_object *o = report_header_json(v, PROFILE_SAMPLES, nr_shown(v->profile));
	struct json_object *rows = json_object_new_array();
	size_t i;

	json_set_text(o, "unwind", v->profile->unwind);
	json_set_u64(o, "stacks", total);
	json_set_u64(o, "stacks_complete", u->all.ended[PROFILE_END_ROOT]);
	set_walks(o, &u->all);
	json_set_u64(o, "finished_later", u->all.later);
	set_tables(o, v);
	for (i = 0; i < u->nr_rows; i++)
		if (shown(u, i, limit, percent_limit))
			json_object_array_add(rows, row_json(u, &u->rows[i]));
	json_object_object_add(o, "rows", rows);
	json_finish(o);
}

int report_unwind(const struct view *v, uint64_t limit, double percent_limit, bool json)
{
	struct unwind *u = unwind_create(v->profile);

	if (json) {
		print_json(v, u, limit, percent_limit);
	} else {
		report_print_header(v, PROFILE_SAMPLES, nr_shown(v->profile));
		print_table(v, u, limit, percent_limit);
	}
	unwind_destroy(u);
	return EXIT_OK;
}
