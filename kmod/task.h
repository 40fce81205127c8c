/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_TASK_H
#define TICKPROF_KMOD_TASK_H

#include <linux/types.h>

struct task_struct;
struct tickprof_sampler;

bool tickprof_task_put(struct tickprof_sampler *s, struct task_struct *task, u64 *position);

#endif
