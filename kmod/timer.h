/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_TIMER_H
#define TICKPROF_KMOD_TIMER_H

#include <linux/types.h>

struct tickprof_sampler;
struct tickprof_stream;

void tickprof_timer_init(struct tickprof_sampler *s);
void tickprof_timer_start(struct tickprof_stream *stream);
void tickprof_timer_stop(struct tickprof_stream *stream);
void tickprof_timer_start_cpu(struct tickprof_sampler *s);
void tickprof_timer_stop_cpu(struct tickprof_sampler *s);
void tickprof_timer_leave_idle(void);
u64 tickprof_timer_lend(struct tickprof_sampler *s);
void tickprof_timer_settle(struct tickprof_sampler *s, u64 lent, u64 spent);

#endif
