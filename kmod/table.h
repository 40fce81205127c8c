/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An unwind table as the module uses it: checked once, prepared once, then only
 * looked up.
 *
 * Context: checking and preparing in task context, they take time in proportion
 * to the table; looking up in hard irq, from memory that nobody writes any more.
 * Memory: the blob as it was uploaded, nothing beside it.
 * Bounds: a lookup reads at most 3 + 8 + 4 entries; none outside a table that
 * tickprof_table_check() took, whatever the offset.
 */
#ifndef TICKPROF_KMOD_TABLE_H
#define TICKPROF_KMOD_TABLE_H

#include <linux/compiler.h>
#include <linux/tickprof_table.h>
#include <linux/types.h>

struct tickprof_table_view {
	const struct tickprof_rule *rule;
	const u32 *group;
	const u16 *block;
	const u16 *row_rule;
	const u8 *row_low;
	u64 start;
	u64 span;	/* bytes of code from start on */
	u32 shift;
};

/*
 * 0, or -E2BIG: beyond a bound; -EOPNOTSUPP: of another version or machine;
 * -EINVAL: broken. "bytes" is what was copied, 8-aligned. Sleeps.
 */
int tickprof_table_check(const struct tickprof_table *t, size_t bytes, u16 machine);

/* A table that was checked. Prepares its rules in place, hence once and before it is shared. */
void tickprof_table_open(struct tickprof_table *t, struct tickprof_table_view *view);

/*
 * PREPARED RULES, what lookups return and the walk takes. NONE has become what
 * it means. "saved" has two bits more, which no upload may carry:
 */
#define TICKPROF_RULE_PLAIN	0x80	/* tickprof_step_plain() can do it: nearly all rows */
#define TICKPROF_RULE_GUESSED	0x40	/* a frame pointer followed without CFI */

#define TICKPROF_RULE_NONE ((struct tickprof_rule){				\
	.cfa = TICKPROF_CFA_FP,							\
	.saved = TICKPROF_RULE_PLAIN | TICKPROF_RULE_GUESSED | TICKPROF_FP_AT_CFA,	\
	.offset = 2, .ra = -1, .fp = -2 })

/*
 * How many of n ascending numbers are at most "most". A block has five rows on
 * average: halving pays only above that, and the rest is a short run.
 */
static inline u32 tickprof_table_count(const u8 *low, u32 n, u32 most)
{
	const u8 *at = low, *end;

	while (unlikely(n > 8)) {
		u32 half = n / 2;

		if (at[half - 1] <= most)
			at += half;
		n -= half;
	}
	for (end = at + n; at < end && *at <= most; at++)
		;
	return at - low;
}

/* The rule for an instruction at this offset of the file. */
static inline struct tickprof_rule tickprof_table_find(const struct tickprof_table_view *view,
						       u64 offset)
{
	u64 at = offset - view->start, unit = at >> view->shift;
	u64 b = unit >> TICKPROF_TABLE_BLOCK_SHIFT;
	u32 first, end;

	if (unlikely(at >= view->span))
		return TICKPROF_RULE_NONE;
	first = view->group[b >> TICKPROF_TABLE_GROUP_SHIFT] + view->block[b];
	b++;
	end = view->group[b >> TICKPROF_TABLE_GROUP_SHIFT] + view->block[b];
	first += tickprof_table_count(view->row_low + first, end - first, (u8)unit);
	/* Row 0 stands at unit 0, so at least one row was counted up to here. */
	return view->rule[view->row_rule[first - 1]];
}

#endif
