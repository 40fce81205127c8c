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
#include <linux/sched/task_stack.h>
#include <asm/switch_to.h>
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

/*
 * Stacks of blocked threads are walked once and then recognised. Where a frame's
 * return address lies follows from the one before alone (ORC knows a function's
 * frame by its address), so if all words of a stack of this height that were
 * return addresses are the same again, it is the same stack. A walk that found
 * one elsewhere, at an exception in the kernel or behind a return probe, is not
 * kept. A height has four entries, replaced in turn.
 */
#define BLOCKED_SETS	16	/* a power of two */
#define BLOCKED_WAYS	4
#define BLOCKED_FRAMES	30

struct blocked_stack {
	u32 height;		/* bytes from the saved stack pointer to the stack's end; 0: unused */
	u16 nr;
	u16 place[BLOCKED_FRAMES];	/* words from the saved stack pointer */
	u64 ip[BLOCKED_FRAMES];
};

struct tickprof_blocked_cache {
	u8 next[BLOCKED_SETS];
	struct blocked_stack stack[BLOCKED_SETS][BLOCKED_WAYS];
};

size_t tickprof_unwind_blocked_cache(void)
{
	return sizeof(struct tickprof_blocked_cache);
}

static bool is_same(const struct blocked_stack *known, const unsigned long *sp, u32 height)
{
	u32 i;

	if (known->height != height)
		return false;
	for (i = 0; i < known->nr; i++)
		if (READ_ONCE_NOCHECK(sp[known->place[i]]) != known->ip[i])
			return false;
	return true;
}

static u64 copy_known(const struct blocked_stack *known, struct tickprof_stack *stack)
{
	u64 hash = 0;
	u32 i;

	for (i = 0; i < known->nr; i++) {
		stack->ip[i] = known->ip[i];
		hash = tickprof_unwind_hash(hash, known->ip[i]);
	}
	stack->nr = known->nr;
	return hash;
}

/* Walks, and keeps what it found in *known where that can be recognised. */
static u64 walk_blocked(struct task_struct *task, struct blocked_stack *known, u32 height,
			struct tickprof_stack *stack, u32 depth)
{
	const unsigned long *sp = (unsigned long *)task->thread.sp;
	struct unwind_state state;
	bool keep = true;
	unsigned long ip, at;
	u64 hash = 0;

	known->height = 0;
	for (unwind_start(&state, task, NULL, NULL); !unwind_done(&state);
	     unwind_next_frame(&state)) {
		ip = unwind_get_return_address(&state);
		if (!ip)
			break;
		if (stack->nr == depth) {
			stack->hdr.flags |= TICKPROF_STACK_DEPTH;
			break;
		}
		at = (state.sp - (unsigned long)sp) / sizeof(*sp) - 1;
		keep = keep && stack->nr < BLOCKED_FRAMES && at < height / sizeof(*sp) &&
		       READ_ONCE_NOCHECK(sp[at]) == ip;
		if (keep) {
			known->place[stack->nr] = at;
			known->ip[stack->nr] = ip;
		}
		stack->ip[stack->nr++] = ip;
		hash = tickprof_unwind_hash(hash, ip);
	}
	if (unwind_error(&state))
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
	if (keep && !(stack->hdr.flags & ~TICKPROF_STACK_KERNEL)) {
		known->nr = stack->nr;
		known->height = height;
	}
	return hash;
}

u64 tickprof_unwind_blocked(struct tickprof_blocked_cache *cache, struct task_struct *task,
			    struct tickprof_stack *stack, u32 depth)
{
	const unsigned long *sp = (unsigned long *)task->thread.sp;
	u32 height = (unsigned long)task_stack_page(task) + THREAD_SIZE - (unsigned long)sp;
	u32 set = (height / sizeof(*sp)) & (BLOCKED_SETS - 1), way;

	for (way = 0; way < BLOCKED_WAYS; way++)
		if (is_same(&cache->stack[set][way], sp, height))
			return copy_known(&cache->stack[set][way], stack);
	way = cache->next[set]++ & (BLOCKED_WAYS - 1);
	return walk_blocked(task, &cache->stack[set][way], height, stack, depth);
}
