/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks of the kernel's own: they have no user registers, and the mm that some carry
 * is a user's who lent it. PF_IO_WORKER came with Linux 5.12, PF_USER_WORKER with 6.4.
 */
#ifndef TICKPROF_COMPAT_KERNEL_WORKER_H
#define TICKPROF_COMPAT_KERNEL_WORKER_H

#include <linux/sched.h>

#ifndef PF_IO_WORKER
#define PF_IO_WORKER 0
#endif
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

static inline bool tickprof_kernel_worker(const struct task_struct *task)
{
	return task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER);
}

#endif
