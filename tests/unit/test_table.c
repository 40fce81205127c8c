// SPDX-License-Identifier: GPL-2.0-only
/* Unwind tables in the module: what is taken, what is refused, and what a lookup finds. */
#include "base/util.h"
#include "tables.h"
#include "test.h"

static struct draft draft;

/* A table with a bit of everything: 300 blocks, hence two groups, the last block without rows. */
static struct tickprof_table *sample(u16 machine)
{
	static const struct tickprof_rule rules[] = {
		{ .cfa = TICKPROF_CFA_SP, .offset = 1, .ra = -1 },
		{ .cfa = TICKPROF_CFA_FP, .saved = TICKPROF_FP_AT_CFA, .offset = 2, .ra = -1, .fp = -2 },
		{ .cfa = TICKPROF_CFA_NONE },
	};
	u32 i;

	memset(&draft, 0, sizeof(draft));
	draft.machine = machine;
	draft.start = 0x1000;
	draft.blocks = 300;
	draft.rules = ARRAY_SIZE(rules);
	memcpy(draft.rule, rules, sizeof(rules));
	for (i = 0; i < 299; i++) {
		draft.row[draft.rows++] = (struct draft_row){ i * 256, i % 3 };
		draft.row[draft.rows++] = (struct draft_row){ i * 256 + 255, (i + 1) % 3 };
	}
	return table_build(&draft);
}

static int check(const struct tickprof_table *t)
{
	return tickprof_table_check(t, t->bytes, t->machine);
}

/* One thing changed in a table that is good otherwise: how it is answered. */
#define AFTER(machine, ...) ({						\
	struct tickprof_table *t = sample(machine);			\
	struct tickprof_table_view at = table_parts(t);			\
	struct tickprof_rule *rule = (void *)at.rule;			\
	u32 *group = (void *)at.group;					\
	u16 *block = (void *)at.block, *row_rule = (void *)at.row_rule;	\
	u8 *row_low = (void *)at.row_low;				\
	const u32 bytes = t->bytes;					\
	int err;							\
									\
	(void)rule, (void)group, (void)block, (void)row_rule, (void)row_low;	\
	__VA_ARGS__;							\
	err = tickprof_table_check(t, bytes, machine);		\
	free(t);							\
	err;								\
})
#define assert_taken(...)		assert_int_equal(AFTER(EM_X86_64, __VA_ARGS__), 0)
#define assert_refused(...)		assert_int_equal(AFTER(EM_X86_64, __VA_ARGS__), -EINVAL)
#define assert_taken_arm64(...)		assert_int_equal(AFTER(EM_AARCH64, __VA_ARGS__), 0)
#define assert_refused_arm64(...)	assert_int_equal(AFTER(EM_AARCH64, __VA_ARGS__), -EINVAL)

static void header(void **state)
{
	assert_taken();
	assert_taken_arm64();
	assert_refused(t->magic++);
	assert_int_equal(AFTER(EM_X86_64, t->version++), -EOPNOTSUPP);
	assert_int_equal(AFTER(EM_X86_64, t->version = 0), -EOPNOTSUPP);
	assert_int_equal(AFTER(EM_X86_64, t->machine = EM_AARCH64), -EOPNOTSUPP);
	assert_int_equal(AFTER(EM_X86_64, t->machine = EM_386), -EOPNOTSUPP);
	assert_refused(t->bytes -= 8);
	assert_refused(t->bytes += 8);
	assert_refused(t->flags = 1 << 1);
	assert_refused(t->flags = 1u << 31);
	assert_refused(t->shift = 2);
	assert_refused_arm64(t->shift = 0);
	assert_refused_arm64(t->shift = 64);
	assert_refused_arm64(t->start |= 1);
	assert_refused_arm64(t->start |= 2);
	assert_taken(t->start |= 1);
}

static void key(void **state)
{
	assert_taken(t->file.build_id_size = 20);
	assert_refused(t->file.build_id_size = 21);
	assert_refused(t->file.build_id_size = 2);
	assert_refused(t->file.build_id_size = 255);
	assert_refused(t->file.build_id[19] = 1);
	assert_refused(t->file.reserved[2] = 1);
	assert_taken(memset(&t->file, 0, sizeof(t->file)));
	assert_refused(t->flags = TICKPROF_TABLE_VDSO);
	assert_taken(t->flags = TICKPROF_TABLE_VDSO; memset(&t->file, 0, sizeof(t->file)));
}

