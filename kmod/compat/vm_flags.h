/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 6.3 (bc292ab00f6c) made vma->vm_flags read-only behind vm_flags_set(). */
#ifndef TICKPROF_COMPAT_VM_FLAGS_H
#define TICKPROF_COMPAT_VM_FLAGS_H

#include <linux/mm.h>

#ifdef TICKPROF_HAVE_VM_FLAGS_SET
#define tickprof_vm_flags_set vm_flags_set
#define tickprof_vm_flags_clear vm_flags_clear
#else
static inline void tickprof_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void tickprof_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif
