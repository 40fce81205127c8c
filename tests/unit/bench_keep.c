// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_keep [WAITS [SLOW-EACH [as-it-comes|none-kept|slow-kept]]]
 *
 * User CPU a wait between rings and capture: written as it comes; by way of the line with all
 * dropped; with each so-manieth trace kept. Synthetic: 4 CPUs, 64 threads, traces of 12 waits
 * and 3 contexts, stacks of 16 frames that a ring's lap holds once, drained 50 times a second.
 */
#include <inttypes.h>
#include <sys/resource.h>

#include "keep/keep.h"
#include "records.h"

enum { CPUS = 4, THREADS = 64, WAITS = 12, FRAMES = 16, STACKS = 200, RING = 256 << 10 };

#define MS	1000000ull
#define STEP	(20 * MS)		/* of a round */
#define APART	(50000ull)		/* ns between two waits of a CPU */

struct cpu {
	struct stream s;
	uint64_t task[THREADS], stack[STACKS], context[THREADS], trace[THREADS];
	size_t *rounds, nr_rounds, cap_rounds;	/* where each ends */
};

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec * 1e6 + u.ru_utime.tv_usec;
}

static bool gone(const struct cpu *c, uint64_t at)
{
	return at == NOWHERE || here(&c->s) - at > RING - 4096;
}

static uint64_t put_trace(struct cpu *c, uint64_t trace)
{
	uint64_t at = put_context(&c->s, 1, 1, 1, "", 0);
	struct tickprof_thread_context *r = (void *)(c->s.data + (at - c->s.position));

	memcpy(r->trace_id, &trace, sizeof(trace));
	return at;
}

/* slow: each so-manieth trace takes ten times as long. */
static void put_one(struct cpu *c, uint64_t i, uint64_t time, uint64_t slow)
{
	const uint32_t thread = i % THREADS;
	const uint64_t trace = 1 + (i / THREADS / WAITS) * THREADS + thread, n = i * 7 % STACKS;
	uint64_t ip[FRAMES], at;
	struct tickprof_wait *r;
	uint32_t f;

	if (gone(c, c->task[thread]))
		c->task[thread] = put_task(&c->s, 100 + thread, 100 + thread, 2, "process", "thread");
	if (c->trace[thread] != trace || gone(c, c->context[thread]) || i / THREADS % WAITS % 4 == 3)
		c->context[thread] = put_trace(c, trace);
	c->trace[thread] = trace;
	if (gone(c, c->stack[n])) {
		for (f = 0; f < FRAMES; f++)
			ip[f] = 0x400000 + n * 64 + f;
		c->stack[n] = put_stack(&c->s, 0, ip, FRAMES);
	}
	at = here(&c->s);
	r = put_wait(&c->s, 0, time, TICKPROF_WAIT_SLEEPING, c->task[thread], NOWHERE, c->stack[n]);
	r->context = at - c->context[thread];
	r->blocked = slow && !(trace % slow) ? 600 * MS : MS / 10;
	r->ran = MS / 10;
}

static void make(struct cpu *c, uint32_t cpu, uint64_t waits, uint64_t slow)
{
	uint64_t i, time = 1000000 * MS, round = time + STEP, left;

	*c = (struct cpu) { .s.cpu = cpu };
	memset(c->task, 0xff, sizeof(c->task));
	memset(c->stack, 0xff, sizeof(c->stack));
	memset(c->context, 0xff, sizeof(c->context));
	for (i = 0; i < waits; i++, time += APART) {
		if (time >= round) {
			GROW(c->rounds, c->cap_rounds, c->nr_rounds + 1);
			c->rounds[c->nr_rounds++] = c->s.size;
			round += STEP;
		}
		left = RING - (here(&c->s) & (RING - 1));
		if (left < 1024)
			put(&c->s, TICKPROF_RECORD_PAD, 0, left);
		put_one(c, i, time, slow);
	}
}

static int write_kept(void *w, uint32_t cpu, uint64_t position, const void *records, size_t size)
{
	return capture_write_ring(w, cpu, position, records, size);
}

/* User CPU in us. threshold 0: everything is written as it comes. */
static double run(struct cpu *cpus, uint64_t threshold, uint64_t *bytes, struct capture_keep *counts)
{
	const struct keep_options options = {
		.limit = "limit", .threshold = threshold, .hold = 1500 * MS, .sure = 1500 * MS,
		.memory = 64 << 20, .waits = true,
	};
	struct keep *k = NULL;
	struct capture_writer *w;
	int fd = memory_file();
	double start = cpu_us();
	size_t round, i;

	if (capture_writer_create(fd, &w))
		abort();
	if (threshold)
		k = keep_create(&options, CPUS, RING, write_kept, w);
	for (round = 0; round < cpus[0].nr_rounds; round++) {
		if (k)
			keep_round(k, 1000000 * MS + (round + 1) * STEP);
		for (i = 0; i < CPUS; i++) {
			const size_t from = round ? cpus[i].rounds[round - 1] : 0;
			const struct reader_span span = {
				.cpu = i, .position = from, .data = cpus[i].s.data + from,
				.size = cpus[i].rounds[round] - from,
			};

			if (k ? keep_take(k, &span) :
			    capture_write_ring(w, i, from, span.data, span.size))
				abort();
		}
		if (k && keep_settle(k))
			abort();
	}
	if (k) {
		keep_finish(k);
		*counts = *keep_counts(k);
		keep_destroy(k);
	}
	*bytes = capture_writer_bytes(w);
	capture_writer_destroy(w);
	close(fd);
	return cpu_us() - start;
}

static void show(const char *name, struct cpu *cpus, uint64_t threshold, uint64_t waits)
{
	struct capture_keep k = { .waits = { waits * CPUS } };
	uint64_t bytes;
	double us = run(cpus, threshold, &bytes, &k);

	printf("%-12s %.3f us a wait, %.1f bytes a wait in the capture; %" PRIu64 " kept, %" PRIu64
	       " dropped, %" PRIu64 " of them undecided\n", name, us / waits / CPUS,
	       (double)bytes / waits / CPUS, capture_keep_kept(k.waits), capture_keep_dropped(k.waits),
	       k.waits[KEEP_DROP_UNDECIDED]);
}

int main(int argc, char **argv)
{
	const uint64_t waits = argc > 1 ? strtoull(argv[1], NULL, 10) / CPUS : 100000;
	const uint64_t slow = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
	const char *only = argc > 3 ? argv[3] : "";
	struct cpu cpus[CPUS];
	uint32_t i;

	for (i = 0; i < CPUS; i++)
		make(&cpus[i], i, waits, slow);
	if (!*only || !strcmp(only, "as-it-comes"))
		show("as it comes", cpus, 0, waits);
	if (!*only || !strcmp(only, "none-kept"))
		show("none kept", cpus, 3600000 * MS, waits);
	if (!*only || !strcmp(only, "slow-kept"))
		show("slow kept", cpus, 500 * MS, waits);
	for (i = 0; i < CPUS; i++) {
		free(cpus[i].s.data);
		free(cpus[i].rounds);
	}
	return 0;
}
