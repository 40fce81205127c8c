// SPDX-License-Identifier: GPL-2.0-only
/*
 * STACK records: taken by a walk, written once.
 *
 * Context: hard irq or interrupts off, on the sampler's CPU. A slot, chosen by
 * hash, remembers where in the ring an equal record may stand; it is compared
 * there word by word before it is referred to, so a hash collision or an
 * overwritten record costs a second copy and never a wrong stack.
 * Bounds: depth frames each way; the comparison reads at most one record.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>

#include "arch.h"
#include "record.h"
#include "space.h"
#include "stack.h"
#include "stream.h"
#include "unwind.h"

/* Tasks of the kernel's own that carry a user's mm; not on every kernel. */
#ifndef PF_IO_WORKER
#define PF_IO_WORKER 0
#endif
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/*
 * Position of a record equal to this one, whose hash is what the taking of it
 * returned; false if it found no room (counted).
 */
bool tickprof_stack_put(struct tickprof_sampler *s, struct tickprof_stack *stack, u64 hash,
			u64 *position)
{
	struct tickprof_ring *ring = &s->ring;
	u32 size = sizeof(*stack) + stack->nr * sizeof(u64);
	u64 *slot = &s->stack_slot[hash_64(hash, ilog2(TICKPROF_STACK_SLOTS))];
	void *to;

	stack->hdr.size = size;
	if (*slot && tickprof_ring_holds(ring, *slot - 1) &&
	    tickprof_record_same(tickprof_ring_at(ring, *slot - 1), (const u64 *)stack, size)) {
		tickprof_count(s, TICKPROF_COUNTER_STACK_HITS);
		*position = *slot - 1;
		return true;
	}
	to = tickprof_ring_reserve(ring, size);
	if (!to) {
		tickprof_lose(s, TICKPROF_RING_STACK, TICKPROF_COUNTER_LOST_STACKS);
		return false;
	}
	memcpy(to, stack, size);
	*position = tickprof_ring_position(ring, size);
	*slot = *position + 1;
	tickprof_count(s, TICKPROF_COUNTER_STACKS);
	return true;
}

static void start_stack(struct tickprof_stack *stack, u16 flags)
{
	stack->hdr = (struct tickprof_record){ .type = TICKPROF_RECORD_STACK, .flags = flags };
	stack->nr = 0;
}

static void count_cuts(struct tickprof_sampler *s, u16 flags, enum tickprof_counter depth,
		       enum tickprof_counter broken)
{
	if (likely(!(flags & ~TICKPROF_STACK_KERNEL)))
		return;
	if (flags & TICKPROF_STACK_DEPTH)
		tickprof_count(s, depth);
	if (flags & TICKPROF_STACK_BROKEN)
		tickprof_count(s, broken);
	if (flags & TICKPROF_STACK_FAULT)
		tickprof_count(s, TICKPROF_COUNTER_USER_FAULT);
	if (flags & TICKPROF_STACK_FALLBACK)
		tickprof_count(s, TICKPROF_COUNTER_USER_FALLBACK);
}

/* The kernel's callers of what regs, those that were interrupted, stand for. Returns the hash. */
u64 tickprof_stack_take_kernel(struct tickprof_sampler *s, struct pt_regs *regs,
			       struct tickprof_stack *stack)
{
	u64 hash;

	start_stack(stack, TICKPROF_STACK_KERNEL);
	hash = tickprof_unwind_kernel(regs, stack, s->config->depth);
	count_cuts(s, stack->hdr.flags, TICKPROF_COUNTER_KERNEL_DEPTH,
		   TICKPROF_COUNTER_KERNEL_BROKEN);
	return hash;
}

/* The kernel's callers of a thread that does not run. Returns the hash. */
u64 tickprof_stack_take_blocked(struct tickprof_sampler *s, struct task_struct *task,
				struct tickprof_stack *stack)
{
	u64 hash;

	start_stack(stack, TICKPROF_STACK_KERNEL);
	hash = tickprof_unwind_blocked(s->blocked, task, stack, s->config->depth);
	count_cuts(s, stack->hdr.flags, TICKPROF_COUNTER_KERNEL_DEPTH,
		   TICKPROF_COUNTER_KERNEL_BROKEN);
	return hash;
}

static u64 walk_user(struct tickprof_sampler *s, struct task_struct *task, struct pt_regs *regs,
		     struct tickprof_stack *stack)
{
	const struct tickprof_maps *maps;
	u64 hash;

	tickprof_count(s, TICKPROF_COUNTER_USER_STACKS);
	if (!s->rules)
		return tickprof_unwind_user(regs, stack, s->config->depth);
	rcu_read_lock();
	maps = tickprof_space_maps(task->mm);
	if (unlikely(!maps))
		tickprof_count(s, TICKPROF_COUNTER_USER_NO_MAPS);
	hash = tickprof_unwind_tables(s->rules, maps, regs, stack, s->config->depth);
	rcu_read_unlock();
	s->counter[TICKPROF_COUNTER_RULE_MISSES] = s->rules->misses;
	return hash;
}

/*
 * The user side of current: from regs where these are the user's, or where it
 * entered the kernel if regs is NULL. Returns false if there is no stack to
 * take; sample_flags get what is to be said about that (TICKPROF_SAMPLE_*).
 */
bool tickprof_stack_take_user(struct tickprof_sampler *s, struct pt_regs *regs,
			      struct tickprof_stack *stack, u64 *hash, u16 *sample_flags)
{
	struct task_struct *task = current;
	bool entered = !regs;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)) {
		*sample_flags |= TICKPROF_SAMPLE_KTHREAD;
		return false;
	}
	if (task->flags & PF_EXITING || !task->mm) {
		*sample_flags |= TICKPROF_SAMPLE_EXITING;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
		return false;
	}
	if (entered) {
		regs = task_pt_regs(task);
		/*
		 * A task that has not yet been in user mode, or one that execs: it has
		 * the new address space and still the old program's registers until
		 * the loader, shortly before its end, sets start_code.
		 */
		if (!user_mode(regs) || !READ_ONCE(task->mm->start_code))
			return false;
	}
	start_stack(stack, 0);
	*hash = 0;
	if (entered)
		*hash = stack->ip[stack->nr++] = instruction_pointer(regs) |
			(s->rules ? (u64)TICKPROF_HOW_REGS << TICKPROF_FRAME_SHIFT : 0);
	if (unlikely(tickprof_arch_compat(regs))) {
		*sample_flags |= TICKPROF_SAMPLE_COMPAT;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
	} else {
		*hash ^= walk_user(s, task, regs, stack);
		count_cuts(s, stack->hdr.flags, TICKPROF_COUNTER_USER_DEPTH,
			   TICKPROF_COUNTER_USER_BROKEN);
	}
	return true;
}
