// SPDX-License-Identifier: GPL-2.0-only
/* A histogram that forgets: see keep_durations.h. */
#include <stddef.h>

#include "base/util.h"
#include "keep_durations.h"

#define STEPS_SHIFT	5
_Static_assert(1 << STEPS_SHIFT == KEEP_DURATIONS_STEPS, "a power of two");

/* Below 32 ns a bucket a nanosecond; from there 32 for each power of two. */
static size_t bucket_of(uint64_t ns)
{
	unsigned int shift;

	if (ns < KEEP_DURATIONS_STEPS)
		return ns;
	shift = 63 - __builtin_clzll(ns) - STEPS_SHIFT;
	return (shift + 1) * KEEP_DURATIONS_STEPS + (ns >> shift) % KEEP_DURATIONS_STEPS;
}

static uint64_t bucket_start(size_t i)
{
	const size_t octave = i / KEEP_DURATIONS_STEPS;

	if (!octave)
		return i;
	return (KEEP_DURATIONS_STEPS + i % KEEP_DURATIONS_STEPS) << (octave - 1);
}

static uint64_t bucket_width(size_t i)
{
	const size_t octave = i / KEEP_DURATIONS_STEPS;

	return octave ? 1ull << (octave - 1) : 1;
}

void keep_durations_add(struct keep_durations *d, uint64_t ns)
{
	size_t i;

	d->buckets[bucket_of(ns)]++;
	d->weight++;
	if (d->weight < KEEP_DURATIONS_NR)
		return;
	d->weight /= 2;
	for (i = 0; i < KEEP_DURATIONS_BUCKETS; i++)
		d->buckets[i] /= 2;
}

uint64_t keep_durations_at(const struct keep_durations *d, double share)
{
	const double wanted = d->weight * share;
	double below = 0;
	size_t i, last = 0;

	for (i = 0; i < KEEP_DURATIONS_BUCKETS; i++) {
		if (d->buckets[i] <= 0)
			continue;
		last = i;
		if (below + d->buckets[i] > wanted)
			return bucket_start(i) +
			       (uint64_t)(bucket_width(i) * ((wanted - below) / d->buckets[i]));
		below += d->buckets[i];
	}
	return d->weight > 0 ? bucket_start(last) + bucket_width(last) - 1 : 0;
}
