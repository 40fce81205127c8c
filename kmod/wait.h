/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_WAIT_H
#define TICKPROF_KMOD_WAIT_H

#include <linux/types.h>

struct task_struct;
struct tickprof_stream;

/* The scheduler's events, in all streams that want waits. */
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
