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
#include "unwind_known.h"

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
	tickprof_add(s, TICKPROF_COUNTER_USER_FAULT, -1);
	if (stack->hdr.flags & TICKPROF_STACK_FALLBACK)
		tickprof_add(s, TICKPROF_COUNTER_USER_FALLBACK, -1);
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

/* By tables: maps may be NULL. Under RCU. */
static u64 walk_tables(struct tickprof_sampler *s, const struct tickprof_maps *maps,
		       const struct pt_regs *regs, struct tickprof_stack *stack)
{
	u64 hash;

	if (unlikely(!maps))
		tickprof_count(s, TICKPROF_COUNTER_USER_NO_MAPS);
	hash = tickprof_unwind_tables(s->rules, maps, regs, stack, s->config->depth);
	WRITE_ONCE(s->counter[TICKPROF_COUNTER_RULE_MISSES], s->rules->misses);
	return hash;
}

static u64 walk_user(struct tickprof_sampler *s, struct task_struct *task, struct pt_regs *regs,
		     struct tickprof_stack *stack)
{
	u64 hash;

	if (!s->rules)
		return tickprof_unwind_user(regs, stack, s->config->depth);
	rcu_read_lock();
	hash = walk_tables(s, tickprof_space_maps(task->mm), regs, stack);
	rcu_read_unlock();
	return hash;
}

/*
 * The registers of its user side, regs where these are the user's already, or NULL if it
 * has none; sample_flags then tell why (TICKPROF_SAMPLE_*).
 */
static struct pt_regs *user_regs(struct tickprof_sampler *s, struct task_struct *task,
				 struct pt_regs *regs, u16 *sample_flags)
{
	if (tickprof_kernel_worker(task)) {
		*sample_flags |= TICKPROF_SAMPLE_KTHREAD;
		return NULL;
	}
	if (task->flags & PF_EXITING || !task->mm) {
		*sample_flags |= TICKPROF_SAMPLE_EXITING;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
		return NULL;
	}
	if (regs)
		return regs;
	regs = task_pt_regs(task);
	/*
	 * A task that has not yet been in user mode, or one that execs: it has
	 * the new address space and still the old program's registers until
	 * the loader, shortly before its end, sets start_code.
	 */
	return user_mode(regs) && READ_ONCE(task->mm->start_code) ? regs : NULL;
}

/* Where it entered the kernel is the innermost frame. Returns the hash. */
static u64 start_entered(struct tickprof_sampler *s, struct pt_regs *regs,
			 struct tickprof_stack *stack)
{
	start_stack(stack, 0);
	stack->ip[stack->nr++] = instruction_pointer(regs) |
		(s->rules ? (u64)TICKPROF_HOW_REGS << TICKPROF_FRAME_SHIFT : 0);
	return stack->ip[0];
}

static void count_walk(struct tickprof_sampler *s, const struct tickprof_stack *stack)
{
	tickprof_count(s, TICKPROF_COUNTER_USER_STACKS);
	count_cuts(s, stack->hdr.flags, TICKPROF_COUNTER_USER_DEPTH,
		   TICKPROF_COUNTER_USER_BROKEN);
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

	regs = user_regs(s, task, regs, sample_flags);
	if (!regs)
		return false;
	*hash = 0;
	if (entered)
		*hash = start_entered(s, regs, stack);
	else
		start_stack(stack, 0);
	if (unlikely(tickprof_arch_compat(regs))) {
		*sample_flags |= TICKPROF_SAMPLE_COMPAT;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
	} else {
		*hash ^= walk_user(s, task, regs, stack);
		count_walk(s, stack);
	}
	return true;
}

/*
 * The same of current as it begins to wait. *stack and *hash are those of its last wait,
 * and stay where *known tells that they are the same again. known: NULL without tables.
 */
bool tickprof_stack_take_blocking(struct tickprof_sampler *s, struct tickprof_known *known,
				  struct tickprof_stack *stack, u64 *hash, u16 *sample_flags)
{
	struct task_struct *task = current;
	enum tickprof_recall recall = TICKPROF_RECALL_WALK;
	const struct tickprof_maps *maps;
	struct pt_regs *regs;

	if (!known)
		return tickprof_stack_take_user(s, NULL, stack, hash, sample_flags);
	regs = user_regs(s, task, NULL, sample_flags);
	if (!regs || tickprof_arch_compat(regs)) {
		tickprof_unwind_forget(known);
		return regs && tickprof_stack_take_user(s, NULL, stack, hash, sample_flags);
	}
	rcu_read_lock();
	maps = tickprof_space_maps(task->mm);
	if (maps)
		recall = tickprof_unwind_recall(known, maps, regs);
	else
		tickprof_unwind_forget(known);
	if (recall == TICKPROF_RECALL_SAME) {
		tickprof_count(s, TICKPROF_COUNTER_USER_KNOWN);
	} else {
		*hash = start_entered(s, regs, stack);
		if (recall == TICKPROF_RECALL_LEARN)
			*hash ^= tickprof_unwind_learn(known, maps, regs, stack, s->config->depth);
		else
			*hash ^= walk_tables(s, maps, regs, stack);
	}
	rcu_read_unlock();
	count_walk(s, stack);
	return true;
}

/* tickprof_stack_put() of what that took, which may stand in the ring still. */
bool tickprof_stack_put_blocking(struct tickprof_sampler *s, struct tickprof_known *known,
				 struct tickprof_stack *stack, u64 hash, u64 *position)
{
	if (known && known->ring == &s->ring && tickprof_ring_holds(&s->ring, known->position)) {
		tickprof_count(s, TICKPROF_COUNTER_STACK_HITS);
		*position = known->position;
		return true;
	}
	if (!tickprof_stack_put(s, stack, hash, position))
		return false;
	if (known) {
		known->ring = &s->ring;
		known->position = *position;
	}
	return true;
}
