/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tables of `tickprof report` share. */
#ifndef TICKPROF_REPORT_H
#define TICKPROF_REPORT_H

#include <json_types.h>

#include "view.h"

/* What stands above every table; total: of the column, in the table. */
void report_print_header(const struct view *v, enum profile_column column, uint64_t total);
struct json_object *report_header_json(const struct view *v, enum profile_column column,
				       uint64_t total);

/* Eight columns wide, in the unit that fits the table's total. */
void report_print_value(enum profile_column column, uint64_t value, uint64_t total);
const char *report_unit(enum profile_column column, uint64_t total);

static inline double report_percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * part / all : 0;
}

/* --unwind. An exit status. limit 0: all rows. */
int report_unwind(const struct view *v, uint64_t limit, double percent_limit, bool json);

/* --threads: by the column called sort, NULL: wall. False: there is no such column. */
bool report_threads_sort(const char *sort);
int report_threads(const struct view *v, const struct view_options *o, uint64_t limit, bool json);

#endif
