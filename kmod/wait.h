/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_WAIT_H
#define TICKPROF_KMOD_WAIT_H

#include <linux/rculist.h>
#include <linux/types.h>

#include "stream.h"

/*
 * May some stream want waits of one of these two? Spares nearly all of the
 * scheduler's events a call. Preemption off, which is a read side of RCU.
 */
static __always_inline bool tickprof_wait_concerns(const struct task_struct *a,
						   const struct task_struct *b)
{
	const struct tickprof_stream *stream;

	list_for_each_entry_rcu(stream, &tickprof_waiting, waiting, rcu_read_lock_sched_held())
		if (tickprof_target_may_match(&stream->targets, a, b))
			return true;
	return false;
}

/* The scheduler's events, in all streams that want waits. Preemption off. */
void tickprof_wait_switch(struct task_struct *prev, struct task_struct *next, bool preempt,
			  unsigned int state);
void tickprof_wait_waking(struct task_struct *task);
void tickprof_wait_exit(struct task_struct *task);

/* The session's: before its stream joins the running ones, after nobody sees it any more. */
void tickprof_wait_start(struct tickprof_stream *stream);
void tickprof_wait_stop(struct tickprof_stream *stream);
/* And when whom it watches changes. */
void tickprof_wait_retarget(struct tickprof_stream *stream);

#endif
