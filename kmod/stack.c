// SPDX-License-Identifier: GPL-2.0-only
/*
 * STACK records: taken by a walk, written once, as CONTEXT records are.
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
#include "compat/kernel_worker.h"
#include "record.h"
#include "space.h"
#include "stack.h"
#include "stream.h"
#include "unwind.h"

/*
 * Position of a record equal to this one, which "slot" may know; false if it found
 * no room (counted).
 */
bool tickprof_stack_put_once(struct tickprof_sampler *s, const struct tickprof_record *record,
			     u64 *slot, enum tickprof_counter written, enum tickprof_counter hit,
			     u64 *position)
{
	struct tickprof_ring *ring = &s->ring;
	void *to;

	if (*slot && tickprof_ring_holds(ring, *slot - 1) &&
	    tickprof_record_same(tickprof_ring_at(ring, *slot - 1), (const u64 *)record,
				 record->size)) {
		tickprof_count(s, hit);
		*position = *slot - 1;
		return true;
	}
	to = tickprof_ring_reserve(ring, record->size);
	if (!to) {
		tickprof_lose(s, TICKPROF_RING_STACK, TICKPROF_COUNTER_LOST_STACKS);
		return false;
	}
	memcpy(to, record, record->size);
	*position = tickprof_ring_position(ring, record->size);
	*slot = *position + 1;
	tickprof_count(s, written);
	return true;
}

/* The same for a stack; hash: what the taking of it returned. */
bool tickprof_stack_put(struct tickprof_sampler *s, struct tickprof_stack *stack, u64 hash,
			u64 *position)
{
	stack->hdr.size = sizeof(*stack) + stack->nr * sizeof(u64);
	return tickprof_stack_put_once(s, &stack->hdr,
				       &s->stack_slot[hash_64(hash, ilog2(TICKPROF_STACK_SLOTS))],
				       TICKPROF_COUNTER_STACKS, TICKPROF_COUNTER_STACK_HITS, position);
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

/* How a user stack ended. */
void tickprof_stack_count_user(struct tickprof_sampler *s, const struct tickprof_stack *stack)
{
	count_cuts(s, stack->hdr.flags, TICKPROF_COUNTER_USER_DEPTH,
		   TICKPROF_COUNTER_USER_BROKEN);
	if (stack->hdr.flags & TICKPROF_STACK_LATER)
		tickprof_count(s, TICKPROF_COUNTER_USER_LATER);
}

/* It has been counted as cut at a page, but goes on later and is counted then. */
void tickprof_stack_uncount_user(struct tickprof_sampler *s, const struct tickprof_stack *stack)
{
	s->counter[TICKPROF_COUNTER_USER_FAULT]--;
	if (stack->hdr.flags & TICKPROF_STACK_FALLBACK)
		s->counter[TICKPROF_COUNTER_USER_FALLBACK]--;
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

	if (tickprof_kernel_worker(task)) {
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
