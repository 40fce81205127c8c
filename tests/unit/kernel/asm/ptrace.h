/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_TEST_KERNEL_PTRACE_H
#define TICKPROF_TEST_KERNEL_PTRACE_H

#include <linux/types.h>

#if defined(CONFIG_X86_64)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#define instruction_pointer(regs)	((regs)->ip)
#define user_64bit_mode(regs)		true
#else
struct pt_regs {
	unsigned long regs[31], sp, pc, pstate;
};
#define instruction_pointer(regs)	((regs)->pc)
#define compat_user_mode(regs)		false
#endif
#define user_stack_pointer(regs)	((regs)->sp)

#endif
