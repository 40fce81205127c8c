// SPDX-License-Identifier: GPL-2.0-only
/*
 * User stacks by frame pointer: {next frame, return address} pairs.
 *
 * Context: hard irq, the task is current. One window of user access with page
 * faults disabled: a page that is not resident ends the walk, flagged.
 * Bounds: depth steps, two loads each. Frames rise, are aligned, and are masked
 * into the user half, also under speculation, so hostile frames cost at most
 * depth steps and read nothing but user memory.
 * Limits: code built without frame pointers ends the walk early (flagged as
 * broken where it shows); a leaf before its prologue hides its caller.
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/uaccess.h>

#include "arch.h"
#include "unwind.h"
#include "user.h"

struct frame {
	unsigned long next;
	unsigned long ret;
};

/*
 * The loop below pays one instruction a frame for each word here, so conditions
 * share compares. Distance of a frame from the last one: turned by three bits,
 * what is unaligned becomes as large as what lies below.
 */
static inline bool rises(unsigned long fp, unsigned long low, unsigned long limit)
{
	return ror64(fp - low, 3) < limit / 8;
}

/* Not in the first page and not above user space; 0 is the root's. */
static inline bool may_be_code(unsigned long ip, unsigned long limit)
{
	return ip - PAGE_SIZE < limit;
}

u64 tickprof_unwind_user(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	const unsigned long limit = TASK_SIZE_MAX, mask = tickprof_arch_user_mask();
	unsigned long fp = tickprof_arch_frame_pointer(regs);
	unsigned long sp = tickprof_arch_untagged(user_stack_pointer((struct pt_regs *)regs));
	unsigned long low = sp & ~7UL, ret;
	u64 *out = stack->ip + stack->nr, *const end = stack->ip + depth;
	u64 hash = 0;
	u16 flags = 0;

	tickprof_user_faults_off();
	/* The stack pointer only opens the window; each frame is checked below. */
	if (!user_access_begin((void __user *)sp, sizeof(struct frame))) {
		flags = TICKPROF_STACK_BROKEN;
		goto out;
	}
	while (likely(out < end)) {
		const struct frame __user *frame;

		fp = tickprof_arch_untagged(fp);
		if (unlikely(!rises(fp, low, limit))) {
			flags = fp ? TICKPROF_STACK_BROKEN : 0;
			goto end;
		}
		fp &= mask;
		frame = (void __user *)fp;
		unsafe_get_user(ret, &frame->ret, fault);
		low = fp + sizeof(*frame);
		unsafe_get_user(fp, &frame->next, fault);
		ret = tickprof_arch_return_address(ret);
		if (unlikely(!may_be_code(ret, limit))) {
			flags = ret ? TICKPROF_STACK_BROKEN : 0;
			goto end;
		}
		*out++ = ret;
		hash = tickprof_unwind_hash(hash, ret);
	}
	flags = fp ? TICKPROF_STACK_DEPTH : 0;
	goto end;
fault:
	flags = TICKPROF_STACK_FAULT;
end:
	user_access_end();
out:
	tickprof_user_faults_on();
	stack->nr = out - stack->ip;
	stack->hdr.flags |= flags;
	return hash;
}
