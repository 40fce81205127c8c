// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step of a user stack, over stacks made up here: each rule, each way it ends,
 * each read that faults. This file for x86_64; test_walk_arm64.c takes it too.
 */
#if !defined(CONFIG_ARM64)
#define CONFIG_X86_64
#endif
#include "walks.h"
#include "base/util.h"
#include "test.h"

#define CODE	0x555555556000UL
#define SP	(MEMORY_BASE + 0x100)	/* of the frame under test */

static unsigned long *word(unsigned long address)
{
	assert_in_range(address, MEMORY_BASE, MEMORY_END - 8);
	return &memory[(address - MEMORY_BASE) / 8];
}

static struct tickprof_walk caller(unsigned long sp, unsigned long fp)
{
	return (struct tickprof_walk){ .pc = CODE, .sp = sp, .fp = fp };
}

static enum tickprof_step step(struct tickprof_walk *w, struct tickprof_rule rule)
{
	rule = prepared(rule, MACHINE);
	return walk_step(w, &rule);
}

static void assert_frame(const struct tickprof_walk *w, unsigned long pc, unsigned long sp,
			 unsigned long fp, enum tickprof_how how)
{
	assert_int_equal(w->pc, pc);
	assert_int_equal(w->sp, sp);
	assert_int_equal(w->fp, fp);
	assert_int_equal(w->how, how);
}

static const struct tickprof_rule sp_4 = { TICKPROF_CFA_SP, .offset = 4, .ra = -1 };

static int clear(void **state)
{
	memset(memory, 0, sizeof(memory));
	fault_at = -1;
	return 0;
}

static void from_sp(void **state)
{
	struct tickprof_walk w = caller(SP, 77);
	struct tickprof_rule rule = sp_4;

	*word(SP + 24) = CODE + 1;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 1, SP + 32, 77, TICKPROF_HOW_CFI);
	/* With the frame pointer kept below, where pushes leave it. */
	*word(SP + 8) = 0x1234;
	rule.saved = TICKPROF_FP_AT_CFA;
	rule.fp = -3;
	w = caller(SP, 77);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 1, SP + 32, 0x1234, TICKPROF_HOW_CFI);
	/* 16 bits of offset, unsigned: nothing is mapped there, or beyond what can be. */
	rule.offset = 65535;
	w = caller(SP - (1 << 20), 77);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_FAULT);
	w = caller(SP, 77);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
}

static void from_fp(void **state)
{
	const struct tickprof_rule rule = { TICKPROF_CFA_FP, TICKPROF_FP_AT_CFA, 2, -1, -2 };
	struct tickprof_walk w = caller(SP, SP + 0x40);

	*word(SP + 0x40) = SP + 0x80;
	*word(SP + 0x48) = CODE + 2;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 2, SP + 0x50, SP + 0x80, TICKPROF_HOW_CFI);
	/* Without CFI the same, marked. */
	w = caller(SP, SP + 0x40);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 2, SP + 0x50, SP + 0x80, TICKPROF_HOW_FP);
	/* The offset is signed. */
	w = caller(SP, SP + 0x80);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_FP, 0, -6, -1 }), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 2, SP + 0x50, SP + 0x80, TICKPROF_HOW_CFI);
}

/* Where a frame pointer is said to lie may be beyond everything. */
static void saved_far_away(void **state)
{
	struct tickprof_rule rule = sp_4;
	struct tickprof_walk w = caller(SP, 77);

	*word(SP + 24) = CODE + 1;
	rule.saved = TICKPROF_FP_AT_CFA;
	rule.fp = INT16_MAX;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_FAULT);
	rule.fp = INT16_MIN;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_FAULT);
}

static void saved_elsewhere(void **state)
{
	const struct tickprof_rule rule = { TICKPROF_CFA_SP, TICKPROF_FP_AT_FP, 4, -1, -5 };
	struct tickprof_walk w = caller(SP, SP + 0x80);

	*word(SP + 24) = CODE;
	*word(SP + 0x80 - 40) = 0x4321;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE, SP + 32, 0x4321, TICKPROF_HOW_CFI);
	w = caller(SP, SP + 0x81);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
}

