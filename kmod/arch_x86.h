/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core asks of x86_64: the interrupted user context. */
#ifndef TICKPROF_KMOD_ARCH_X86_H
#define TICKPROF_KMOD_ARCH_X86_H

#include <linux/build_bug.h>
#include <linux/mm_types.h>
#include <linux/stddef.h>
#include <asm/fsgsbase.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/sigframe.h>

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

/* An address and'ed with this is in the user half, whose last page is never mapped, whatever it was. */
static inline unsigned long tickprof_arch_user_mask(void)
{
	return TASK_SIZE_MAX + PAGE_SIZE - 1;
}

/* Where the return address lies, given the word below the CFA: just there, the call has put it. */
static __always_inline unsigned long tickprof_arch_return_slot(unsigned long slot, s16 ra)
{
	return slot;
}

/* A register by its DWARF number, 0 to 15. */
static __always_inline unsigned long tickprof_arch_register(const struct pt_regs *regs, u16 number)
{
#define AT(r) offsetof(struct pt_regs, r)
	static const u8 at[] = {
		AT(ax), AT(dx), AT(cx), AT(bx), AT(si), AT(di), AT(bp), AT(sp),
		AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
	};
#undef AT
	return *(const unsigned long *)((const char *)regs + at[number & 15]);
}

/* In a signal frame, from where SP points at the trampoline: at the ucontext. */
#define TICKPROF_ARCH_SIGNAL_FP		120
#define TICKPROF_ARCH_SIGNAL_SP		160
#define TICKPROF_ARCH_SIGNAL_PC		168

#define TICKPROF_ARCH_SIGNAL(r) (offsetof(struct rt_sigframe, uc.uc_mcontext.r) - sizeof(u64))
static_assert(TICKPROF_ARCH_SIGNAL(bp) == TICKPROF_ARCH_SIGNAL_FP);
static_assert(TICKPROF_ARCH_SIGNAL(sp) == TICKPROF_ARCH_SIGNAL_SP);
static_assert(TICKPROF_ARCH_SIGNAL(ip) == TICKPROF_ARCH_SIGNAL_PC);

static __always_inline unsigned long tickprof_arch_signal_register(u16 number)
{
	static const u8 at[] = {
		TICKPROF_ARCH_SIGNAL(ax), TICKPROF_ARCH_SIGNAL(dx),
		TICKPROF_ARCH_SIGNAL(cx), TICKPROF_ARCH_SIGNAL(bx),
		TICKPROF_ARCH_SIGNAL(si), TICKPROF_ARCH_SIGNAL(di),
		TICKPROF_ARCH_SIGNAL(bp), TICKPROF_ARCH_SIGNAL(sp),
		TICKPROF_ARCH_SIGNAL(r8), TICKPROF_ARCH_SIGNAL(r9),
		TICKPROF_ARCH_SIGNAL(r10), TICKPROF_ARCH_SIGNAL(r11),
		TICKPROF_ARCH_SIGNAL(r12), TICKPROF_ARCH_SIGNAL(r13),
		TICKPROF_ARCH_SIGNAL(r14), TICKPROF_ARCH_SIGNAL(r15),
	};

	return at[number & 15];
}
#undef TICKPROF_ARCH_SIGNAL

/* What the running thread's thread-local storage hangs on: the register, not a copy of it. */
static inline unsigned long tickprof_arch_thread_pointer(void)
{
	return x86_fsbase_read_cpu();
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
