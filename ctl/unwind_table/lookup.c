// SPDX-License-Identifier: GPL-2.0-only
/* Reading a table of our own making: see unwind_table.h. */
#include "unwind_table.h"

#define FEW	1024	/* bytes of code that hardly matter: what programs start with */

struct parts {
	const struct tickprof_rule *rule;
	const uint32_t *group;
	const uint16_t *block, *row_rule;
	const uint8_t *row_low;
};

static struct parts parts(const struct tickprof_table *t)
{
	struct parts p;

	p.rule = (const void *)(t + 1);
	p.group = (const void *)(p.rule + t->rules);
	p.block = (const void *)(p.group + (t->blocks >> TICKPROF_TABLE_GROUP_SHIFT) + 1);
	p.row_rule = p.block + t->blocks + 1;
	p.row_low = (const void *)(p.row_rule + t->rows);
	return p;
}

static uint32_t first(const struct parts *p, uint32_t block)
{
	return p->group[block >> TICKPROF_TABLE_GROUP_SHIFT] + p->block[block];
}

void unwind_table_each(const struct tickprof_table *t, unwind_table_row_fn fn, void *ctx)
{
	const struct parts p = parts(t);
	uint64_t at = t->start, next;
	uint32_t b, row;

	for (b = 0; b < t->blocks; b++) {
		for (row = first(&p, b); row < first(&p, b + 1); row++) {
			next = (uint64_t)b << TICKPROF_TABLE_BLOCK_SHIFT | p.row_low[row];
			next = t->start + (next << t->shift);
			if (row)
				fn(ctx, at, next, &p.rule[p.row_rule[row - 1]]);
			at = next;
		}
	}
	next = t->start + ((uint64_t)t->blocks << TICKPROF_TABLE_BLOCK_SHIFT << t->shift);
	if (t->rows)
		fn(ctx, at, next, &p.rule[p.row_rule[t->rows - 1]]);
}

static void count_row(void *ctx, uint64_t start, uint64_t end, const struct tickprof_rule *rule)
{
	struct unwind_table_counts *counts = ctx;

	counts->rows[rule->cfa]++;
	counts->bytes[rule->cfa] += end - start;
}

void unwind_table_count(const struct tickprof_table *t, struct unwind_table_counts *out)
{
	*out = (struct unwind_table_counts){ 0 };
	unwind_table_each(t, count_row, out);
}

/* Bytes of code, and of these how many call frame information describes. */
static uint64_t described(const struct unwind_table *t, uint64_t *all)
{
	struct unwind_table_counts n;
	uint64_t part;
	size_t i;

	unwind_table_count(t->table, &n);
	*all = 0;
	for (i = 0; i < __TICKPROF_CFA_MAX; i++)
		*all += n.bytes[i];
	part = *all - n.bytes[TICKPROF_CFA_NONE] - n.bytes[TICKPROF_CFA_ROOT] -
	       n.bytes[TICKPROF_CFA_PLT];
	/* What nothing is known of is left out of a table at either end. */
	if (*all < t->stats.text)
		*all = t->stats.text;
	return part;
}

unsigned int unwind_table_described(const struct unwind_table *t)
{
	uint64_t all, part = described(t, &all);

	return all ? 100 * part / all : 0;
}

bool unwind_table_enough(const struct unwind_table *t)
{
	uint64_t all, part = described(t, &all);

	return part >= all / 2 || all - part < FEW;
}

const struct tickprof_rule *unwind_table_find(const struct tickprof_table *t, uint64_t offset)
{
	const struct parts p = parts(t);
	uint64_t unit = (offset - t->start) >> t->shift;
	uint32_t low = unit & ((1 << TICKPROF_TABLE_BLOCK_SHIFT) - 1), row, end, b;

	if (offset < t->start || unit >> TICKPROF_TABLE_BLOCK_SHIFT >= t->blocks)
		return NULL;
	b = unit >> TICKPROF_TABLE_BLOCK_SHIFT;
	end = first(&p, b + 1);
	for (row = first(&p, b); row < end && p.row_low[row] <= low; row++)
		;
	return &p.rule[p.row_rule[row - 1]];
}
