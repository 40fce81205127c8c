/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwind tables to test with: built from a plain list of rows, or at random. Blobs
 * are of exact size on the heap, so that the address checker sees each byte beyond.
 */
#ifndef TICKPROF_TEST_TABLES_H
#define TICKPROF_TEST_TABLES_H

#include <stdlib.h>
#include <string.h>

#include "../../kmod/table_check.c"

#if defined(CONFIG_X86_64)
#define MACHINE	EM_X86_64
#else
#define MACHINE	EM_AARCH64
#endif

#define DRAFT_ROWS	4096
#define DRAFT_RULES	64

struct draft_row {
	u64 unit;
	u16 rule;
};

struct draft {
	u16 machine;
	u64 start;
	u32 blocks;
	u32 rules;
	u32 rows;
	struct tickprof_rule rule[DRAFT_RULES];
	struct draft_row row[DRAFT_ROWS];	/* rising */
};

static u64 tables_seed = 1;

static inline u32 tables_random(u32 below)
{
	tables_seed = tables_seed * 6364136223846793005ull + 1442695040888963407ull;
	return (tables_seed >> 33) % below;
}

/* Where in the blob the parts of a table stand, from its header as it is now. */
static inline struct tickprof_table_view table_parts(const struct tickprof_table *t)
{
	struct tickprof_table_view view;

	set_view(t, &view);
	return view;
}

static inline struct tickprof_table *table_build(const struct draft *d)
{
	struct tickprof_table header = {
		.magic = TICKPROF_TABLE_MAGIC, .version = TICKPROF_TABLE_VERSION,
		.machine = d->machine, .start = d->start, .shift = unit_shift(d->machine),
		.rules = d->rules, .blocks = d->blocks, .rows = d->rows,
		.file = { .inode = 1, .size = 2, .build_id_size = 3, .build_id = { 1, 2, 3 } },
	};
	struct tickprof_table_view at;
	struct tickprof_table *t;
	u32 b, row = 0;

	header.bytes = (layout_of(&header).end + 7) & ~7ULL;
	t = calloc(1, header.bytes);
	*t = header;
	at = table_parts(t);
	memcpy((void *)at.rule, d->rule, d->rules * sizeof(d->rule[0]));
	for (b = 0; b <= d->blocks; b++) {
		while (row < d->rows && d->row[row].unit >> 8 < b)
			row++;
		if (!(b & 255))
			((u32 *)at.group)[b >> 8] = row;
		((u16 *)at.block)[b] = row - at.group[b >> 8];
	}
	for (row = 0; row < d->rows; row++) {
		((u16 *)at.row_rule)[row] = d->row[row].rule;
		((u8 *)at.row_low)[row] = d->row[row].unit;
	}
	return t;
}

static inline struct tickprof_rule rule_at_random(u16 machine)
{
	struct tickprof_rule rule = {
		.cfa = tables_random(4) ? TICKPROF_CFA_SP + tables_random(2) :
					  tables_random(__TICKPROF_CFA_MAX),
		.saved = tables_random(3),
		.offset = tables_random(8) ? tables_random(12) : tables_random(65536),
		.ra = tables_random(8) ? -1 : -(s16)tables_random(6),
		.fp = tables_random(8) ? -(s16)tables_random(8) : (s16)tables_random(65536),
	};

	switch (rule.cfa) {
	case TICKPROF_CFA_SP:
	case TICKPROF_CFA_FP:
		if (!tables_random(machine == EM_AARCH64 ? 4 : 64)) {
			rule.saved |= TICKPROF_RA_REGISTER;
			rule.ra = machine == EM_AARCH64 ? 30 : tables_random(16);
		}
		break;
	case TICKPROF_CFA_SP_DEREF:
	case TICKPROF_CFA_FP_DEREF:
		break;
	case TICKPROF_CFA_REGISTER:
		rule.ra = tables_random(machine == EM_AARCH64 ? 32 : 16);
		break;
	case TICKPROF_CFA_PLT:
		rule.offset = tables_random(17);
		/* fall through */
	default:
		rule.saved = 0;
	}
	return rule;
}

/* Rows every "gap" units or so: 1 fills blocks to the brim, 2000 leaves most empty. */
static inline void draft_at_random(struct draft *d, u16 machine, u32 rows)
{
	static const u32 gaps[] = { 1, 2, 50, 300, 2000 };
	u32 gap = gaps[tables_random(5)], i;
	u64 unit = 0;

	d->machine = machine;
	d->start = (u64)tables_random(1 << 20) << 2;
	d->rules = 1 + tables_random(DRAFT_RULES);
	d->rows = 1 + tables_random(rows);
	for (i = 0; i < d->rules; i++)
		d->rule[i] = rule_at_random(machine);
	for (i = 0; i < d->rows; i++) {
		d->row[i] = (struct draft_row){ unit, tables_random(d->rules) };
		unit += 1 + tables_random(gap);
	}
	d->blocks = (d->row[d->rows - 1].unit >> 8) + 1 + tables_random(2);
}

#endif
