// SPDX-License-Identifier: GPL-2.0-only
/*
 * User stacks by frame pointer: {next frame, return address} pairs.
 *
 * Context: hard irq, the task is current. One window of user access with page
 * faults disabled: a page that is not resident ends the walk, flagged.
 * Bounds: depth steps, two loads each; frames strictly rise and stay in the user
 * half, also under speculation, so hostile frames cost at most depth steps.
 * Limits: code built without frame pointers ends the walk early (flagged as
 * broken where it shows); a leaf before its prologue hides its caller.
 */
#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "arch.h"
#include "unwind.h"

struct frame {
	unsigned long next;
	unsigned long ret;
};

void tickprof_unwind_user(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	unsigned long limit = TASK_SIZE_MAX - sizeof(struct frame);
	unsigned long fp = tickprof_arch_frame_pointer(regs);
	unsigned long low = user_stack_pointer((struct pt_regs *)regs);
	unsigned long ret, next;
	u32 nr = stack->nr;
	u16 flags = 0;

	/* In a register: as an immediate it does not fit the mask's cmp. */
	OPTIMIZER_HIDE_VAR(limit);
	pagefault_disable();
	/* The stack pointer only opens the window; each frame is checked below. */
	if (!user_access_begin((void __user *)low, sizeof(struct frame))) {
		flags = TICKPROF_STACK_BROKEN;
		goto out;
	}
	while (fp) {
		const struct frame __user *frame;

		if (unlikely(fp < low || fp >= limit || fp % sizeof(long))) {
			flags = TICKPROF_STACK_BROKEN;
			break;
		}
		if (unlikely(nr == depth)) {
			flags = TICKPROF_STACK_DEPTH;
			break;
		}
		frame = (void __user *)(fp & array_index_mask_nospec(fp, limit));
		unsafe_get_user(ret, &frame->ret, fault);
		unsafe_get_user(next, &frame->next, fault);
		ret = tickprof_arch_return_address(ret);
		if (!ret)
			break;
		/* Below the first mappable page or above user space: not code. */
		if (unlikely(ret - PAGE_SIZE >= limit)) {
			flags = TICKPROF_STACK_BROKEN;
			break;
		}
		stack->ip[nr++] = ret;
		low = fp + sizeof(struct frame);
		fp = next;
	}
	goto end;
fault:
	flags = TICKPROF_STACK_FAULT;
end:
	user_access_end();
out:
	pagefault_enable();
	stack->nr = nr;
	stack->hdr.flags |= flags;
}