static void dereferenced(void **state)
{
	struct tickprof_rule rule = { TICKPROF_CFA_SP_DEREF, .offset = 3, .ra = 5 };
	struct tickprof_walk w = caller(SP, 77);

	*word(SP + 24) = SP + 0x100;
	*word(SP + 0x100 + 32) = CODE + 3;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 3, SP + 0x100 + 40, 77, TICKPROF_HOW_CFI);
	/* Below FP, as realigned stacks have it: the slot below the frame pointer holds the CFA. */
	rule = (struct tickprof_rule){ TICKPROF_CFA_FP_DEREF, TICKPROF_FP_AT_FP, -1, 0, 0 };
	w = caller(SP, SP + 0x40);
	*word(SP + 0x38) = SP + 0x128;
	*word(SP + 0x40) = 88;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 3, SP + 0x128, 88, TICKPROF_HOW_CFI);
	/* What is read may be anything. */
	w = caller(SP, SP + 0x40);
	*word(SP + 0x38) = SP + 0x121;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
	*word(SP + 0x38) = SP;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
	*word(SP + 0x38) = ~7UL;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
	w.fp = ~7UL;
	assert_int_equal(step(&w, rule), TICKPROF_STEP_BROKEN);
}

static void ends(void **state)
{
	static const struct {
		unsigned long ret;
		enum tickprof_step step;
	} cases[] = {
		{ 0, TICKPROF_STEP_ROOT },
		{ 1, TICKPROF_STEP_BROKEN },
		{ 4095, TICKPROF_STEP_BROKEN },
		{ 4096, TICKPROF_STEP_ON },
		{ TASK_SIZE_MAX - 1, TICKPROF_STEP_ON },
		{ 1UL << 54, TICKPROF_STEP_BROKEN },
		{ 0xffffffff81000000, TICKPROF_STEP_BROKEN },
	};
	struct tickprof_walk w;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
#if defined(CONFIG_ARM64)
		if (cases[i].ret >> 48 && cases[i].ret >> 48 != 0xffff)
			continue;	/* taken for a signature */
#endif
		w = caller(SP, 0);
		*word(SP + 24) = cases[i].ret;
		assert_int_equal(step(&w, sp_4), cases[i].step);
	}
	w = caller(SP, 0);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_ROOT }), TICKPROF_STEP_ROOT);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_UNKNOWN }), TICKPROF_STEP_UNKNOWN);
	/* A frame pointer of 0 may be a root's where it was guessed; by CFI it is nonsense. */
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_ZERO);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_FP, 0, 2, -1 }), TICKPROF_STEP_BROKEN);
}

static void only_upwards(void **state)
{
	static const long off[] = { -8, -16, 1, 4, 7, 1L << 48, 1L << 54, -(1L << 55) };
	struct tickprof_walk w = caller(SP, 0);
	size_t i;

	*word(SP - 8) = *word(SP) = *word(SP + 8) = CODE;
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_SP, .ra = -1 }), TICKPROF_STEP_BROKEN);
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		w = caller(SP, SP + off[i] - 16 + 8);
		assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_FP, 0, 1, -1 }),
				 TICKPROF_STEP_BROKEN);
		assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_BROKEN);
	}
	/* A chain of frame pointers that bites its tail. */
	*word(SP) = SP;
	w = caller(SP, SP);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_ON);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_BROKEN);
}

static void numbered_registers(void **state)
{
	const u16 count = MACHINE == EM_AARCH64 ? 32 : 16;
	struct tickprof_rule rule = { TICKPROF_CFA_REGISTER, .offset = 2 };
	struct pt_regs regs = { 0 };
	struct tickprof_walk w;

	*word(SP + 0x48) = CODE + 4;
	for (rule.ra = 0; rule.ra < count; rule.ra++) {
		unsigned long *at = (unsigned long *)&regs;
		size_t i;

		/* Exactly one word of the registers is the one that decides. */
		for (i = 0; i < sizeof(regs) / 8; i++)
			if (tickprof_arch_register(&regs, rule.ra) == at[i] && (at[i] = SP + 0x40) &&
			    tickprof_arch_register(&regs, rule.ra) == SP + 0x40)
				break;
			else
				at[i] = 0;
		assert_in_range(i, 0, sizeof(regs) / 8 - 1);
		w = caller(SP, 77);
		w.regs = &regs;
		assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
		assert_frame(&w, CODE + 4, SP + 0x50, 77, TICKPROF_HOW_CFI);
		assert_null(w.regs);
		/* From a signal frame. */
		w = caller(SP, 77);
		w.context = SP + 0x200;
		*word(w.context + tickprof_arch_signal_register(rule.ra)) = SP + 0x40;
		assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
		assert_frame(&w, CODE + 4, SP + 0x50, 77, TICKPROF_HOW_CFI);
		assert_int_equal(w.context, 0);
		memset(word(SP + 0x200), 0, 0x300);
		at[i] = 0;
		/* From nowhere. */
		assert_int_equal(step(&w, rule), TICKPROF_STEP_UNKNOWN);
	}
}

