// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program in one span until it is killed, which computes and waits by turns: "spans TRACE SPAN",
 * two digits each, repeated in every byte of the ids. What its service is called, it does not say.
 */
#include <stdlib.h>
#include <time.h>

#include <tickprof/context.h>

static void work(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	clock_t end = clock() + CLOCKS_PER_SEC / 100;

	while (clock() < end)
		;
	nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	struct tickprof_span span;
	uint8_t trace_id[16], span_id[8];

	if (argc != 3)
		return 2;
	memset(trace_id, strtoul(argv[1], NULL, 16), sizeof(trace_id));
	memset(span_id, strtoul(argv[2], NULL, 16), sizeof(span_id));
	tickprof_span_begin(&span, trace_id, span_id, 1);
	for (;;)
		work();
}
