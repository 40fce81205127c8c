/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of a table as they are found, in the order of the code, and the table made
 * of them. Neighbours with one rule become one row, each rule is kept once.
 * Memory: 8 bytes a row (12 while the array grows) and 20 a rule.
 */
#ifndef TICKPROF_ROWS_H
#define TICKPROF_ROWS_H

#include <linux/tickprof_table.h>

#include "base/hash.h"

struct row {
	uint32_t unit;
	uint32_t rule;
};

struct rows {
	struct row *row;
	size_t nr, cap;
	struct tickprof_rule *rules;
	size_t nr_rules, cap_rules;
	struct hash index;
	uint64_t seed;
	struct tickprof_rule last;	/* looked up */
	uint32_t last_id;
	bool full;		/* more rows than a table can have: some are missing */
};

void rows_init(struct rows *r);
void rows_deinit(struct rows *r);
/*
 * From this unit on, which is not below that of the row before; one of the same
 * unit is replaced. Where there are too many rules, a further one is UNKNOWN.
 */
void rows_add(struct rows *r, uint32_t unit, const struct tickprof_rule *rule);
/*
 * The table (free it) of code that ends before unit "end". Of *head only what
 * the rows do not tell is taken: machine, flags, file, start, shift. NULL: too large.
 */
struct tickprof_table *rows_pack(const struct rows *r, uint32_t end,
				 const struct tickprof_table *head);

#endif