/* A signal frame at "at": what it interrupted. */
static void put_signal(unsigned long at, unsigned long pc, unsigned long sp, unsigned long fp)
{
	*word(at + TICKPROF_ARCH_SIGNAL_PC) = pc;
	*word(at + TICKPROF_ARCH_SIGNAL_SP) = sp;
	*word(at + TICKPROF_ARCH_SIGNAL_FP) = fp;
}

static const struct tickprof_rule signal_rule = { TICKPROF_CFA_SIGNAL };

static void signals(void **state)
{
	struct tickprof_walk w = caller(SP, 77);

	put_signal(SP, CODE + 5, SP + 0x400, 88);
	assert_int_equal(tickprof_walk_at(&w), CODE - 1);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 5, SP + 0x400, 88, TICKPROF_HOW_SIGNAL);
	/* What it interrupted is exact, its caller is not. */
	assert_int_equal(tickprof_walk_at(&w), CODE + 5);
	*word(SP + 0x400 + 24) = CODE + 6;
	assert_int_equal(step(&w, sp_4), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 6, SP + 0x420, 88, TICKPROF_HOW_CFI);
	assert_int_equal(tickprof_walk_at(&w), CODE + 5);
	/* Contents that cannot be. */
	w = caller(SP, 77);
	put_signal(SP, 0, SP + 0x400, 88);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_BROKEN);
	put_signal(SP, CODE, 1UL << 54, 88);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_BROKEN);
	/* A stack pointer that is not aligned: rounded, as that of the sample is. */
	put_signal(SP, CODE, SP + 0x405, 88);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 0x400);
}

static void alternate_stacks(void **state)
{
	const unsigned long high = SP + 0x400;
	struct tickprof_walk w = caller(high, 0);
	int i;

	put_signal(high, CODE, SP, 0);
	*word(SP + 24) = CODE;
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP);
	assert_int_equal(step(&w, sp_4), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 32);
	/* Further falls need signal frames again, and end. */
	*word(SP + 32) = SP;
	*word(SP + 40) = CODE;
	w.fp = SP - 0x40;
	*word(SP - 0x38) = CODE;
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_FP, 0, 2, -1 }), TICKPROF_STEP_BROKEN);
	put_signal(SP, CODE, SP, 0);
	w = caller(SP, 0);
	for (i = 0; i < TICKPROF_WALK_FALLS; i++)
		assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_BROKEN);
}

/* Each read of each rule: the walk says so and stays where it was. */
static void faults(void **state)
{
	static const struct {
		struct tickprof_rule rule;
		int reads;
	} cases[] = {
		{ { TICKPROF_CFA_SP, 0, 4, -1 }, 1 },
		{ { TICKPROF_CFA_SP, TICKPROF_FP_AT_CFA, 4, -1, -2 }, 2 },
		{ { TICKPROF_CFA_SP, TICKPROF_FP_AT_FP, 4, -1, -2 }, 2 },
		{ { TICKPROF_CFA_FP, TICKPROF_FP_AT_CFA, 4, -1, -2 }, 2 },
		{ { TICKPROF_CFA_NONE }, 2 },
		{ { TICKPROF_CFA_SP_DEREF, TICKPROF_FP_AT_CFA, 0, 0, -2 }, 3 },
		{ { TICKPROF_CFA_FP_DEREF, TICKPROF_FP_AT_FP, 0, 0, -2 }, 3 },
		{ { TICKPROF_CFA_PLT, 0, 11 }, 1 },
		{ { TICKPROF_CFA_SIGNAL }, READS_MAX },
	};
	size_t i;
	int at;

	put_signal(SP, CODE, SP + 0x20, 0);
	for (i = 0; i < MEMORY_WORDS; i++)
		if (!memory[i])
			memory[i] = CODE;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tickprof_walk w;

		for (at = 0; at <= cases[i].reads; at++) {
			w = caller(SP, SP + 0x30);
			*word(SP) = *word(SP + 0x30) = SP + 0x60;
			fault_at = at;
			assert_int_equal(step(&w, cases[i].rule), at < cases[i].reads ?
					 TICKPROF_STEP_FAULT : TICKPROF_STEP_ON);
		}
	}
}

