/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_CLOCK_H
#define TICKPROF_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/*
 * CLOCK_REALTIME - CLOCK_MONOTONIC, ns; it changes only when somebody sets the clock.
 * As exact as the closest of a few looks: between two of its three readings the
 * process may lose its CPU for milliseconds.
 */
static inline int64_t clock_offset_ns(void)
{
	uint64_t best = UINT64_MAX, before, real, after;
	int64_t offset = 0;
	int tries;

	for (tries = 0; tries < 32; tries++) {
		before = clock_ns(CLOCK_MONOTONIC);
		real = clock_ns(CLOCK_REALTIME);
		after = clock_ns(CLOCK_MONOTONIC);
		if (after - before >= best)
			continue;
		best = after - before;
		offset = real - (before + best / 2);
	}
	return offset;
}

#endif
