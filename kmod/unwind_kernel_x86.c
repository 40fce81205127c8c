// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel stacks on x86_64: the kernel's own unwinder (ORC on all distribution
 * kernels) from the interrupted registers. It crosses interrupt and exception
 * frames and the stacks between them.
 *
 * Context: hard irq. The unwinder takes no lock and reads kernel stacks only.
 * Cost: 400 to 450 instructions a frame, the largest part of a kernel sample.
 */
#include <linux/sched.h>
#include <asm/unwind.h>

#include "unwind.h"

u64 tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	struct unwind_state state;
	unsigned long ip;
	u32 nr = stack->nr;
	u64 hash = 0;

	/* The state starts at regs->ip, which the sample carries itself. */
	unwind_start(&state, current, regs, NULL);
	for (unwind_next_frame(&state); !unwind_done(&state); unwind_next_frame(&state)) {
		ip = unwind_get_return_address(&state);
		if (!ip)
			break;
		if (nr == depth) {
			stack->hdr.flags |= TICKPROF_STACK_DEPTH;
			break;
		}
		stack->ip[nr++] = ip;
		hash = tickprof_unwind_hash(hash, ip);
	}
	if (unwind_error(&state))
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
	stack->nr = nr;
	return hash;
}