/* Whatever is in the registers: reads keep to the user half (see walks.h) and the frame rises. */
static void hostile_registers(void **state)
{
	static const unsigned long odd[] = {
		0, 1, 7, 8, 15, 16, 4096, SP, SP + 1, MEMORY_END - 8, TASK_SIZE_MAX - 16, TASK_SIZE_MAX - 8,
		TASK_SIZE_MAX - 1, TASK_SIZE_MAX, 1UL << 47, (1UL << 48) - 8, 1UL << 55, 1UL << 63,
		0xff00000000000000 | SP, 0xffff800000000000, ~7UL, ~0UL,
	};
	static const u16 offsets[] = { 0, 1, 2, 0x7fff, 0x8000, 0xffff };
	struct pt_regs regs;
	u8 cfa, saved;
	size_t i, j, k;

	for (i = 0; i < MEMORY_WORDS; i++)
		memory[i] = odd[i % ARRAY_SIZE(odd)];
	for (i = 0; i < ARRAY_SIZE(odd) * ARRAY_SIZE(odd) * ARRAY_SIZE(offsets); i++)
		for (cfa = 0; cfa < __TICKPROF_CFA_MAX; cfa++)
			for (saved = 0; saved <= TICKPROF_FP_AT_FP; saved++) {
				struct tickprof_rule rule = { cfa, saved, offsets[i % 6], i & 15, i };
				struct tickprof_walk w;

				j = i / 6 % ARRAY_SIZE(odd);
				k = i / 6 / ARRAY_SIZE(odd);
				memset(&regs, 0, sizeof(regs));
				for (size_t n = 0; n < sizeof(regs) / 8; n++)
					((unsigned long *)&regs)[n] = odd[(i + n) % ARRAY_SIZE(odd)];
				regs.sp = odd[j];
				tickprof_walk_start(&w, &regs, tickprof_arch_user_mask());
				assert_int_equal(w.sp & 7, 0);
				w.fp = odd[k];
				if (saved == TICKPROF_FP_AT_FP && !rule_valid(&rule, MACHINE))
					continue;
				step(&w, rule);
				w.regs = NULL;
				step(&w, rule);
				rule.ra = -1;
				if (rule_valid(&rule, MACHINE))
					step(&w, rule);
			}
}

static void starts(void **state)
{
	struct pt_regs regs = { 0 };
	struct tickprof_walk w;

	instruction_pointer(&regs) = CODE;
	regs.sp = SP + 3;
	tickprof_walk_start(&w, &regs, tickprof_arch_user_mask());
	assert_frame(&w, CODE, SP, 0, TICKPROF_HOW_REGS);
	assert_int_equal(tickprof_walk_at(&w), CODE);
}

#if defined(CONFIG_ARM64)
#include "walk_arm64.h"
#else
#include "walk_x86.h"
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts, clear),
		cmocka_unit_test_setup(from_sp, clear),
		cmocka_unit_test_setup(from_fp, clear),
		cmocka_unit_test_setup(saved_far_away, clear),
		cmocka_unit_test_setup(saved_elsewhere, clear),
		cmocka_unit_test_setup(dereferenced, clear),
		cmocka_unit_test_setup(ends, clear),
		cmocka_unit_test_setup(only_upwards, clear),
		cmocka_unit_test_setup(numbered_registers, clear),
		cmocka_unit_test_setup(signals, clear),
		cmocka_unit_test_setup(alternate_stacks, clear),
		cmocka_unit_test_setup(faults, clear),
		cmocka_unit_test_setup(hostile_registers, clear),
		ARCH_TESTS
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
