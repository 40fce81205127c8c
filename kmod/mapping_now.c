// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings announced from the hook itself, where locks may be taken in it.
 *
 * Memory: one page a CPU for the path; preemption is off.
 */
#include <linux/percpu.h>

#include "mapping.h"

static struct tickprof_mapping_buffer __percpu *buffers;

void tickprof_mapping_hook(const struct vm_area_struct *vma)
{
	struct tickprof_mapping m;

	if (tickprof_mapping_see(&m, vma))
		tickprof_mapping_announce(&m, this_cpu_ptr(buffers));
}

int tickprof_mapping_init(void)
{
	buffers = __alloc_percpu(sizeof(*buffers), 8);
	return buffers ? 0 : -ENOMEM;
}

void tickprof_mapping_exit(void)
{
	free_percpu(buffers);
}
