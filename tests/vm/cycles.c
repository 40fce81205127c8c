// SPDX-License-Identifier: GPL-2.0-only
/* cycles: how fast this CPU's cycle counter counts, in Hz. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static uint64_t cycle_counter(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	uint64_t value;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
#endif
}

/* Both at one moment: of several tries the one that was interrupted least. */
static uint64_t cycles_at(uint64_t *ns)
{
	uint64_t before, took, best = UINT64_MAX, found = 0;
	struct timespec ts;
	int i;

	for (i = 0; i < 20; i++) {
		before = cycle_counter();
		clock_gettime(CLOCK_MONOTONIC, &ts);
		took = cycle_counter() - before;
		if (took >= best)
			continue;
		best = took;
		found = before + took / 2;
		*ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	}
	return found;
}

int main(void)
{
	uint64_t begin_ns, end_ns, begin = cycles_at(&begin_ns), end;

	usleep(300000);
	end = cycles_at(&end_ns);
	printf("%.0f\n", (end - begin) * 1e9 / (end_ns - begin_ns));
	return 0;
}
