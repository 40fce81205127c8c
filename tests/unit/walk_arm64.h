/* SPDX-License-Identifier: GPL-2.0-only */
/* What test_walk.c asks of arm64 alone. */
#ifndef TICKPROF_TEST_WALK_ARM64_H
#define TICKPROF_TEST_WALK_ARM64_H

#define SIGNED	0x002a000000000000UL	/* as paciasp leaves an address */
#define TAGGED	0xa500000000000000UL	/* as HWASan does */

static void leaf(void **state)
{
	const struct tickprof_rule bare = { TICKPROF_CFA_SP, TICKPROF_RA_REGISTER, .ra = 30 };
	const struct tickprof_rule pushed = { TICKPROF_CFA_SP, TICKPROF_RA_REGISTER | TICKPROF_FP_AT_CFA,
					      .offset = 2, .ra = 30, .fp = -2 };
	struct pt_regs regs = { .regs[29] = 77, .regs[30] = SIGNED | (CODE + 8), .sp = SP, .pc = CODE };
	const unsigned long mask = tickprof_arch_user_mask();
	struct tickprof_walk w;

	tickprof_walk_start(&w, &regs, mask);
	assert_int_equal(step(&w, bare), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 8, SP, 77, TICKPROF_HOW_CFI);
	/* The link register was the leaf's: for its caller it says nothing. */
	assert_int_equal(step(&w, bare), TICKPROF_STEP_UNKNOWN);
	assert_int_equal(step(&w, pushed), TICKPROF_STEP_UNKNOWN);
	tickprof_walk_start(&w, &regs, mask);
	*word(SP) = 88;
	assert_int_equal(step(&w, pushed), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 8, SP + 16, 88, TICKPROF_HOW_CFI);
	regs.regs[30] = 0;
	tickprof_walk_start(&w, &regs, mask);
	assert_int_equal(step(&w, bare), TICKPROF_STEP_ROOT);
	regs.regs[30] = 1;
	tickprof_walk_start(&w, &regs, mask);
	assert_int_equal(step(&w, bare), TICKPROF_STEP_BROKEN);
}

static void leaf_below_a_signal(void **state)
{
	const struct tickprof_rule bare = { TICKPROF_CFA_SP, TICKPROF_RA_REGISTER, .ra = 30 };
	struct tickprof_walk w = caller(SP, 77);

	put_signal(SP, CODE + 4, SP + 0x400, 88);
	*word(SP + tickprof_arch_signal_register(30)) = SIGNED | (CODE + 12);
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_int_equal(step(&w, bare), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 12, SP + 0x400, 88, TICKPROF_HOW_CFI);
}

/* stp x29, x30, [sp, #-32]!: both at the lower end of the frame. */
static void frame_record(void **state)
{
	const struct tickprof_rule rule = { TICKPROF_CFA_SP, TICKPROF_FP_AT_CFA, 4, -3, -4 };
	struct tickprof_walk w = caller(SP, 77);

	*word(SP) = 88;
	*word(SP + 8) = SIGNED | (CODE + 16);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 16, SP + 32, 88, TICKPROF_HOW_CFI);
}

static void tagged_pointers(void **state)
{
	struct tickprof_walk w = caller(SP, TAGGED | (SP + 0x40));
	struct pt_regs regs = { 0 };

	*word(SP + 0x40) = TAGGED | (SP + 0x80);
	*word(SP + 0x48) = CODE + 4;
	*word(SP + 0x80) = 0;
	*word(SP + 0x88) = CODE + 8;
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_NONE }), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 0x50);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_FP, 0, 2, -1 }), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 0x90);
	/* A CFA that was stored, and one in a register. */
	*word(SP + 8) = TAGGED | (SP + 0x50);
	w = caller(SP, 0);
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_SP_DEREF, 0, 1 }), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 0x50);
	regs.regs[7] = TAGGED | (SP + 0x40);
	w = caller(SP, 0);
	w.regs = &regs;
	assert_int_equal(step(&w, (struct tickprof_rule){ TICKPROF_CFA_REGISTER, 0, 2, 7 }), TICKPROF_STEP_ON);
	assert_int_equal(w.sp, SP + 0x50);
}

#define ARCH_TESTS					\
	cmocka_unit_test_setup(leaf, clear),		\
	cmocka_unit_test_setup(leaf_below_a_signal, clear),	\
	cmocka_unit_test_setup(frame_record, clear),	\
	cmocka_unit_test_setup(tagged_pointers, clear),

#endif
