/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_SPACE_H
#define TICKPROF_KMOD_SPACE_H

#include <linux/types.h>

struct mm_struct;
struct task_struct;
struct tickprof_maps;
struct vm_area_struct;

/* Hard irq, or under RCU. NULL: not known yet, and asked for. */
const struct tickprof_maps *tickprof_space_maps(struct mm_struct *mm);

/* The mmap hook: preemption is off, mmap_lock is held for writing by the task. */
void tickprof_space_mapped(const struct vm_area_struct *vma);

/* A new task, which does not yet run; the current one is its parent. */
void tickprof_space_forked(struct task_struct *child);

/* space_later.c and what it needs of space.c. */
bool tickprof_space_later(struct task_struct *task);
void tickprof_space_read(struct mm_struct *mm);
void tickprof_space_kick(void);

void tickprof_space_init(void);
void tickprof_space_exit(void);
/* Around a session that unwinds by tables; process context, may sleep. */
void tickprof_space_get(void);
void tickprof_space_put(void);

/* Bytes held, and address spaces known. */
u64 tickprof_space_memory(void);

#endif