static void code_ends_within_a_file(void **state)
{
	const u64 span = 300 * 256;

	assert_taken(t->start = (u64)INT64_MAX - span);
	assert_refused(t->start = (u64)INT64_MAX - span + 1);
	assert_refused(t->start = UINT64_MAX);
	assert_refused(t->start = UINT64_MAX - span + 1);
}

static void sizes(void **state)
{
	struct tickprof_table *t = sample(EM_X86_64), *more = calloc(1, t->bytes + 8);
	const u32 bytes = t->bytes;
	u32 n;

	/* Cut short anywhere, whether the header admits it or not. */
	for (n = 0; n < bytes; n++) {
		struct tickprof_table *cut = malloc(n ? n : 1);

		memcpy(cut, t, n);
		assert_int_equal(tickprof_table_check(cut, n, EM_X86_64), -EINVAL);
		if (n >= sizeof(*t)) {
			cut->bytes = n;
			assert_int_equal(tickprof_table_check(cut, n, EM_X86_64), -EINVAL);
		}
		free(cut);
	}
	memcpy(more, t, bytes);
	more->bytes += 8;
	assert_int_equal(tickprof_table_check(more, bytes + 8, EM_X86_64), -EINVAL);
	more->bytes -= 8;
	assert_int_equal(tickprof_table_check(more, bytes + 8, EM_X86_64), -EINVAL);
	assert_int_equal(tickprof_table_check(more, bytes, EM_X86_64), 0);
	free(more);
	/* Beyond the bounds the blob is not even looked at. */
	assert_int_equal(tickprof_table_check(NULL, TICKPROF_TABLE_BYTES_MAX + 1, EM_X86_64), -E2BIG);
	assert_int_equal(tickprof_table_check(NULL, SIZE_MAX, EM_X86_64), -E2BIG);
	free(t);
}

static void counts_that_would_overflow(void **state)
{
	assert_int_equal(AFTER(EM_X86_64, t->rules = TICKPROF_TABLE_RULES_MAX + 1), -E2BIG);
	assert_int_equal(AFTER(EM_X86_64, t->rules = UINT32_MAX), -E2BIG);
	assert_refused(t->rules = TICKPROF_TABLE_RULES_MAX);
	assert_refused(t->rules = 0);
	assert_refused(t->blocks = UINT32_MAX);
	assert_refused(t->blocks = 0);
	assert_refused(t->rows = UINT32_MAX);
	assert_refused(t->rows = 0);
	assert_refused(t->blocks += 0x80000000);
	assert_refused(t->rules++; t->blocks -= 4);
}

/* Of the size that its counts ask for, and still without something to find. */
static void empty_parts(void **state)
{
	u32 *count[] = { &draft.rules, &draft.blocks, &draft.rows };
	struct tickprof_table *t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(count); i++) {
		memset(&draft, 0, sizeof(draft));
		draft.machine = EM_X86_64;
		draft.rules = draft.blocks = draft.rows = 1;
		t = table_build(&draft);
		assert_int_equal(check(t), 0);
		free(t);
		*count[i] = 0;
		t = table_build(&draft);
		assert_int_equal(check(t), -EINVAL);
		if (draft.blocks)	/* an index that promises a row nevertheless */
			((u16 *)table_parts(t).block)[1] = 1;
		assert_int_equal(check(t), -EINVAL);
		free(t);
	}
}

static void padding(void **state)
{
	struct tickprof_table *t;
	u32 pad, seen = 0, at;

	for (pad = 0; pad < 8; pad++) {
		t = sample(EM_X86_64);
		draft.rows -= pad;
		free(t);
		t = table_build(&draft);
		assert_int_equal(check(t), 0);
		for (at = layout_of(t).end; at < t->bytes; at++, seen++) {
			((u8 *)t)[at] = 1;
			assert_int_equal(check(t), -EINVAL);
			((u8 *)t)[at] = 0;
		}
		free(t);
	}
	assert_int_equal(seen, 0 + 1 + 2 + 3 + 4 + 5 + 6 + 7);
}

static void index_of_rows(void **state)
{
	assert_refused(group[0] = 1);
	assert_refused(block[0] = 1);
	assert_refused(group[0] = UINT32_MAX; block[0] = 1);
	assert_refused(group[0] = 1; for (int b = 1; b < 256; b++) block[b]--);
	assert_refused(group[1]++);
	assert_refused(group[1] = UINT32_MAX);
	assert_refused(group[1] = UINT32_MAX - 40);	/* falls back into range in 32 bits */
	assert_refused(block[5]--);
	assert_refused(block[5]++);
	assert_refused(block[5] = UINT16_MAX);
	assert_refused(block[300]--);
	assert_refused(block[300]++);
	assert_refused(block[1] = 0);
	/* Block 298 may have one row less if 299 has it: 0xff, then. */
	assert_taken(block[299]--);
	/* But a row that belongs to no block is refused, */
	assert_refused(block[299]--; block[300]--);
	/* and so is a group far beyond the rows from which 32 bits would come back to them, */
	assert_refused(group[1] -= 1000; for (int b = 256; b <= 300; b++) block[b] += 1000);
	/* and 0xff and then 0x00 are no single block's. */
	assert_refused(block[298]--; row_low[595] = 0);
}

