// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples that wait for a page of their stack. The tick may not: it hands what the
 * record needs to the interrupted task, which walks its stack anew, with page faults
 * enabled, before it goes back to user mode (unwind_later.c), and writes the record
 * then, to the ring of the tick's CPU, with the time and the context of the tick. What
 * the record refers to is written with it, in one go.
 *
 * Only ticks in user mode: from there the task goes straight to its task work, before
 * any signal, so registers and memory are those of the tick, and the wait is that for a
 * page. A task in a system call may sleep there for as long as it likes, and its
 * sample with it. Another thread's exec or exit ends the walk like any fatal signal.
 *
 * Context: take hard irq; switch under the run-queue lock; open and close process
 * context; the rest task work.
 * Time: what the throttle lends a walk at the tick is all that it may take. It counts
 * while the task has a CPU, interrupts included, and not while it waits for a page.
 * Looked at before each wait, so that one frame, of four pages at most, and the frames
 * that need none are the excess; it is charged like all the rest.
 * Memory: PLACES a stream, of about 150 bytes, 8 for each frame of depth and 296 with
 * F_CONTEXT. Who finds no place free is counted and writes what he has.
 *
 * Why teardown is safe: a pool lives until the stream and all who hold a place in it
 * have let go. It points to the stream until close; who writes does so in an RCU
 * section in which it found the pointer, and close waits for those. Who comes later
 * writes nothing, and close has counted the sample as lost. Nothing can be held once
 * the timers have stopped, which is before close; the scheduler's probe finds a pool by
 * way of a running stream only, and that has ended before, too. The code stays as long
 * as anybody is in it, since each has a reference on the module (later.c).
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timex.h>

#include "context.h"
#include "held.h"
#include "later.h"
#include "sample.h"
#include "space.h"
#include "stack.h"
#include "stream.h"
#include "timer.h"
#include "unwind.h"

#define PLACES		32
#define TRIES		4	/* for a place that others take at the same moment */
#define CLOSE_MS	100	/* that close waits for records under way */

struct tickprof_held_pool {
	struct tickprof_stream __rcu *stream;	/* NULL: closed */
	refcount_t users;
	atomic_t unwritten;
	u32 depth;
	u32 stride;
	unsigned long taken;			/* a bit a place */
	u64 places[];				/* PLACES times "stride" bytes */
};

atomic_t tickprof_held_walking;

static size_t context_at(u32 depth)
{
	return sizeof(struct tickprof_held) + depth * sizeof(u64);
}

static size_t place_size(const struct tickprof_config *config)
{
	return context_at(config->depth) +
	       (config->flags & TICKPROF_F_CONTEXT ? sizeof(struct tickprof_context_record) : 0);
}

size_t tickprof_held_memory(const struct tickprof_config *config)
{
	BUILD_BUG_ON(sizeof(struct tickprof_context_record) % sizeof(u64));
	if (!(config->flags & TICKPROF_F_TABLES))
		return 0;
	return sizeof(struct tickprof_held_pool) + PLACES * place_size(config);
}

static struct tickprof_held *place_at(struct tickprof_held_pool *pool, unsigned int i)
{
	return (void *)pool->places + i * pool->stride;
}

static struct tickprof_held *take_place(struct tickprof_held_pool *pool)
{
	unsigned int try, i;
	unsigned long taken;

	for (try = 0; try < TRIES; try++) {
		taken = READ_ONCE(pool->taken);
		i = find_first_zero_bit(&taken, PLACES);
		if (i >= PLACES)
			break;
		if (!test_and_set_bit_lock(i, &pool->taken))
			return place_at(pool, i);
	}
	return NULL;
}

static void give_back(struct tickprof_held *held)
{
	struct tickprof_held_pool *pool = held->pool;

	clear_bit_unlock(((void *)held - (void *)pool->places) / pool->stride, &pool->taken);
}

static void put_pool(struct tickprof_held_pool *pool)
{
	if (refcount_dec_and_test(&pool->users))
		kvfree(pool);
}

static void clock_starts(struct tickprof_held *held)
{
	atomic_inc(&tickprof_held_walking);
	preempt_disable();
	held->spent = 0;
	held->since = get_cycles();
	WRITE_ONCE(held->walks, true);
	preempt_enable();
}

/* Cycles that the walk under way has taken. */
static u64 clock_reads(const struct tickprof_held *held)
{
	u64 spent;

	preempt_disable();
	spent = held->spent + get_cycles() - held->since;
	preempt_enable();
	return spent;
}

static void clock_stops(struct tickprof_held *held)
{
	preempt_disable();
	held->spent += get_cycles() - held->since;
	WRITE_ONCE(held->walks, false);
	preempt_enable();
	atomic_dec(&tickprof_held_walking);
}

/* Neither of both runs anywhere else, so where one of them walks, it stays so. */
static void switch_in_pool(struct tickprof_held_pool *pool, const struct task_struct *prev,
			   const struct task_struct *next)
{
	unsigned long taken = READ_ONCE(pool->taken);
	struct tickprof_held *held;
	unsigned int i;

	for_each_set_bit(i, &taken, PLACES) {
		held = place_at(pool, i);
		if (!READ_ONCE(held->walks))
			continue;
		if (READ_ONCE(held->task) == prev)
			held->spent += get_cycles() - held->since;
		else if (READ_ONCE(held->task) == next)
			held->since = get_cycles();
	}
}

void tickprof_held_switch(const struct task_struct *prev, const struct task_struct *next)
{
	struct tickprof_stream *stream;

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		if (stream->held)
			switch_in_pool(stream->held, prev, next);
	rcu_read_unlock();
}

