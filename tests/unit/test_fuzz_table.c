// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile unwind tables: valid ones with damage that knows the format, and noise.
 * Whatever the validator takes is looked up in, beside the header's words, and
 * walked with registers and a stack full of oddities. Blobs are of exact size,
 * so the sanitizers see a read beyond; walks.h sees one outside the user half,
 * one too many, and a frame that falls.
 *
 * The seed is fixed; FUZZ_ROUNDS in the environment asks for more. What the
 * module says of such blobs is told by tests/guest/hostile.test.
 */
#if !defined(CONFIG_ARM64)
#define CONFIG_X86_64
#endif
#include <stdio.h>

#include "walks.h"
#include "base/util.h"
#include "damage.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#define ROUNDS	1000000
#else
#define ROUNDS	100000
#endif
#define DEPTH	64		/* steps of a walk */
#define CODE	0x555555554000UL	/* where offset 0 of the file is mapped */

static unsigned int taken, refused;
static unsigned int outcomes[TICKPROF_STEP_FAULT + 1], by_rule[__TICKPROF_CFA_MAX];

/* LOOKUP in linux/tickprof_table.h, word for word. */
static struct tickprof_rule by_the_book(const struct tickprof_table *t,
					const struct tickprof_table_view *at, u64 offset)
{
	u64 unit = (offset - t->start) >> t->shift, b = unit >> 8, row, found;

	if (offset < t->start || b >= t->blocks)
		return TICKPROF_RULE_NONE;
	row = at->group[b >> 8] + at->block[b];
	found = row - 1;
	for (b++; row < at->group[b >> 8] + at->block[b]; row++)
		if (at->row_low[row] <= (unit & 255))
			found = row;
	return at->rule[at->row_rule[found]];
}

static void look_up(const struct tickprof_table *t, const struct tickprof_table_view *view)
{
	const struct tickprof_table_view at = table_parts(t);
	u64 span = (u64)t->blocks << (8 + t->shift);
	u32 i;

	for (i = 0; i < 8; i++) {
		u64 offset = i == 0 ? odd_number() : i == 1 ? t->start + span - 1 : i == 2 ? t->start + span :
			     t->start + ((u64)tables_random(1 << 30) << 30 | tables_random(1 << 30)) % span;
		struct tickprof_rule got = tickprof_table_find(view, offset);
		struct tickprof_rule want = by_the_book(t, &at, offset);

		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static unsigned long code_in(const struct tickprof_table_view *view)
{
	return CODE + view->start + tables_random(view->span >> 16 ? 1 << 16 : view->span);
}

static unsigned long odd_word(const struct tickprof_table_view *view)
{
	switch (tables_random(16)) {
	case 0:
		return odd_number();
	case 1:
		return MEMORY_BASE + tables_random(sizeof(memory));
	case 2:
		return CODE + tables_random(1 << 17);
	case 3 ... 8:
		return MEMORY_BASE + 8 * tables_random(MEMORY_WORDS);
	default:
		return code_in(view);
	}
}

static void walk(const struct tickprof_table_view *view)
{
	const unsigned long mask = tickprof_arch_user_mask();
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct tickprof_walk w;
	struct pt_regs regs;
	unsigned int n;
	size_t i;

	for (i = 0; i < 32; i++)
		memory[tables_random(MEMORY_WORDS)] = odd_word(view);
	for (i = 0; i < sizeof(regs) / 8; i++)
		((unsigned long *)&regs)[i] = odd_word(view);
	instruction_pointer(&regs) = code_in(view);
	if (tables_random(8))
		user_stack_pointer(&regs) = MEMORY_BASE + 8 * tables_random(MEMORY_WORDS / 4);
	tickprof_walk_start(&w, &regs, mask);
	if (!tables_random(4))
		w.fp = 0;
	for (n = 0; n < DEPTH && step == TICKPROF_STEP_ON; n++) {
		struct tickprof_rule rule = tickprof_table_find(view, tickprof_walk_at(&w) - CODE);

		fault_at = tables_random(32) ? -1 : (int)tables_random(4);
		by_rule[rule.cfa]++;
		step = walk_step(&w, &rule);
		outcomes[step]++;
	}
}

static void round_of(struct tickprof_table *t, u32 bytes)
{
	struct tickprof_table_view view;
	int err = tickprof_table_check(t, bytes, MACHINE);

	if (err) {
		refused++;
		assert_true(err == -EINVAL || err == -EOPNOTSUPP || err == -E2BIG);
	} else {
		taken++;
		tickprof_table_open(t, &view);
		look_up(t, &view);
		walk(&view);
	}
	free(t);
}

static void rounds(u32 n)
{
	enum kind kind;
	u32 bytes;

	while (n--) {
		struct tickprof_table *t = damage_next(&bytes, &kind);

		round_of(t, bytes);
	}
	damage_end();
}

static void hostile_tables(void **state)
{
	const char *wanted = getenv("FUZZ_ROUNDS");
	u32 i;

	rounds(wanted ? atoi(wanted) : ROUNDS);
	print_message("# %u tables taken, %u refused; steps on %u, root %u, zero %u, broken %u, unknown %u, fault %u\n",
		      taken, refused, outcomes[TICKPROF_STEP_ON], outcomes[TICKPROF_STEP_ROOT],
		      outcomes[TICKPROF_STEP_ZERO], outcomes[TICKPROF_STEP_BROKEN],
		      outcomes[TICKPROF_STEP_UNKNOWN],
		      outcomes[TICKPROF_STEP_FAULT]);
	/* A fuzzer that reaches nothing finds nothing. */
	for (i = 0; i <= TICKPROF_STEP_FAULT; i++)
		assert_in_range(outcomes[i], 100, UINT32_MAX);
	for (i = TICKPROF_CFA_SP; i < __TICKPROF_CFA_MAX; i++)
		assert_in_range(by_rule[i], 100, UINT32_MAX);
	assert_in_range(taken, refused / 8, refused * 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_tables),
	};

	return cmocka_run_group_tests_name("fuzz_table", tests, NULL, NULL);
}
