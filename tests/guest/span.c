// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program whose threads are in spans, for the test that samples them. Ids tell
 * whose they are: trace_id holds the thread's number and a count, span_id a hash of
 * both, so that ids of two spans, or of two threads, cannot pass for one's.
 *
 *	span switch N SECONDS	N threads that begin and end spans without pause, in an outer one
 *	span rewrite SECONDS	one that writes its record over and over, as the protocol has it
 *	span attrs SECONDS	one with attributes of keys 1, 2 and 200
 *	span fork SECONDS	a process with a span, and a child that has one of its own
 *	span pass N		two threads that wake each other N times, each in a span
 *	span hostile		one that sets its variable to each number that it reads, and spins
 *
 * It reads a byte, spins for 0.1 s and reads another one before it begins.
 * Each thread says "thread TID FIRST LAST SWITCHES" at its end: CLOCK_MONOTONIC ns
 * between which it was in a span.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tickprof/context.h>
#include <tickprof/process.h>

static uint64_t duration;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void spin(uint64_t ns)
{
	uint64_t end = now() + ns;

	while (now() < end)
		;
}

/* Somewhere to be interrupted: an emulator takes interrupts between its blocks only. */
static void linger(void)
{
	int i;

	for (i = 0; i < 20; i++)
		__asm__ volatile("" : : : "memory");
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185ull;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44dull;
	return x ^ x >> 33;
}

static void make_ids(uint64_t tid, uint64_t count, uint8_t trace_id[16], uint8_t span_id[8])
{
	uint64_t hash = mix(tid << 40 ^ count) | 1;

	memcpy(trace_id, &tid, 8);
	memcpy(trace_id + 8, &count, 8);
	memcpy(span_id, &hash, 8);
}

static void begin(struct tickprof_span *span, uint64_t count)
{
	uint8_t trace_id[16], span_id[8];

	make_ids(syscall(SYS_gettid), count, trace_id, span_id);
	tickprof_span_begin(span, trace_id, span_id, 1);
}

static void say(uint64_t first, uint64_t last, uint64_t switches)
{
	char line[128];
	int size = snprintf(line, sizeof(line), "thread %ld %llu %llu %llu\n",
			    (long)syscall(SYS_gettid), (unsigned long long)first,
			    (unsigned long long)last, (unsigned long long)switches);

	if (write(1, line, size) != size)
		_exit(2);
}

static void *switching(void *unused)
{
	uint64_t tid = syscall(SYS_gettid), first, end, count = 0;
	struct tickprof_span outer, inner;
	uint8_t trace_id[16], span_id[8];

	begin(&outer, 0);
	first = now();
	end = first + duration;
	while (count % 64 || now() < end) {
		make_ids(tid, ++count, trace_id, span_id);
		tickprof_span_begin(&inner, trace_id, span_id, 1);
		linger();
		tickprof_span_end(&inner);
	}
	say(first, now(), 2 * count);
	tickprof_span_end(&outer);
	return unused;
}

static void *rewriting(void *unused)
{
	uint64_t tid = syscall(SYS_gettid), first, end, count = 0;
	struct tickprof_span span;
	struct tickprof_context *r = &span.context;

	begin(&span, 0);
	first = now();
	end = first + duration;
	while (count % 64 || now() < end) {
		uint8_t trace_id[16], span_id[8];

		make_ids(tid, ++count, trace_id, span_id);
		__atomic_store_n(&r->valid, 0, __ATOMIC_RELAXED);
		tickprof_order_();
		memcpy(r->trace_id, trace_id, 16);
		linger();
		memcpy(r->span_id, span_id, 8);
		tickprof_order_();
		__atomic_store_n(&r->valid, 1, __ATOMIC_RELAXED);
		tickprof_order_();
	}
	say(first, now(), count);
	tickprof_span_end(&span);
	return unused;
}

static void *spinning(void *attrs)
{
	struct tickprof_span span;
	uint64_t first;

	begin(&span, 7);
	if (attrs && (tickprof_span_set(&span, 1, "first") || tickprof_span_set(&span, 2, "second") ||
		      tickprof_span_set(&span, 200, "last") || tickprof_span_set(&span, 2, "again")))
		abort();
	first = now();
	spin(duration);
	say(first, now(), 1);
	tickprof_span_end(&span);
	return NULL;
}

static int forking(void)
{
	struct tickprof_span span;
	int status;
	pid_t child;

	begin(&span, 1);
	child = fork();
	if (child) {
		spin(duration);
		return waitpid(child, &status, 0) == child ? status : 1;
	}
	spinning(NULL);
	return 0;
}

static int turns, turn;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;

static void *passing(void *me)
{
	struct tickprof_span span;
	uint64_t first;

	begin(&span, 1 + (intptr_t)me);
	first = now();
	pthread_mutex_lock(&lock);
	while (turn < turns) {
		if (turn % 2 == (intptr_t)me) {
			turn++;
			pthread_cond_signal(&turned);
		}
		if (turn < turns)
			pthread_cond_wait(&turned, &lock);
	}
	pthread_cond_signal(&turned);
	pthread_mutex_unlock(&lock);
	say(first, now(), 1);
	tickprof_span_end(&span);
	return NULL;
}

static int hostile(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		uint64_t value = strtoull(line, NULL, 16);
		/* "self": the variable points at itself. */
		void *at = line[0] == 's' ? (void *)&otel_thread_ctx_v1 : (void *)value;

		__atomic_store_n((void **)&otel_thread_ctx_v1, at, __ATOMIC_RELAXED);
		spin(60000000);
		otel_thread_ctx_v1 = NULL;
		say(0, 0, value);
	}
	return 0;
}

static int threads(int nr, void *(*first)(void *), void *(*others)(void *))
{
	pthread_t thread[256];
	intptr_t i;

	for (i = 0; i < nr; i++)
		if (pthread_create(&thread[i], NULL, i ? others : first, (void *)i))
			return 1;
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const keys[] = { "first", "second", "third" };
	const char *what = argc > 1 ? argv[1] : "";
	char c;

	if (argc < 2 || tickprof_process_publish("span-test", keys, 3))
		return 2;
	duration = argc > 2 ? atof(argv[argc - 1]) * 1e9 : 0;
	/* So that its image is known before it matters. */
	if (read(0, &c, 1) != 1)
		return 2;
	spin(100000000);
	if (read(0, &c, 1) != 1)
		return 2;
	if (!strcmp(what, "switch") && argc > 3 && atoi(argv[2]) <= 256)
		return threads(atoi(argv[2]), switching, switching);
	if (!strcmp(what, "rewrite"))
		return threads(1, rewriting, rewriting);
	if (!strcmp(what, "attrs"))
		return spinning("") ? 1 : 0;
	if (!strcmp(what, "fork"))
		return forking();
	if (!strcmp(what, "pass")) {
		turns = atoi(argv[2]);
		return threads(2, passing, passing);
	}
	return strcmp(what, "hostile") ? 2 : hostile();
}
