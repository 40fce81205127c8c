/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_STATS_H
#define TICKPROF_KMOD_STATS_H

#include <linux/types.h>
#include <linux/tickprof.h>

struct tickprof_stream;

void tickprof_stats_sum(const struct tickprof_stream *stream,
			u64 sum[TICKPROF_COUNTER_MAX + 1]);

#endif
