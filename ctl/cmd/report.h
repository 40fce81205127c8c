/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tables of `tickprof report` share. */
#ifndef TICKPROF_REPORT_H
#define TICKPROF_REPORT_H

#include <json_types.h>

#include "view.h"

/* What stands above every table; total: samples in it. */
void report_print_header(const struct view *v, uint64_t total);
struct json_object *report_header_json(const struct view *v, uint64_t total);

static inline double report_percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * part / all : 0;
}

/* --unwind. An exit status. limit 0: all rows. */
int report_unwind(const struct view *v, uint64_t limit, double percent_limit, bool json);

#endif
