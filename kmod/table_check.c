// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether an uploaded unwind table is one: linux/tickprof_table.h, VALIDITY.
 *
 * Context: task context, may sleep; the blob is a copy that the uploader cannot
 * reach. Nothing here knows of kernels: the same file is compiled into the
 * fuzzer.
 * Bounds: every byte is read once, no more than TICKPROF_TABLE_BYTES_MAX.
 * Limits: what the rows say of the program is not checked.
 */
#include <linux/elf-em.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/sched.h>

#include "table.h"

#define RESCHED_BLOCKS	4096

/* Where the parts begin, in bytes from the header's first. 64 bits hold any sum of these. */
struct layout {
	u64 rule;
	u64 group;
	u64 block;
	u64 row_rule;
	u64 row_low;
	u64 end;
};

static struct layout layout_of(const struct tickprof_table *t)
{
	struct layout at = { .rule = sizeof(*t) };

	at.group = at.rule + (u64)t->rules * sizeof(struct tickprof_rule);
	at.block = at.group + ((u64)(t->blocks >> TICKPROF_TABLE_GROUP_SHIFT) + 1) * sizeof(u32);
	at.row_rule = at.block + ((u64)t->blocks + 1) * sizeof(u16);
	at.row_low = at.row_rule + (u64)t->rows * sizeof(u16);
	at.end = at.row_low + t->rows;
	return at;
}

static void set_view(const struct tickprof_table *t, struct tickprof_table_view *view)
{
	const struct layout at = layout_of(t);
	const void *base = t;

	*view = (struct tickprof_table_view){
		.rule = base + at.rule,
		.group = base + at.group,
		.block = base + at.block,
		.row_rule = base + at.row_rule,
		.row_low = base + at.row_low,
		.start = t->start,
		.span = (u64)t->blocks << (TICKPROF_TABLE_BLOCK_SHIFT + t->shift),
		.shift = t->shift,
	};
}

static bool is_zero(const void *data, size_t size)
{
	const u8 *at = data, *end = at + size;

	while (at < end)
		if (*at++)
			return false;
	return true;
}

static bool key_valid(const struct tickprof_table *t)
{
	const struct tickprof_file_key *key = &t->file;

	if (t->flags & TICKPROF_TABLE_VDSO)
		return is_zero(key, sizeof(*key));
	return key->build_id_size <= sizeof(key->build_id) &&
	       is_zero(key->build_id + key->build_id_size,
		       sizeof(key->build_id) - key->build_id_size) &&
	       is_zero(key->reserved, sizeof(key->reserved));
}

static u32 unit_shift(u16 machine)
{
	return machine == EM_AARCH64 ? 2 : 0;
}

static int check_header(const struct tickprof_table *t, size_t bytes, u16 machine)
{
	u64 end, span;

	if (bytes > TICKPROF_TABLE_BYTES_MAX)
		return -E2BIG;
	if (bytes < sizeof(*t) || t->magic != TICKPROF_TABLE_MAGIC)
		return -EINVAL;
	if (t->version != TICKPROF_TABLE_VERSION || t->machine != machine)
		return -EOPNOTSUPP;
	if (t->bytes != bytes || t->flags & ~TICKPROF_TABLE_VDSO || !key_valid(t))
		return -EINVAL;
	if (t->rules > TICKPROF_TABLE_RULES_MAX)
		return -E2BIG;
	if (t->shift != unit_shift(machine) || t->start & ((1 << t->shift) - 1))
		return -EINVAL;
	span = (u64)t->blocks << (TICKPROF_TABLE_BLOCK_SHIFT + t->shift);
	if (t->start > S64_MAX - span)
		return -EINVAL;
	end = layout_of(t).end;
	if (bytes != ((end + 7) & ~7ULL) || !is_zero((const u8 *)t + end, bytes - end))
		return -EINVAL;
	return 0;
}

