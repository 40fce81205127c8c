/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux 6.13 (908a1d775422) added hrtimer_setup(); hrtimer_init() is gone from 6.15 on. */
#ifndef TICKPROF_COMPAT_HRTIMER_H
#define TICKPROF_COMPAT_HRTIMER_H

#include <linux/hrtimer.h>

#ifdef TICKPROF_HAVE_HRTIMER_SETUP
#define tickprof_hrtimer_setup hrtimer_setup
#else
static inline void tickprof_hrtimer_setup(struct hrtimer *timer,
					  enum hrtimer_restart (*function)(struct hrtimer *),
					  clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif
