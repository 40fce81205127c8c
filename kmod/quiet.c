// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets that neither began nor ended a wait since START: a program that hangs, or one
 * that alone has a CPU. The scheduler has told nothing of them, so they are looked for at
 * STOP, among the named targets only: of a whole host, most threads sleep all day.
 *
 * Context: process, under the session lock, while the probes still see the stream. Who has
 * a switch meanwhile becomes a waiter by that, before or instead; what is read here holds
 * until then: a thread that is not on a CPU, and has no waiter yet, has not been on one
 * since START. The scheduler calls the probes before it sets on_cpu of the one that comes,
 * and before it clears it of the one that goes.
 * A thread on a run queue either was woken a moment ago and will run, or has starved; if it
 * still is there QUIET_LOOK_MS later, the latter.
 * One that ends between the look and its being added has had its last event: it is counted
 * as a lost wait, as others that end during STOP are.
 * Bounds: one pass over the host's threads, two with such ones; no allocation.
 * Limits: no stacks. A blocked thread may go on any time, and nothing that the kernel
 * exports would hold its stack meanwhile.
 */
#include <linux/delay.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "quiet.h"
#include "stream.h"
#include "waiters.h"

#define QUIET_LOOK_MS	20

static bool on_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	/* Pairs with the scheduler's release, which comes after its probes. */
	return smp_load_acquire(&task->on_cpu);
#else
	return task == current;
#endif
}

static bool is_quiet(const struct tickprof_stream *stream, struct task_struct *task)
{
	return !(task->flags & PF_EXITING) && task->start_time <= stream->waiters->from &&
	       tickprof_target_match(&stream->targets, task) &&
	       !tickprof_waiters_find(stream->waiters, task);
}

/* Interrupts off. True: to be looked at again. */
static bool add_if_quiet(struct tickprof_stream *stream, struct task_struct *task, bool again)
{
	struct tickprof_waiters *t = stream->waiters;
	struct tickprof_waiter *w;
	bool runs, queued;

	if (!is_quiet(stream, task))
		return false;
	runs = on_cpu(task);
	queued = !runs && READ_ONCE(task->on_rq);
	if (queued && !again)
		return true;
	w = tickprof_waiters_add(t, task, t->from,
				 runs ? TICKPROF_WAIT_RUNNING :
				 queued ? TICKPROF_WAIT_PREEMPTED : TICKPROF_WAIT_BEFORE);
	if (!w)
		tickprof_count(stream->sampler[smp_processor_id()], TICKPROF_COUNTER_UNTOLD_WAITS);
	return false;
}

static bool add_all(struct tickprof_stream *stream, bool again)
{
	struct task_struct *process, *task;
	bool queued = false;
	unsigned long irq;

	rcu_read_lock();
	/* for_each_thread() names a lock that is not exported, where lockdep looks. */
	for_each_process(process) {
		list_for_each_entry_rcu(task, &process->signal->thread_head, thread_node) {
			local_irq_save(irq);
			queued |= add_if_quiet(stream, task, again);
			local_irq_restore(irq);
		}
	}
	rcu_read_unlock();
	return queued;
}

void tickprof_quiet_add(struct tickprof_stream *stream)
{
	if (!(tickprof_target_kinds(&stream->targets) & (TICKPROF_TARGET_TASKS | TICKPROF_TARGET_LISTS)) ||
	    READ_ONCE(stream->waiters->refused))
		return;
	if (add_all(stream, false)) {
		msleep(QUIET_LOOK_MS);
		add_all(stream, true);
	}
}
