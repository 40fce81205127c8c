/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before and after user memory is read where nothing may sleep: page faults fail meanwhile.
 *
 * The thread that a tick interrupts may be just about to change its own count of these, in
 * kmap_atomic() for one. The tick raises it and lowers it again before the thread goes on,
 * which so loses nothing; KCSAN, which sees an interrupt write what a thread reads, is told.
 */
#ifndef TICKPROF_USER_H
#define TICKPROF_USER_H

#include <linux/kcsan-checks.h>
#include <linux/uaccess.h>

static __always_inline void tickprof_user_faults_off(void)
{
	kcsan_disable_current();
	pagefault_disable();
	kcsan_enable_current();
}

static __always_inline void tickprof_user_faults_on(void)
{
	kcsan_disable_current();
	pagefault_enable();
	kcsan_enable_current();
}

#endif
