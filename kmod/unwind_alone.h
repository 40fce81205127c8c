/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step in a window of user access of its own, for walks that call something between
 * steps. Who includes this defines tickprof_read_user() first, as for unwind_step.h.
 */
#ifndef TICKPROF_KMOD_UNWIND_ALONE_H
#define TICKPROF_KMOD_UNWIND_ALONE_H

#include <linux/uaccess.h>

#include "unwind_step.h"

static noinline enum tickprof_step tickprof_step_alone(struct tickprof_walk *w,
						       const struct tickprof_rule *rule,
						       unsigned long mask)
{
	enum tickprof_step step;

	if (!user_access_begin((void __user *)w->sp, sizeof(u64)))
		return TICKPROF_STEP_BROKEN;
	step = tickprof_step_any(w, rule, mask);
	user_access_end();
	return step;
}

#endif