static void rows_rise_within_a_block(void **state)
{
	assert_refused(row_low[0] = 1);
	assert_refused(row_low[1] = 0);
	assert_taken(row_low[1] = 1);
	/* 255 and 0 are two blocks', wherever the index parts them. */
	assert_taken(row_low[2] = 255; row_low[3] = 0; row_low[4] = 1; block[2] = 3);
	assert_refused(row_low[2] = 255);
	assert_refused(row_low[596] = 255);
	assert_taken(row_low[596] = 254);
	assert_refused(row_rule[0] = 3);
	assert_refused(row_rule[597] = 3);
	assert_refused(row_rule[597] = UINT16_MAX);
	assert_taken(row_rule[597] = 2);
}

static void full_blocks(void **state)
{
	struct tickprof_table *t;
	u32 i;

	memset(&draft, 0, sizeof(draft));
	draft.machine = EM_AARCH64;
	draft.rules = 1;
	draft.rows = DRAFT_ROWS;
	draft.blocks = DRAFT_ROWS / 256;
	for (i = 0; i < draft.rows; i++)
		draft.row[i].unit = i;
	t = table_build(&draft);
	assert_int_equal(check(t), 0);
	((u16 *)table_parts(t).block)[1]++;	/* 257 rows */
	assert_int_equal(check(t), -EINVAL);
	free(t);
}

#define RULE(...) rule[0] = (struct tickprof_rule){ __VA_ARGS__ }

static void rules(void **state)
{
	unsigned int cfa;

	for (cfa = 0; cfa < __TICKPROF_CFA_MAX; cfa++) {
		assert_taken(RULE(cfa));
		assert_taken_arm64(RULE(cfa));
		assert_refused(RULE(cfa, 3));
		assert_refused(RULE(cfa, 8));
		assert_refused_arm64(RULE(cfa, 16));
		assert_refused(RULE(cfa, TICKPROF_RULE_PLAIN));
		assert_refused(RULE(cfa, TICKPROF_RULE_GUESSED));
		assert_refused(RULE(cfa, TICKPROF_RA_REGISTER, .ra = 16));
		assert_refused(RULE(cfa, TICKPROF_RA_REGISTER, .ra = -1));
		assert_refused_arm64(RULE(cfa, TICKPROF_RA_REGISTER, .ra = 32));
	}
	assert_refused(RULE(__TICKPROF_CFA_MAX));
	assert_refused(RULE(255));
	assert_refused(rule[2].cfa = 255);
	for (cfa = TICKPROF_CFA_SP; cfa <= TICKPROF_CFA_REGISTER; cfa++) {
		assert_taken(RULE(cfa, TICKPROF_FP_AT_CFA));
		assert_taken(RULE(cfa, TICKPROF_FP_AT_FP));
	}
	assert_taken(RULE(TICKPROF_CFA_SP, TICKPROF_RA_REGISTER, .ra = 5));
	assert_taken_arm64(RULE(TICKPROF_CFA_SP, TICKPROF_RA_REGISTER | TICKPROF_FP_AT_FP, .ra = 30));
	assert_taken_arm64(RULE(TICKPROF_CFA_FP, TICKPROF_RA_REGISTER | TICKPROF_FP_AT_CFA, .ra = 30));
	assert_refused(RULE(TICKPROF_CFA_SP_DEREF, TICKPROF_RA_REGISTER));
	assert_refused(RULE(TICKPROF_CFA_REGISTER, TICKPROF_RA_REGISTER));
	assert_refused_arm64(RULE(TICKPROF_CFA_ROOT, TICKPROF_RA_REGISTER));
	assert_refused(RULE(TICKPROF_CFA_NONE, TICKPROF_FP_AT_CFA));
	assert_refused(RULE(TICKPROF_CFA_PLT, TICKPROF_FP_AT_CFA));
	assert_taken(RULE(TICKPROF_CFA_PLT, .offset = 16));
	assert_refused(RULE(TICKPROF_CFA_PLT, .offset = 17));
	assert_taken(RULE(TICKPROF_CFA_SP, 0, UINT16_MAX, INT16_MIN, INT16_MAX));
	assert_taken(RULE(TICKPROF_CFA_REGISTER, .ra = 15));
	assert_refused(RULE(TICKPROF_CFA_REGISTER, .ra = 16));
	assert_taken_arm64(RULE(TICKPROF_CFA_REGISTER, .ra = 31));
	assert_refused_arm64(RULE(TICKPROF_CFA_REGISTER, .ra = 32));
	assert_refused(RULE(TICKPROF_CFA_REGISTER, .ra = -1));
}

