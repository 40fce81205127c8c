/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_LATER_H
#define TICKPROF_KMOD_LATER_H

#include <linux/task_work.h>

/*
 * Has a task that runs, or is not yet awake, call func(work) before it goes (back)
 * to user mode or ends, in its own context and with no lock held. Any context but
 * NMI. False: it will not be called, as the task has gone too far or the module goes.
 */
bool tickprof_later_add(struct task_struct *task, struct callback_head *work,
			task_work_func_t func);

/* The last thing that func does: "work" may be used again before, not after. */
void tickprof_later_done(void);

/* Waits a second at most until nothing is pending; process context. */
void tickprof_later_drain(void);

/* Unloading: nothing is pending. Waits until nobody is still on his way out of func. */
void tickprof_later_exit(void);

#endif
