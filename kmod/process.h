/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_PROCESS_H
#define TICKPROF_KMOD_PROCESS_H

#include <linux/types.h>

struct linux_binprm;
struct task_struct;

void tickprof_process_fork(struct task_struct *parent, struct task_struct *child);
void tickprof_process_exec(struct task_struct *task, pid_t old_tid);
void tickprof_process_exit(struct task_struct *task);
void tickprof_process_rename(struct task_struct *task, const char *comm);
bool tickprof_process_wanted(const struct task_struct *task);
bool tickprof_process_unwound(const struct task_struct *task);
void tickprof_process_announce(const struct task_struct *task, const void *record, u32 size,
			       u64 now);

#endif
