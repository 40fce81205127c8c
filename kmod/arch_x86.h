/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core asks of x86_64: the interrupted user context. */
#ifndef TICKPROF_KMOD_ARCH_X86_H
#define TICKPROF_KMOD_ARCH_X86_H

#include <linux/mm_types.h>
#include <asm/processor.h>
#include <asm/ptrace.h>

/* A 32-bit program: its frames are not laid out as the walker expects. */
static inline bool tickprof_arch_compat(const struct pt_regs *regs)
{
	return !user_64bit_mode((struct pt_regs *)regs);
}

static inline unsigned long tickprof_arch_frame_pointer(const struct pt_regs *regs)
{
	return regs->bp;
}

/* A pointer without what a program may keep in its highest bits and the hardware ignores. */
static inline unsigned long tickprof_arch_untagged(unsigned long address)
{
	return address;
}

/* A return address as it was before the hardware or the compiler marked it. */
static inline unsigned long tickprof_arch_return_address(unsigned long address)
{
	return address;
}

/* An address and'ed with this is in the user half, whatever it was. */
static inline unsigned long tickprof_arch_user_mask(void)
{
	return TASK_SIZE_MAX | (TASK_SIZE_MAX - 1);
}

/* Cycles of get_cycles() in about a millisecond. */
static inline s64 tickprof_arch_cycles_ms(void)
{
	return 4LL << 20;
}

static inline unsigned long tickprof_arch_vdso(const struct mm_struct *mm)
{
	return (unsigned long)mm->context.vdso;
}

#endif
