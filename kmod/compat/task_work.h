/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task_work_add() in hard irq. For a kernel with KASAN it noted down who called it, with
 * memory that it allocated, until Linux 6.14; 6.12 (stable) has a flag that it shall not.
 */
#ifndef TICKPROF_COMPAT_TASK_WORK_H
#define TICKPROF_COMPAT_TASK_WORK_H

#include <linux/task_work.h>

#ifdef TICKPROF_HAVE_TWAF_NO_ALLOC
#define TICKPROF_TWA_RESUME	(TWA_RESUME | TWAF_NO_ALLOC)
#else
#define TICKPROF_TWA_RESUME	TWA_RESUME
#endif

#endif