static bool rule_valid(const struct tickprof_rule *rule, u16 machine)
{
	bool number = rule->ra >= 0 && rule->ra < (machine == EM_AARCH64 ? 32 : 16);
	u8 saved = TICKPROF_SAVED_FP;

	switch (rule->cfa) {
	case TICKPROF_CFA_NONE:
	case TICKPROF_CFA_SIGNAL:
	case TICKPROF_CFA_ROOT:
	case TICKPROF_CFA_UNKNOWN:
		return !rule->saved;
	case TICKPROF_CFA_PLT:
		return !rule->saved && rule->offset <= 16;
	case TICKPROF_CFA_SP:
	case TICKPROF_CFA_FP:
		if (number)
			saved |= TICKPROF_RA_REGISTER;
		break;
	case TICKPROF_CFA_SP_DEREF:
	case TICKPROF_CFA_FP_DEREF:
		break;
	case TICKPROF_CFA_REGISTER:
		if (!number)
			return false;
		break;
	default:
		return false;
	}
	return !(rule->saved & ~saved) && (rule->saved & TICKPROF_SAVED_FP) <= TICKPROF_FP_AT_FP;
}

static bool rules_valid(const struct tickprof_table *t, const struct tickprof_rule *rule)
{
	u32 i;

	for (i = 0; i < t->rules; i++)
		if (!rule_valid(&rule[i], t->machine))
			return false;
	return true;
}

/* Rows first … end - 1 of one block; "rows" in the header says that all of them are there. */
static bool rows_valid(const struct tickprof_table *t, const struct tickprof_table_view *view,
		       u64 first, u64 end)
{
	int low = -1;
	u64 row;

	for (row = first; row < end; row++) {
		if (view->row_low[row] <= low || view->row_rule[row] >= t->rules)
			return false;
		low = view->row_low[row];
	}
	return true;
}

static bool index_valid(const struct tickprof_table *t, const struct tickprof_table_view *view)
{
	u64 first = 0, next;
	u32 b;

	/* With the last check below, what makes any lookup within the span find a row. */
	if (!t->blocks || view->group[0] || view->block[0] || view->block[1] == 0 ||
	    view->row_low[0])
		return false;
	for (b = 1; b <= t->blocks; b++) {
		next = (u64)view->group[b >> TICKPROF_TABLE_GROUP_SHIFT] + view->block[b];
		if (next < first || next > t->rows || !rows_valid(t, view, first, next))
			return false;
		first = next;
		if (!(b % RESCHED_BLOCKS))
			cond_resched();
	}
	return first == t->rows;
}

int tickprof_table_check(const struct tickprof_table *t, size_t bytes, u16 machine)
{
	struct tickprof_table_view view;
	int err = check_header(t, bytes, machine);

	if (err)
		return err;
	if (!t->rows)
		return -EINVAL;
	set_view(t, &view);
	return rules_valid(t, view.rule) && index_valid(t, &view) ? 0 : -EINVAL;
}

/*
 * Plain are the rules of ordinary prologues: SP or FP and a number. On x86_64 the
 * call itself stores the return address, always in the same place.
 */
static struct tickprof_rule prepared(struct tickprof_rule rule, u16 machine)
{
	if (rule.cfa == TICKPROF_CFA_NONE)
		return TICKPROF_RULE_NONE;
	if ((rule.cfa == TICKPROF_CFA_SP || rule.cfa == TICKPROF_CFA_FP) &&
	    rule.saved <= TICKPROF_FP_AT_CFA && (rule.ra == -1 || machine == EM_AARCH64))
		rule.saved |= TICKPROF_RULE_PLAIN;
	return rule;
}

void tickprof_table_open(struct tickprof_table *t, struct tickprof_table_view *view)
{
	struct tickprof_rule *rule = (struct tickprof_rule *)(t + 1);
	u32 i;

	set_view(t, view);
	for (i = 0; i < t->rules; i++)
		rule[i] = prepared(rule[i], t->machine);
}
