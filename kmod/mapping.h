/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_MAPPING_H
#define TICKPROF_KMOD_MAPPING_H

#include <linux/limits.h>
#include <linux/tickprof.h>
#include <linux/types.h>

struct file;
struct vm_area_struct;

/* A mapping as it was made. */
struct tickprof_mapping {
	struct file *file;	/* NULL: anonymous */
	u64 time;
	u64 addr;
	u64 len;
	u64 offset;
	u32 exec_id;
};

struct tickprof_mapping_buffer {
	struct tickprof_mmap record;
	char path[PATH_MAX];
};

bool tickprof_mapping_see(struct tickprof_mapping *m, const struct vm_area_struct *vma);
void tickprof_mapping_announce(const struct tickprof_mapping *m,
			       struct tickprof_mapping_buffer *buffer);

/* mapping_now.c or mapping_later.c; the hook's caller is a kprobe: preemption is off. */
void tickprof_mapping_hook(const struct vm_area_struct *vma);
int tickprof_mapping_init(void);
void tickprof_mapping_exit(void);

#endif
