/* SPDX-License-Identifier: GPL-2.0-only */
/* What test_walk.c asks of x86_64 alone. */
#ifndef TICKPROF_TEST_WALK_X86_H
#define TICKPROF_TEST_WALK_X86_H

#include <ucontext.h>

/* Lazy PLT entries push once or twice before they jump: 16 bytes, the push ends at 11 or 10. */
static void plt(void **state)
{
	const struct tickprof_rule rule = { TICKPROF_CFA_PLT, .offset = 11 };
	struct pt_regs regs = { 0 };
	unsigned long at;

	*word(SP) = CODE + 7;
	*word(SP + 8) = CODE + 8;
	for (at = 0; at < 16; at++) {
		bool pushed = at >= 11;
		struct tickprof_walk w = caller(SP, 77);

		w.regs = &regs;
		w.pc = CODE + at;
		assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
		assert_frame(&w, CODE + 7 + pushed, SP + 8 + 8 * pushed, 77, TICKPROF_HOW_CFI);
	}
}

/* vfork() keeps its return address in rdi, below which its frame begins. */
static void return_in_a_register(void **state)
{
	const struct tickprof_rule rule = { TICKPROF_CFA_SP, TICKPROF_RA_REGISTER, .ra = 5 };
	const struct pt_regs regs = { .di = CODE + 8, .bp = 77, .sp = SP, .ip = CODE };
	const unsigned long mask = tickprof_arch_user_mask();
	struct tickprof_walk w;

	tickprof_walk_start(&w, &regs, mask);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 8, SP, 77, TICKPROF_HOW_CFI);
	/* It was the callee's: for its caller it says nothing. */
	assert_int_equal(step(&w, rule), TICKPROF_STEP_UNKNOWN);
	w = caller(SP, 77);
	put_signal(SP, CODE + 4, SP + 0x400, 88);
	*word(SP + tickprof_arch_signal_register(5)) = CODE + 12;
	assert_int_equal(step(&w, signal_rule), TICKPROF_STEP_ON);
	assert_int_equal(step(&w, rule), TICKPROF_STEP_ON);
	assert_frame(&w, CODE + 12, SP + 0x400, 88, TICKPROF_HOW_CFI);
}

/* The C library's words for what the kernel puts on the stack, numbered as DWARF does. */
static void signal_frame_layout(void **state)
{
	static const int greg[] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(greg); i++)
		assert_int_equal(tickprof_arch_signal_register(i),
				 offsetof(ucontext_t, uc_mcontext.gregs[0]) + 8 * greg[i]);
	assert_int_equal(TICKPROF_ARCH_SIGNAL_PC, offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP]));
	assert_int_equal(TICKPROF_ARCH_SIGNAL_SP, offsetof(ucontext_t, uc_mcontext.gregs[REG_RSP]));
	assert_int_equal(TICKPROF_ARCH_SIGNAL_FP, offsetof(ucontext_t, uc_mcontext.gregs[REG_RBP]));
}

static void register_numbers(void **state)
{
	const struct pt_regs regs = {
		.ax = 0, .dx = 1, .cx = 2, .bx = 3, .si = 4, .di = 5, .bp = 6, .sp = 7,
		.r8 = 8, .r9 = 9, .r10 = 10, .r11 = 11, .r12 = 12, .r13 = 13, .r14 = 14, .r15 = 15,
	};
	u16 i;

	for (i = 0; i < 16; i++)
		assert_int_equal(tickprof_arch_register(&regs, i), i);
}

#define ARCH_TESTS					\
	cmocka_unit_test_setup(plt, clear),		\
	cmocka_unit_test_setup(return_in_a_register, clear),	\
	cmocka_unit_test(signal_frame_layout),		\
	cmocka_unit_test(register_numbers),

#endif
