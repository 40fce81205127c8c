// SPDX-License-Identifier: GPL-2.0-only
/* Rows and how they are packed: see rows.h and the drawing in tickprof_table.h. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rows.h"

/* A row takes three bytes in the table. */
#define ROWS_MAX	(TICKPROF_TABLE_BYTES_MAX / 3)
#define BLOCK		(1u << TICKPROF_TABLE_BLOCK_SHIFT)
#define GROUP		(1u << TICKPROF_TABLE_GROUP_SHIFT)

enum { RULE_NONE, RULE_UNKNOWN };

static bool same(const struct tickprof_rule *a, const struct tickprof_rule *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static uint32_t rule_id(struct rows *r, const struct tickprof_rule *rule)
{
	struct hash_slot *slot;
	uint64_t key;

	_Static_assert(sizeof(key) == sizeof(*rule), "a rule is hashed as one number");
	if (r->nr_rules && same(rule, &r->last))
		return r->last_id;
	memcpy(&key, rule, sizeof(key));
	slot = hash_find(&r->index, hash_u64(hash_u64(r->seed, key), r->seed), id,
			 same(&r->rules[id - 1], rule));
	if (!slot->id) {
		if (r->nr_rules == TICKPROF_TABLE_RULES_MAX) {
			r->index.nr--;	/* the slot stays free */
			return RULE_UNKNOWN;
		}
		GROW(r->rules, r->cap_rules, r->nr_rules + 1);
		r->rules[r->nr_rules] = *rule;
		slot->id = ++r->nr_rules;
	}
	r->last = *rule;
	r->last_id = slot->id - 1;
	return r->last_id;
}

void rows_init(struct rows *r)
{
	const struct tickprof_rule none = { .cfa = TICKPROF_CFA_NONE };
	const struct tickprof_rule unknown = { .cfa = TICKPROF_CFA_UNKNOWN };

	*r = (struct rows){ .seed = hash_seed() };
	rule_id(r, &none);
	rule_id(r, &unknown);
}

void rows_deinit(struct rows *r)
{
	free(r->row);
	free(r->rules);
	hash_deinit(&r->index);
}

void rows_add(struct rows *r, uint32_t unit, const struct tickprof_rule *rule)
{
	uint32_t id = rule_id(r, rule);

	while (r->nr && r->row[r->nr - 1].unit >= unit)
		r->nr--;
	if (r->nr && r->row[r->nr - 1].rule == id)
		return;
	if (r->nr == ROWS_MAX) {
		r->full = true;
		return;
	}
	GROW(r->row, r->cap, r->nr + 1);
	r->row[r->nr++] = (struct row){ unit, id };
}

static void fill(const struct rows *r, const struct tickprof_table *t, uint32_t *group,
		 uint16_t *block, uint16_t *row_rule, uint8_t *row_low)
{
	size_t row = 0;
	uint32_t b;

	for (b = 0; b <= t->blocks; b++) {
		while (row < t->rows && r->row[row].unit / BLOCK < b) {
			row_rule[row] = r->row[row].rule;
			row_low[row] = r->row[row].unit % BLOCK;
			row++;
		}
		if (!(b % GROUP))
			group[b / GROUP] = row;
		block[b] = row - group[b / GROUP];
	}
}

struct tickprof_table *rows_pack(const struct rows *r, uint32_t end,
				 const struct tickprof_table *head)
{
	uint64_t blocks = ((uint64_t)end + BLOCK - 1) / BLOCK, bytes;
	size_t group = (blocks / GROUP + 1) * sizeof(uint32_t);
	size_t block = (blocks + 1) * sizeof(uint16_t), nr = r->nr;
	struct tickprof_table *t;
	uint8_t *at;

	/* One that says what comes behind the end is not needed at a block's end. */
	while (nr && r->row[nr - 1].unit >= blocks * BLOCK)
		nr--;
	bytes = sizeof(*t) + r->nr_rules * sizeof(*r->rules) + group + block +
		nr * (sizeof(uint16_t) + 1);
	bytes = (bytes + 7) & ~7ull;
	if (r->full || bytes > TICKPROF_TABLE_BYTES_MAX)
		return NULL;
	t = xcalloc(1, bytes);
	*t = *head;
	t->magic = TICKPROF_TABLE_MAGIC;
	t->version = TICKPROF_TABLE_VERSION;
	t->bytes = bytes;
	t->rules = r->nr_rules;
	t->blocks = blocks;
	t->rows = nr;
	at = (uint8_t *)(t + 1);
	memcpy(at, r->rules, r->nr_rules * sizeof(*r->rules));
	at += r->nr_rules * sizeof(*r->rules);
	fill(r, t, (uint32_t *)at, (uint16_t *)(at + group), (uint16_t *)(at + group + block),
	     at + group + block + nr * sizeof(uint16_t));
	return t;
}
