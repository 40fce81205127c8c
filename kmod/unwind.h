/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_UNWIND_H
#define TICKPROF_KMOD_UNWIND_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct pt_regs;

/*
 * Both write return addresses, caller after callee, into stack->ip (room for
 * depth), set stack->nr and add TICKPROF_STACK_* to stack->hdr.flags where the
 * walk ended early. The interrupted instruction itself is not among them. Hard
 * irq; at most depth steps.
 */
void tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);
void tickprof_unwind_user(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);

#endif
