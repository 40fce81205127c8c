// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of a session, added up over CPUs. Process context. Each counter has
 * one writer, its CPU, and is read without stopping it: a sum is a snapshot of
 * each CPU at slightly different moments.
 */
#include <linux/cpumask.h>
#include <linux/string.h>

#include "stats.h"
#include "stream.h"

void tickprof_stats_sum(const struct tickprof_stream *stream,
			u64 sum[TICKPROF_COUNTER_MAX + 1])
{
	unsigned int cpu;
	int i;

	memset(sum, 0, (TICKPROF_COUNTER_MAX + 1) * sizeof(*sum));
	if (!stream->sampler)
		return;
	for_each_possible_cpu(cpu)
		for (i = 1; i <= TICKPROF_COUNTER_MAX; i++)
			sum[i] += READ_ONCE(stream->sampler[cpu]->counter[i]);
}