/* With interrupts off on the CPU whose ring is written. */
static void write_here(void *data)
{
	struct tickprof_held *held = data;
	struct tickprof_sampler *s = held->stream->sampler[smp_processor_id()];
	u64 cycles = get_cycles();

	tickprof_sample_write_held(s, held);
	held->spent += get_cycles() - cycles;
	tickprof_add(s, TICKPROF_COUNTER_LATER_CYCLES, held->spent);
	tickprof_timer_settle(s, s->cpu == held->cpu ? held->lent : 0, held->spent);
}

/* Under RCU. If the CPU of the tick is gone, the record tells of the one at hand. */
static void write_record(struct tickprof_held *held)
{
	unsigned long irq;

	if (!smp_call_function_single(held->cpu, write_here, held, true))
		return;
	local_irq_save(irq);
	write_here(held);
	local_irq_restore(irq);
}

static bool may_wait(struct tickprof_stack *stack)
{
	struct tickprof_held *held = container_of(stack, struct tickprof_held, stack);

	held->throttled = clock_reads(held) >= held->lent;
	return !held->throttled && !fatal_signal_pending(current) &&
	       rcu_access_pointer(held->pool->stream);
}

static void finish(struct callback_head *work)
{
	struct tickprof_held *held = container_of(work, struct tickprof_held, work);
	struct tickprof_held_pool *pool = held->pool;

	clock_starts(held);
	/* Who was killed meanwhile has none any more. */
	if (current->mm)
		tickprof_unwind_later(task_pt_regs(current), &held->stack, pool->depth, may_wait);
	else
		held->stack.hdr.flags = TICKPROF_STACK_FAULT;
	clock_stops(held);
	rcu_read_lock();
	held->stream = rcu_dereference(pool->stream);
	if (held->stream) {
		write_record(held);
		atomic_dec(&pool->unwritten);
	}
	rcu_read_unlock();
	give_back(held);
	put_pool(pool);
	tickprof_later_done();
}

static void fill_place(struct tickprof_held *held, struct tickprof_held_pool *pool,
		       struct tickprof_sampler *s, const struct pt_regs *regs, u64 now)
{
	held->pool = pool;
	WRITE_ONCE(held->task, current);
	held->time = now;
	held->ip = instruction_pointer((struct pt_regs *)regs);
	held->cpu = s->cpu;
	held->missed = s->missed;
	held->throttled = false;
	held->stack = (struct tickprof_stack){ .hdr = { .type = TICKPROF_RECORD_STACK } };
}

static bool page_may_come(struct tickprof_sampler *s, const struct pt_regs *regs, u32 depth)
{
	bool may;

	rcu_read_lock();
	may = tickprof_unwind_may_wait(s->rules, tickprof_space_maps(current->mm), regs, depth);
	rcu_read_unlock();
	return may;
}

bool tickprof_held_take(struct tickprof_sampler *s, const struct pt_regs *regs, u64 now)
{
	struct tickprof_held_pool *pool = s->stream->held;
	struct tickprof_held *held;
	u64 lent;

	/* The task walks from what it will go back to. */
	if (!pool || regs != task_pt_regs(current) || !page_may_come(s, regs, pool->depth))
		return false;
	lent = tickprof_timer_lend(s);
	held = lent ? take_place(pool) : NULL;
	if (!held) {
		tickprof_timer_settle(s, lent, 0);
		tickprof_count(s, lent ? TICKPROF_COUNTER_USER_LATER_FULL :
					 TICKPROF_COUNTER_USER_LATER_THROTTLED);
		return false;
	}
	fill_place(held, pool, s, regs, now);
	held->lent = lent;
	refcount_inc(&pool->users);
	atomic_inc(&pool->unwritten);
	if (!tickprof_later_add(current, &held->work, finish)) {
		tickprof_timer_settle(s, lent, 0);
		atomic_dec(&pool->unwritten);
		refcount_dec(&pool->users);	/* never the last: the stream runs */
		give_back(held);
		return false;
	}
	/* The task that does the work is the one interrupted here: the rest is in time. */
	held->context = s->context ? (void *)held + context_at(pool->depth) : NULL;
	if (held->context && !tickprof_context_take(s, held->context))
		held->context = NULL;
	tickprof_stack_uncount_user(s, &s->stack);
	s->missed = 0;
	return true;
}

int tickprof_held_open(struct tickprof_stream *stream)
{
	size_t size = tickprof_held_memory(&stream->config);
	struct tickprof_held_pool *pool;

	if (!size)
		return 0;
	pool = kvzalloc(size, GFP_KERNEL);
	if (!pool)
		return -ENOMEM;
	refcount_set(&pool->users, 1);
	pool->depth = stream->config.depth;
	pool->stride = place_size(&stream->config);
	rcu_assign_pointer(pool->stream, stream);
	stream->held = pool;
	return 0;
}

/* The timers have stopped. Counts what found no end in time as lost. */
void tickprof_held_close(struct tickprof_stream *stream)
{
	struct tickprof_held_pool *pool = stream->held;
	unsigned int ms, cpu;

	if (!pool)
		return;
	for (ms = 0; ms < CLOSE_MS && atomic_read(&pool->unwritten); ms++)
		msleep(1);
	RCU_INIT_POINTER(pool->stream, NULL);
	synchronize_rcu();
	stream->held = NULL;
	for_each_possible_cpu(cpu)
		irq_work_sync(&stream->sampler[cpu]->wake);
	/* No other writer is left. */
	cpu = cpumask_first(cpu_possible_mask);
	tickprof_add(stream->sampler[cpu], TICKPROF_COUNTER_LOST_LATER,
		     atomic_read(&pool->unwritten));
	put_pool(pool);
}
