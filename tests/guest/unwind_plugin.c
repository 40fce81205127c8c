// SPDX-License-Identifier: GPL-2.0-only
/*
 * A library for unwind.c to dlopen: plugin_run → LEAF, the macro that names it.
 * Two of them with different names and equal layout show whether frames are
 * ascribed to the file that was mapped at the time.
 */
#include <stdint.h>
#include <time.h>

#define FRAME __attribute__((noinline, noclone))

static volatile uint64_t sink;

FRAME void LEAF(void);
FRAME void LEAF(void)
{
	uint64_t x = sink + 1;
	unsigned int i;

	for (i = 0; i < 40000; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

void plugin_run(double seconds);
void plugin_run(double seconds)
{
	struct timespec ts;
	double until;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	until = ts.tv_sec + ts.tv_nsec / 1e9 + seconds;
	do {
		LEAF();
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	} while (ts.tv_sec + ts.tv_nsec / 1e9 < until);
}
