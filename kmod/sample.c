// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sample: who runs, where, called by whom.
 *
 * Context: hard irq, on the sampler's CPU; "current" is the interrupted task.
 * Bounds: those of task.c, stack.c and context.c, which write what a sample refers to.
 */
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <asm/irq_regs.h>

#include "context.h"
#include "held.h"
#include "sample.h"
#include "stack.h"
#include "stream.h"
#include "task.h"
#include "unwind.h"

#define SAMPLE_HELD	(1 << 15)	/* of the flags: its task is to write it */

static bool excluded(const struct tickprof_sampler *s, bool user)
{
	return s->config->flags & (user ? TICKPROF_F_EXCLUDE_USER : TICKPROF_F_EXCLUDE_KERNEL);
}

/* Each writes a stack into the ring; false if there is none, which flags then explain. */
static bool put_kernel_stack(struct tickprof_sampler *s, struct pt_regs *regs, u64 *position,
			     u16 *flags)
{
	u64 hash = tickprof_stack_take_kernel(s, regs, &s->stack);

	if (likely(tickprof_stack_put(s, &s->stack, hash, position)))
		return true;
	*flags |= TICKPROF_SAMPLE_NOSTACK;
	return false;
}

/* regs: NULL if not interrupted in user mode. */
static bool put_user_stack(struct tickprof_sampler *s, struct pt_regs *regs, u64 now,
			   u64 *position, u16 *flags)
{
	u64 hash;

	if (!tickprof_stack_take_user(s, regs, &s->stack, &hash, flags))
		return false;
	if (unlikely(s->stack.hdr.flags & TICKPROF_STACK_FAULT) && regs &&
	    tickprof_held_take(s, regs, now)) {
		*flags |= SAMPLE_HELD;
		return false;
	}
	if (likely(tickprof_stack_put(s, &s->stack, hash, position)))
		return true;
	*flags |= TICKPROF_SAMPLE_NOSTACK;
	return false;
}

static void write_sample(struct tickprof_sampler *s, struct task_struct *task,
			 struct pt_regs *regs, u64 now)
{
	struct tickprof_ring *ring = &s->ring;
	bool user = user_mode(regs);
	u64 at_task, at_kernel = 0, at_user = 0, at_context = 0, at;
	bool has_task, has_kernel = false, has_user = false;
	struct tickprof_sample *sample;
	u16 flags = user ? TICKPROF_SAMPLE_USER : 0;
	u32 size = sizeof(*sample);

	rcu_read_lock();
	has_task = tickprof_task_put(s, task, &at_task);
	rcu_read_unlock();
	if (!has_task)
		goto lost;
	if (!user && s->config->flags & TICKPROF_F_KSTACK)
		has_kernel = put_kernel_stack(s, regs, &at_kernel, &flags);
	if (is_idle_task(task))
		flags |= TICKPROF_SAMPLE_IDLE | TICKPROF_SAMPLE_KTHREAD;
	else if (s->config->flags & TICKPROF_F_USTACK)
		has_user = put_user_stack(s, user ? regs : NULL, now, &at_user, &flags);
	if (unlikely(flags & SAMPLE_HELD))
		return;
	if (s->context && tickprof_context_sample(s, &at_context, &flags)) {
		flags |= TICKPROF_SAMPLE_CONTEXT;
		size = sizeof(struct tickprof_sample_context);
	}
	sample = tickprof_ring_reserve(ring, size);
	if (!sample)
		goto lost;
	at = tickprof_ring_position(ring, size);
	*sample = (struct tickprof_sample){
		.hdr = {
			.type = TICKPROF_RECORD_SAMPLE,
			.flags = flags,
			.size = size,
		},
		.time = now,
		.ip = instruction_pointer(regs),
		.task = at - at_task,
		.kstack = has_kernel ? at - at_kernel : 0,
		.ustack = has_user ? at - at_user : 0,
		.missed = s->missed,
	};
	if (flags & TICKPROF_SAMPLE_CONTEXT) {
		struct tickprof_sample_context *longer = (void *)sample;

		longer->context = at - at_context;
		longer->reserved = 0;
	}
	s->missed = 0;
	tickprof_count(s, TICKPROF_COUNTER_SAMPLES);
	return;
lost:
	tickprof_lose(s, TICKPROF_RING_SAMPLE, TICKPROF_COUNTER_LOST_SAMPLES);
}

static u64 hash_stack(const struct tickprof_stack *stack)
{
	u64 hash = 0;
	u32 i;

	for (i = 0; i < stack->nr; i++)
		hash = tickprof_unwind_hash(hash, stack->ip[i]);
	return hash;
}

/* False: no room for it, or for its task. */
static bool put_held(struct tickprof_sampler *s, struct tickprof_held *held)
{
	u64 at, at_task, at_user = 0, at_context = 0;
	bool has_task, has_user, has_context;
	struct tickprof_sample_context *to;
	u32 size = sizeof(to->sample);

	rcu_read_lock();
	has_task = tickprof_task_put(s, held->task, &at_task);
	rcu_read_unlock();
	if (!has_task)
		return false;
	has_user = tickprof_stack_put(s, &held->stack, hash_stack(&held->stack), &at_user);
	has_context = held->context &&
		      tickprof_context_put(s, &held->context->context, &at_context);
	if (has_context)
		size = sizeof(*to);
	to = tickprof_ring_reserve(&s->ring, size);
	if (!to)
		return false;
	at = tickprof_ring_position(&s->ring, size);
	to->sample = (struct tickprof_sample){
		.hdr = {
			.type = TICKPROF_RECORD_SAMPLE,
			.flags = TICKPROF_SAMPLE_USER,
			.size = size,
		},
		.time = held->time,
		.ip = held->ip,
		.task = at - at_task,
		.ustack = has_user ? at - at_user : 0,
		.missed = held->missed,
	};
	if (!has_user || (held->context && !has_context))
		to->sample.hdr.flags |= TICKPROF_SAMPLE_NOSTACK;
	if (has_context) {
		to->sample.hdr.flags |= TICKPROF_SAMPLE_CONTEXT;
		to->context = at - at_context;
		to->reserved = 0;
	}
	return true;
}

/*
 * A sample that was held, with all that it refers to. On the sampler's CPU with
 * interrupts off, and the task, which waits for this, alive.
 */
void tickprof_sample_write_held(struct tickprof_sampler *s, struct tickprof_held *held)
{
	u64 before = s->ring.head;

	if (unlikely(s->ring.any_lost))
		tickprof_ring_write_lost(&s->ring, ktime_get_mono_fast_ns());
	tickprof_stack_count_user(s, &held->stack);
	if (held->throttled)
		tickprof_count(s, TICKPROF_COUNTER_USER_LATER_THROTTLED);
	if (put_held(s, held)) {
		tickprof_count(s, TICKPROF_COUNTER_SAMPLES);
	} else {
		/* Of the ticks missed the next sample tells. */
		s->missed += held->missed;
		tickprof_lose(s, TICKPROF_RING_SAMPLE, TICKPROF_COUNTER_LOST_SAMPLES);
	}
	if (tickprof_ring_commit(&s->ring))
		irq_work_queue(&s->wake);
	tickprof_add(s, TICKPROF_COUNTER_BYTES, s->ring.head - before);
}

/* now: CLOCK_MONOTONIC ns. Returns true if the ring's reader is to be woken. */
bool tickprof_sample_take(struct tickprof_sampler *s, u64 now)
{
	struct pt_regs *regs = get_irq_regs();
	struct task_struct *task = current;
	u64 before = s->ring.head;
	bool wake;

	if (unlikely(!regs)) {
		tickprof_count(s, TICKPROF_COUNTER_NO_REGS);
		return false;
	}
	if (unlikely(excluded(s, user_mode(regs))) || !tickprof_target_match(&s->stream->targets, task)) {
		tickprof_count(s, TICKPROF_COUNTER_FILTERED);
		return false;
	}
	if (unlikely(s->ring.any_lost))
		tickprof_ring_write_lost(&s->ring, now);
	write_sample(s, task, regs, now);
	wake = tickprof_ring_commit(&s->ring);
	tickprof_add(s, TICKPROF_COUNTER_BYTES, s->ring.head - before);
	return wake;
}
