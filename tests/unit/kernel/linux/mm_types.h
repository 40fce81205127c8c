/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_TEST_KERNEL_MM_TYPES_H
#define TICKPROF_TEST_KERNEL_MM_TYPES_H

struct mm_struct {
	struct {
		void *vdso;
	} context;
};

#endif
