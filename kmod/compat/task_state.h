/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a task that is switched out waits for. sched_switch passes the state that
 * the scheduler acted on from commit fa2c3254d7cf (5.18) on; before, it must be
 * read from the task, where a waker that is fast may have changed it already.
 * The field was renamed in commit 2f064a59a11f (5.14).
 */
#ifndef TICKPROF_KMOD_COMPAT_TASK_STATE_H
#define TICKPROF_KMOD_COMPAT_TASK_STATE_H

#include <linux/sched.h>

#ifdef TICKPROF_HAVE_TASK_STATE
#define tickprof_task_state(task) READ_ONCE((task)->__state)
#else
#define tickprof_task_state(task) READ_ONCE((task)->state)
#endif

#ifdef TICKPROF_HAVE_SWITCH_STATE
#define TICKPROF_SWITCH_STATE , unsigned int prev_state
#define tickprof_switch_state(prev) prev_state
#else
#define TICKPROF_SWITCH_STATE
#define tickprof_switch_state(prev) tickprof_task_state(prev)
#endif

#ifndef TASK_RTLOCK_WAIT
#define TASK_RTLOCK_WAIT 0
#endif

#endif
