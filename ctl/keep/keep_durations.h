/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long traces take: a log-linear histogram that forgets, for thresholds that are
 * percentiles. 7.5 KiB.
 *
 * Each power of two has 32 steps, within which the percentile is interpolated. When
 * KEEP_DURATIONS_NR durations weigh in it, all weights are halved: what ended since counts
 * most, and what is some multiples of that number back counts for nothing.
 */
#ifndef TICKPROF_KEEP_DURATIONS_H
#define TICKPROF_KEEP_DURATIONS_H

#include <stdint.h>

enum {
	KEEP_DURATIONS_NR = 10000,
	KEEP_DURATIONS_STEPS = 32,
	KEEP_DURATIONS_BUCKETS = 60 * KEEP_DURATIONS_STEPS,
};

struct keep_durations {
	double weight;			/* of all */
	float buckets[KEEP_DURATIONS_BUCKETS];
};

void keep_durations_add(struct keep_durations *d, uint64_t ns);
/* The time that a share of them (0 … 1) did not reach, ns; 0 if there are none. */
uint64_t keep_durations_at(const struct keep_durations *d, double share);

#endif
