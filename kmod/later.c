// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task does for us on its way back to user mode, before the program can
 * run on: where it may sleep and its memory is its own.
 *
 * Context: added from anywhere below NMI; task_work_add() changes a list by
 * cmpxchg and sets a flag of the task. Run in process context, without locks,
 * before a signal is delivered, or as the task exits, when it has no mm any more.
 * Memory: the caller's, until his function is done.
 *
 * Unloading: task work cannot be called back (task_work_cancel() is not exported),
 * and what it does may take as long as a page takes to be read. So each holds a
 * reference on the module: rmmod refuses rather than hangs. The reference goes a
 * few instructions before our code has been left; unloading waits for that with
 * RCU-tasks, which ends when every task that was running or preempted in the
 * kernel has slept by its own will or seen user mode. Where the kernel is not
 * preemptible this is an ordinary grace period.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "compat/task_work.h"
#include "later.h"

#define DRAIN_MS	1000

static atomic_t pending;

bool tickprof_later_add(struct task_struct *task, struct callback_head *work,
			task_work_func_t func)
{
	if (task->flags & PF_KTHREAD || !try_module_get(THIS_MODULE))
		return false;
	atomic_inc(&pending);
	init_task_work(work, func);
	if (!task_work_add(task, work, TICKPROF_TWA_RESUME))
		return true;
	tickprof_later_done();
	return false;
}

void tickprof_later_done(void)
{
	atomic_dec(&pending);
	module_put(THIS_MODULE);
}

void tickprof_later_drain(void)
{
	unsigned int ms;

	for (ms = 0; ms < DRAIN_MS && atomic_read(&pending); ms++)
		msleep(1);
}

void tickprof_later_exit(void)
{
	synchronize_rcu_tasks();
}
