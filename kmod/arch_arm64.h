/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core asks of arm64: the interrupted user context. */
#ifndef TICKPROF_KMOD_ARCH_ARM64_H
#define TICKPROF_KMOD_ARCH_ARM64_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/mm_types.h>
#include <linux/signal_types.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>
#include <asm/memory.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/ucontext.h>

/* A 32-bit program: its frames are not laid out as the walker expects. */
static inline bool tickprof_arch_compat(const struct pt_regs *regs)
{
	return compat_user_mode(regs);
}

static inline unsigned long tickprof_arch_frame_pointer(const struct pt_regs *regs)
{
	return regs->regs[29];
}

/*
 * Without the byte of a pointer that the hardware ignores (TBI) and a program may use,
 * as HWASan does. It depends on bit 55, so what is not in the user half stays there.
 */
static inline unsigned long tickprof_arch_untagged(unsigned long address)
{
	return untagged_addr(address);
}

/*
 * A return address as it was before paciasp signed it. The signature of a user
 * address fills what lies between the tag and the address; "actual" is what the
 * processor at hand can map. One instruction, where hint #7 would want x30.
 */
static inline unsigned long tickprof_arch_return_address(unsigned long address)
{
	return address & ~GENMASK_ULL(54, vabits_actual);
}

/* An address and'ed with this is in the user half, whatever it was. */
static inline unsigned long tickprof_arch_user_mask(void)
{
	return TASK_SIZE_MAX - 1;
}

/* Where the return address lies, given the word below the CFA: where the function has put it. */
static __always_inline unsigned long tickprof_arch_return_slot(unsigned long slot, s16 ra)
{
	return slot + 8 + 8L * ra;
}

/* A register by its DWARF number: x0 to x30, then SP, as they stand in pt_regs and in signal frames. */
static __always_inline unsigned long tickprof_arch_register(const struct pt_regs *regs, u16 number)
{
	return ((const unsigned long *)regs)[number & 31];
}

/* In a signal frame, from where SP points at the trampoline: at the siginfo, the ucontext follows. */
#define TICKPROF_ARCH_SIGNAL_X0		312
#define TICKPROF_ARCH_SIGNAL_FP		(TICKPROF_ARCH_SIGNAL_X0 + 29 * 8)
#define TICKPROF_ARCH_SIGNAL_SP		(TICKPROF_ARCH_SIGNAL_X0 + 31 * 8)
#define TICKPROF_ARCH_SIGNAL_PC		(TICKPROF_ARCH_SIGNAL_X0 + 32 * 8)

static_assert(offsetof(struct pt_regs, sp) == 31 * 8);
static_assert(sizeof(siginfo_t) + offsetof(struct ucontext, uc_mcontext.regs) ==
	      TICKPROF_ARCH_SIGNAL_X0);
static_assert(sizeof(siginfo_t) + offsetof(struct ucontext, uc_mcontext.pc) ==
	      TICKPROF_ARCH_SIGNAL_PC);

static __always_inline unsigned long tickprof_arch_signal_register(u16 number)
{
	return TICKPROF_ARCH_SIGNAL_X0 + (number & 31) * 8;
}

/* What the running thread's thread-local storage hangs on: the register, not a copy of it. */
static inline unsigned long tickprof_arch_thread_pointer(void)
{
	return read_sysreg(tpidr_el0);
}

/* Cycles of get_cycles() in about a millisecond: the architected timer tells its own rate. */
static inline s64 tickprof_arch_cycles_ms(void)
{
	return read_sysreg(cntfrq_el0) >> 10;
}

static inline unsigned long tickprof_arch_vdso(const struct mm_struct *mm)
{
	return (unsigned long)mm->context.vdso;
}

#endif
