/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_PROCESS_H
#define TICKPROF_KMOD_PROCESS_H

struct linux_binprm;
struct task_struct;
struct vm_area_struct;

void tickprof_process_fork(struct task_struct *parent, struct task_struct *child);
void tickprof_process_exec(struct task_struct *task, pid_t old_tid);
void tickprof_process_exit(struct task_struct *task);
void tickprof_process_rename(struct task_struct *task, const char *comm);
void tickprof_process_mmap(struct vm_area_struct *vma);

int tickprof_process_init(void);
void tickprof_process_exit_module(void);

#endif