static void rules_are_prepared(void **state)
{
	const struct tickprof_rule none = TICKPROF_RULE_NONE;
	struct tickprof_rule rule = { TICKPROF_CFA_SP, TICKPROF_FP_AT_CFA, 1, -1, 5 }, got;

	got = prepared(rule, EM_X86_64);
	assert_int_equal(got.saved, TICKPROF_FP_AT_CFA | TICKPROF_RULE_PLAIN);
	rule.ra = -2;
	got = prepared(rule, EM_X86_64);
	assert_int_equal(got.saved, TICKPROF_FP_AT_CFA);
	got = prepared(rule, EM_AARCH64);
	assert_int_equal(got.saved, TICKPROF_FP_AT_CFA | TICKPROF_RULE_PLAIN);
	rule.saved = TICKPROF_RA_REGISTER;
	got = prepared(rule, EM_AARCH64);
	assert_memory_equal(&got, &rule, sizeof(rule));
	rule = (struct tickprof_rule){ TICKPROF_CFA_REGISTER, .ra = -1 };
	got = prepared(rule, EM_X86_64);
	assert_memory_equal(&got, &rule, sizeof(rule));
	got = prepared((struct tickprof_rule){ TICKPROF_CFA_NONE }, EM_X86_64);
	assert_memory_equal(&got, &none, sizeof(none));
}

/* As the header's words have it, from the list of rows. */
static struct tickprof_rule expected(u64 offset)
{
	u32 shift = unit_shift(draft.machine), i;
	u64 unit = (offset - draft.start) >> shift;

	if (offset < draft.start || unit >> 8 >= draft.blocks)
		return TICKPROF_RULE_NONE;
	for (i = 0; i + 1 < draft.rows && draft.row[i + 1].unit <= unit; i++)
		;
	return prepared(draft.rule[draft.row[i].rule], draft.machine);
}

static void assert_finds(const struct tickprof_table_view *view, u64 offset)
{
	struct tickprof_rule want = expected(offset), got = tickprof_table_find(view, offset);

	assert_memory_equal(&got, &want, sizeof(want));
}

static void lookups(void **state)
{
	u32 round, i;

	for (round = 0; round < 200; round++) {
		struct tickprof_table_view view;
		struct tickprof_table *t;
		u64 end;

		draft_at_random(&draft, round & 1 ? EM_AARCH64 : EM_X86_64, round % 10 ? 100 : DRAFT_ROWS);
		t = table_build(&draft);
		assert_int_equal(check(t), 0);
		tickprof_table_open(t, &view);
		end = draft.start + ((u64)draft.blocks << (8 + t->shift));
		for (i = 0; i < draft.rows; i++) {
			u64 at = draft.start + (draft.row[i].unit << t->shift);

			if (i % (1 + draft.rows / 64))
				continue;
			assert_finds(&view, at);
			assert_finds(&view, at - 1);
			assert_finds(&view, at + 1);
			assert_finds(&view, at + (255 << t->shift));
		}
		for (i = 0; i < 64; i++)
			assert_finds(&view, draft.start + tables_random(end - draft.start));
		assert_finds(&view, end - 1);
		assert_finds(&view, end);
		assert_finds(&view, draft.start - 1);
		assert_finds(&view, 0);
		assert_finds(&view, UINT64_MAX);
		assert_finds(&view, INT64_MIN);
		free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header),
		cmocka_unit_test(key),
		cmocka_unit_test(code_ends_within_a_file),
		cmocka_unit_test(sizes),
		cmocka_unit_test(counts_that_would_overflow),
		cmocka_unit_test(empty_parts),
		cmocka_unit_test(padding),
		cmocka_unit_test(index_of_rows),
		cmocka_unit_test(rows_rise_within_a_block),
		cmocka_unit_test(full_blocks),
		cmocka_unit_test(rules),
		cmocka_unit_test(rules_are_prepared),
		cmocka_unit_test(lookups),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
