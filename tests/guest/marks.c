// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that marks spans whose CPU time it measures itself, around each mark and within it.
 *
 *	marks work THREADS ROUNDS	a trace a thread: "request" around "compute" { "inner" }, "wait"
 *	marks short			three spans of "compute", and an end without a word
 *	marks killed			the same, and SIGKILL
 *	marks flood SPANS		as fast as it can, from one thread, as "flood"
 *	marks hostile			rings that are none, ahead of one that is; "compute" in it
 *	marks wander			"wander", which ends on another thread
 *	marks rare ROUNDS		a trace a round, "quick"; one of them, "slow", sleeps for a second as well
 *
 * Prints a line a span: NAME TRACE-ID SPAN-ID PARENT-ID WITHIN AROUND, the latter ns of the thread's
 * CPU clock. AROUND - WITHIN is what clocks, marks and whoever interrupts these take.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tickprof/marks.h>

struct measured {
	struct tickprof_mark mark;
	const char *name;
	uint8_t id[8], parent[8];
	uint64_t around, within;
};

static int seed;

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void new_id(uint8_t *id, size_t size)
{
	uint32_t words[4] = { getpid(), __atomic_add_fetch(&seed, 1, __ATOMIC_RELAXED), 1, 2 };

	memcpy(id, words, size);
}

/* trace_id: of a span without parent; NULL: the outer span's. */
static void begin(struct measured *m, const char *name, const uint8_t *trace_id,
		  const struct measured *outer)
{
	const uint8_t *trace = outer ? outer->mark.span.context.trace_id : trace_id;

	m->name = name;
	new_id(m->id, sizeof(m->id));
	memset(m->parent, 0, sizeof(m->parent));
	if (outer)
		memcpy(m->parent, outer->id, sizeof(m->parent));
	m->around = now(CLOCK_THREAD_CPUTIME_ID);
	tickprof_mark_begin(&m->mark, trace, m->id, outer ? m->parent : NULL, 1, name);
	m->within = now(CLOCK_THREAD_CPUTIME_ID);
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
	for (; n; n--, bytes++, out += 2)
		sprintf(out, "%02x", *bytes);
}

static void say(const struct measured *m)
{
	char trace[33], id[17], parent[17];

	hex(m->mark.span.context.trace_id, 16, trace);
	hex(m->id, 8, id);
	hex(m->parent, 8, parent);
	printf("%s %s %s %s %llu %llu\n", m->name, trace, id, parent, (unsigned long long)m->within,
	       (unsigned long long)m->around);
}

static void end(struct measured *m)
{
	m->within = now(CLOCK_THREAD_CPUTIME_ID) - m->within;
	tickprof_mark_end(&m->mark);
	m->around = now(CLOCK_THREAD_CPUTIME_ID) - m->around;
	say(m);
}

static void compute(uint64_t ms)
{
	uint64_t until = now(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000;

	while (now(CLOCK_THREAD_CPUTIME_ID) < until)
		;
}

static void *work(void *rounds)
{
	const struct timespec rest = { .tv_nsec = 5000000 };
	struct measured request, span, inner;
	uint8_t trace[16];
	intptr_t i;

	new_id(trace, sizeof(trace));
	begin(&request, "request", trace, NULL);
	for (i = 0; i < (intptr_t)rounds; i++) {
		begin(&span, "compute", NULL, &request);
		compute(4);
		begin(&inner, "inner", NULL, &span);
		compute(5 + i % 10);
		end(&inner);
		end(&span);
		begin(&span, "wait", NULL, &request);
		nanosleep(&rest, NULL);
		compute(3);
		end(&span);
	}
	end(&request);
	return NULL;
}

static void some(void)
{
	struct measured span;
	uint8_t trace[16];
	int i;

	new_id(trace, sizeof(trace));
	for (i = 0; i < 3; i++) {
		begin(&span, "compute", trace, NULL);
		compute(5);
		end(&span);
	}
	fflush(stdout);
}

static void flood(long spans)
{
	struct measured span;
	uint8_t trace[16];

	new_id(trace, sizeof(trace));
	while (spans--) {
		new_id(span.id, sizeof(span.id));
		tickprof_mark_begin(&span.mark, trace, span.id, NULL, 0, "flood");
		tickprof_mark_end(&span.mark);
	}
}

/* What readers may be shown instead of a ring: nothing, noise, and one that ends too soon. */
static void hostile(void)
{
	int kind;

	for (kind = 0; kind < 3; kind++) {
		const size_t size = kind == 2 ? 4096 : sizeof(struct tickprof_ring_);
		int fd = syscall(SYS_memfd_create, "TICKPROF_SPANS", 0);
		struct tickprof_ring_ *ring;

		if (fd < 0 || ftruncate(fd, size))
			abort();
		ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (ring == MAP_FAILED)
			abort();
		if (kind)
			memset(ring, 0xa5, size);
		if (kind == 2) {
			memcpy(&ring->signature, "TPSPANS1", 8);
			ring->entries_at = ring->entry_size = 128;
			ring->nr_entries = 65536;
			ring->head = 70000;
		}
	}
	some();
}

static void rare(int rounds)
{
	const struct timespec rest = { .tv_sec = 1 };
	struct measured span;
	uint8_t trace[16];
	int i;

	for (i = 0; i < rounds; i++) {
		new_id(trace, sizeof(trace));
		begin(&span, i == rounds / 2 ? "slow" : "quick", trace, NULL);
		compute(40);
		if (i == rounds / 2)
			nanosleep(&rest, NULL);
		end(&span);
	}
}

static void *finish(void *m)
{
	tickprof_switch(NULL);
	tickprof_mark_end(m);
	return NULL;
}

static void wander(void)
{
	struct measured span;
	uint8_t trace[16];
	pthread_t thread;

	new_id(trace, sizeof(trace));
	begin(&span, "wander", trace, NULL);
	compute(5);
	pthread_create(&thread, NULL, finish, &span.mark);
	pthread_join(thread, NULL);
	say(&span);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *slow = getenv("TICKPROF_SLOW");
	pthread_t threads[64];
	int i, nr = argc > 3 ? atoi(argv[2]) : 0;

	if (tickprof_process_publish("marker", NULL, 0))
		return 1;
	if (!strcmp(what, "hostile"))
		hostile();
	if (tickprof_marks_open())
		return 1;
	/* The recording's, to find it in: a guest that emulates its processor takes its time. */
	compute(400 * (slow ? atoi(slow) : 1));
	if (!strcmp(what, "short") || !strcmp(what, "killed"))
		some();
	if (!strcmp(what, "killed"))
		kill(getpid(), SIGKILL);
	if (!strcmp(what, "flood"))
		flood(atol(argv[2]));
	if (!strcmp(what, "wander"))
		wander();
	if (!strcmp(what, "rare"))
		rare(atoi(argv[2]));
	if (!strcmp(what, "short"))
		_exit(0);
	for (i = 0; i < nr; i++)
		pthread_create(&threads[i], NULL, work, (void *)(intptr_t)atoi(argv[3]));
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
