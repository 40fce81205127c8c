/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_UNWIND_H
#define TICKPROF_KMOD_UNWIND_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct pt_regs;

/*
 * Both append return addresses, caller after callee, to the stack->nr that are
 * in stack->ip (room for depth) and add TICKPROF_STACK_* to stack->hdr.flags
 * where the walk ended early. The interrupted instruction itself is not among
 * them. Return the tickprof_unwind_hash() over what they appended. Hard irq; at
 * most depth steps.
 */
u64 tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);
u64 tickprof_unwind_user(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);

/* Folds in one address; it chooses a slot and decides nothing, so cheap is good. */
static inline u64 tickprof_unwind_hash(u64 hash, u64 ip)
{
	return (hash << 5 | hash >> 59) ^ ip;
}

#endif
