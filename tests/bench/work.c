// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the benchmark profiles, and the meter inside it. Runs in a guest whose
 * time-stamp counter counts instructions, one CPU, pinned to nothing else.
 *
 *	work calibrate			ticks of the counter for known instructions
 *	work stack DEPTH ROUNDS		read the counter in a loop, below DEPTH frames of
 *					recursion, main and its caller; a gap is what
 *					interrupts took away
 *	work varied DEPTH ROUNDS	the same through many call chains
 *	work kernel 0 ROUNDS		readlink() in a loop: stacks in the kernel
 *	work switch DEPTH ROUNDS	a byte to a child and back, both below DEPTH frames: a
 *					round is two waits, with two switches to and fro
 *	work yield 0 ROUNDS		two processes that yield to each other: a round is two
 *					switches without a waking
 *	work soak DEPTH			as "stack", until SIGTERM, taking all time that
 *					nobody else wants: tells what others took
 *	work time NAME COMMAND…		run COMMAND, tell its user and system time
 *	work offset			how far its trace context is from the thread pointer; it is
 *					always in a span
 *
 * Prints one line of key=value. TICK_NS in the environment is the scheduler's
 * period, TICK_PHASE where in it (on CLOCK_MONOTONIC) its tick fires: gaps that
 * hold such a tick are set apart. Without TICK_PHASE all gaps are taken for
 * scheduler ticks and the phase is told, which is right without a profiler.
 */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tickprof/context.h>

#define GAPS_MAX	65536
#define THRESHOLD	500	/* instructions: no interrupt is cheaper */
#define CHAINS		64

struct gap {
	uint64_t start;
	uint64_t end;
};

static struct gap gaps[GAPS_MAX];
static uint32_t stolen[2][GAPS_MAX];	/* by "holds a scheduler tick" */
static volatile sig_atomic_t stopped;
static uint64_t rounds_done;
static int pipes[2][2];		/* "switch": to the child, and back */
static uint64_t base_cost = UINT64_MAX;	/* instructions of an undisturbed round */

static uint64_t counter(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* One round: long enough that reading the counter costs the emulator little. */
static inline void spin(void)
{
	asm volatile(".rept 200\n\tnop\n\t.endr" : : : "memory");
}

/*
 * A leaf: passes a byte to and fro; what each round took goes to stolen[0]. Returns
 * how many there are.
 */
static __attribute__((noinline)) uint64_t pass_byte(uint64_t rounds)
{
	uint64_t then, nr = 0;
	char byte = 0;

	if (rounds > GAPS_MAX)
		rounds = GAPS_MAX;
	while (nr < rounds) {
		then = counter();
		if (write(pipes[0][1], &byte, 1) != 1 || read(pipes[1][0], &byte, 1) != 1)
			break;
		stolen[0][nr++] = counter() - then;
	}
	return nr;
}

/* The same without a byte: until the child had its turn. */
static uint64_t yield(uint64_t rounds)
{
	uint64_t then, nr = 0;

	if (rounds > GAPS_MAX)
		rounds = GAPS_MAX;
	while (nr < rounds) {
		then = counter();
		sched_yield();
		stolen[0][nr++] = counter() - then;
	}
	return nr;
}

/* The leaf of its child. */
static __attribute__((noinline)) uint64_t return_byte(uint64_t rounds)
{
	char byte;

	while (read(pipes[0][0], &byte, 1) == 1 && write(pipes[1][1], &byte, 1) == 1)
		;
	return rounds;
}

/* The leaf. Returns the number of gaps. */
static __attribute__((noinline)) uint64_t measure_gaps(uint64_t rounds)
{
	uint64_t then, now, nr = 0;

#ifndef NO_FRAME_POINTERS
	/* A leaf would otherwise do without a frame, and hide its caller. */
	asm volatile("" : : "r"(__builtin_frame_address(0)));
#endif
	then = counter();
	while (rounds-- && !stopped) {
		spin();
		rounds_done++;
		now = counter();
		if (now - then < base_cost)
			base_cost = now - then;
		if (now - then > base_cost + THRESHOLD && nr < GAPS_MAX)
			gaps[nr++] = (struct gap){ then, now };
		then = now;
	}
	return nr;
}

/* The same with a system call for a round. */
static uint64_t measure_kernel(const char *link, uint64_t rounds)
{
	uint64_t then, now, nr = 0;
	char target[64];

	then = counter();
	while (rounds--) {
		if (readlink(link, target, sizeof(target)) < 0)
			return 0;
		now = counter();
		if (now - then < base_cost)
			base_cost = now - then;
		if (now - then > base_cost + THRESHOLD && nr < GAPS_MAX)
			gaps[nr++] = (struct gap){ then, now };
		then = now;
	}
	return nr;
}

static uint64_t (*measure)(uint64_t) = measure_gaps;

static __attribute__((noinline)) uint64_t descend(uint32_t frames, uint64_t rounds)
{
	uint64_t nr = frames > 1 ? descend(frames - 1, rounds) : measure(rounds);

	asm volatile("" : "+r"(nr));	/* no tail call */
	return nr;
}

static uint64_t descend_b(uint32_t frames, uint64_t rounds, uint32_t path);

/* The bits of path choose between two callers a frame. */
static __attribute__((noinline)) uint64_t descend_a(uint32_t frames, uint64_t rounds, uint32_t path)
{
	uint64_t nr;

	if (frames <= 1)
		nr = measure(rounds);
	else if (path & 1)
		nr = descend_b(frames - 1, rounds, path >> 1);
	else
		nr = descend_a(frames - 1, rounds, path >> 1);
	asm volatile("" : "+r"(nr));
	return nr;
}

static __attribute__((noinline)) uint64_t descend_b(uint32_t frames, uint64_t rounds, uint32_t path)
{
	uint64_t nr;

	if (frames <= 1)
		nr = measure(rounds);
	else if (path & 1)
		nr = descend_b(frames - 1, rounds, path >> 1);
	else
		nr = descend_a(frames - 1, rounds, path >> 1);
	asm volatile("" : "+r"(nr));
	return nr;
}

/*
 * The C library's start-up code keeps no frame pointer. This is the root of a
 * chain of known length, for tables by its CFI, for frame pointers as in a static
 * program: by a pointer that lies in nobody's memory. (Where it points to user memory that is not there, as in
 * dynamic programs, perf takes a page fault of about 500 instructions more.)
 */
uint64_t at_root(uint64_t (*function)(uint32_t, uint64_t, uint32_t), uint32_t frames,
		 uint64_t rounds, uint32_t path);
asm(".text\n"
    "at_root:\n\t"
    ".cfi_startproc\n\t"
    ".cfi_undefined rip\n\t"
    "push %rbp\n\t"
    ".cfi_def_cfa_offset 16\n\t"
    "mov $-1, %rbp\n\t"
    "mov %rdi, %rax\n\t"
    "mov %esi, %edi\n\t"
    "mov %rdx, %rsi\n\t"
    "mov %ecx, %edx\n\t"
    "call *%rax\n\t"
    "pop %rbp\n\t"
    "ret\n\t"
    ".cfi_endproc");

/* In place of main(). */
static uint64_t plain(uint32_t frames, uint64_t rounds, uint32_t path)
{
	uint64_t nr = descend(frames, rounds);

	asm volatile("" : "+r"(nr) : "r"(path));
	return nr;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Where in a period of the scheduler's tick the first of these gaps began, corrected by the median of all. */
static int64_t find_phase(const int64_t *at, uint64_t nr, int64_t period)
{
	static uint32_t distance[GAPS_MAX];
	uint64_t i;

	if (!nr)
		return 0;
	for (i = 0; i < nr; i++)
		distance[i] = ((at[i] - at[0]) % period + period + period / 2) % period;
	qsort(distance, nr, sizeof(*distance), by_size);
	return ((at[0] + distance[nr / 2] - period / 2) % period + period) % period;
}

/* mean: of the middle four fifths. */
static void print_gaps(const char *name, uint32_t *values, uint64_t nr)
{
	uint64_t low = nr / 10, high = nr - nr / 10, sum = 0, i;

	qsort(values, nr, sizeof(*values), by_size);
	printf(" %s=%lu", name, nr);
	if (!nr)
		return;
	for (i = low; i < high; i++)
		sum += values[i];
	printf(" %s_median=%u %s_mean=%lu %s_p10=%u %s_p90=%u %s_max=%u", name, values[nr / 2], name,
	       sum / (high - low), name, values[low], name, values[high - 1], name, values[nr - 1]);
}

static void report(uint64_t nr, const uint64_t counters[2], const uint64_t clocks[2])
{
	static int64_t at[GAPS_MAX];
	const char *period_text = getenv("TICK_NS"), *phase_text = getenv("TICK_PHASE");
	int64_t period = period_text ? atoll(period_text) : 4000000;
	double ns = (double)(clocks[1] - clocks[0]) / (counters[1] - counters[0]);
	uint64_t i, count[2] = { 0, 0 };
	int64_t phase;

	for (i = 0; i < nr; i++)
		at[i] = clocks[0] + (int64_t)((gaps[i].start - counters[0]) * ns);
	phase = phase_text ? atoll(phase_text) : find_phase(at, nr, period);
	for (i = 0; i < nr; i++) {
		uint64_t length = gaps[i].end - gaps[i].start;
		/* From a microsecond before the gap, the clocks being read one after the other. */
		int64_t since = ((at[i] - 1000 - phase) % period + period) % period;
		int holds = since + 1000 + (int64_t)(length * ns) >= period;

		stolen[holds][count[holds]++] = length - base_cost;
	}
	printf(" phase=%ld ns_per_tick=%.6f", phase, ns);
	print_gaps("gaps", stolen[0], count[0]);
	print_gaps("ticked", stolen[1], count[1]);
}

/* Many short visits to each chain; gaps are not told. */
static uint64_t visit_chains(uint32_t depth, uint64_t rounds)
{
	uint64_t i;

	for (i = 0; i < CHAINS * 16; i++)
		at_root(descend_a, depth, rounds / (CHAINS * 16), i % CHAINS);
	return 0;
}

static void run(const char *mode, uint32_t depth, uint64_t rounds)
{
	static const char link[] = "/tmp/link";
	uint64_t counters[2], clocks[2], nr;

	memset(gaps, 0xff, sizeof(gaps));
	if (!strcmp(mode, "kernel") && (unlink(link), symlink("/tmp/nothing", link)))
		exit(1);
	clocks[0] = monotonic();
	counters[0] = counter();
	if (!strcmp(mode, "kernel"))
		nr = measure_kernel(link, rounds);
	else if (!strcmp(mode, "varied"))
		nr = visit_chains(depth, rounds);
	else
		nr = at_root(plain, depth, rounds, 0);
	counters[1] = counter();
	clocks[1] = monotonic();
	printf("mode=%s elapsed=%lu base=%lu", mode, counters[1] - counters[0], base_cost);
	report(nr, counters, clocks);
	putchar('\n');
}

static void run_switch(uint32_t depth, uint64_t rounds)
{
	uint64_t elapsed, nr;
	pid_t child;

	if (pipe(pipes[0]) || pipe(pipes[1]))
		exit(1);
	child = fork();
	if (child < 0)
		exit(1);
	if (!child) {
		close(pipes[0][1]);
		measure = return_byte;
		at_root(plain, depth, rounds, 0);
		_exit(0);
	}
	measure = pass_byte;
	at_root(plain, depth, 100, 0);	/* all is in memory from here on */
	elapsed = counter();
	nr = at_root(plain, depth, rounds, 0);
	elapsed = counter() - elapsed;
	printf("mode=switch elapsed=%lu", elapsed);
	print_gaps("rounds", stolen[0], nr);
	putchar('\n');
	close(pipes[0][1]);
	waitpid(child, NULL, 0);
}

static void run_yield(uint64_t rounds)
{
	pid_t child = fork();
	uint64_t nr;

	if (child < 0)
		exit(1);
	while (!child)
		sched_yield();
	nr = yield(rounds);
	printf("mode=yield");
	print_gaps("rounds", stolen[0], nr);
	putchar('\n');
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void soak(uint32_t depth)
{
	uint64_t start, elapsed;

	signal(SIGTERM, stop);
	start = counter();
	at_root(plain, depth, UINT64_MAX, 0);
	elapsed = counter() - start;
	printf("mode=soak depth=%u elapsed=%lu taken=%lu\n", depth, elapsed,
	       elapsed - rounds_done * base_cost);
}

static void calibrate(void)
{
	uint64_t best = UINT64_MAX, then, now, i;

	for (i = 0; i < 100; i++) {
		then = counter();
		asm volatile("mov $10000, %%ecx\n"
			     "1:\t.rept 98\n\tnop\n\t.endr\n\t"
			     "dec %%ecx\n\t"
			     "jnz 1b" : : : "ecx", "cc");
		now = counter();
		if (now - then < best)
			best = now - then;
	}
	printf("mode=calibrate instructions=1000000 ticks=%lu\n", best);
}

static uint64_t nanoseconds(struct timeval t)
{
	return t.tv_sec * 1000000000ull + t.tv_usec * 1000;
}

static int time_command(const char *name, char **command)
{
	struct rusage usage;
	int status;

	if (vfork() == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (wait4(-1, &status, 0, &usage) < 0)
		return 1;
	printf("%s_user=%lu %s_system=%lu\n", name, nanoseconds(usage.ru_utime), name,
	       nanoseconds(usage.ru_stime));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	static const uint8_t id[16] = "a span of work's";
	const char *mode = argc > 1 ? argv[1] : "";
	struct tickprof_span span;

	tickprof_span_begin(&span, id, id, 1);
	if (argc == 2 && !strcmp(mode, "offset")) {
		char *tp;

		asm("mov %%fs:0, %0" : "=r"(tp));
		printf("%ld\n", (long)((char *)&otel_thread_ctx_v1 - tp));
		return 0;
	}
	if (argc > 3 && !strcmp(mode, "time"))
		return time_command(argv[2], argv + 3);
	if (argc == 2 && !strcmp(mode, "calibrate")) {
		calibrate();
	} else if (argc == 3 && !strcmp(mode, "soak")) {
		soak(strtoul(argv[2], NULL, 0));
	} else if (argc == 4 && !strcmp(mode, "switch")) {
		run_switch(strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	} else if (argc == 4 && !strcmp(mode, "yield")) {
		run_yield(strtoull(argv[3], NULL, 0));
	} else if (argc == 4) {
		run(mode, strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	} else {
		fprintf(stderr, "usage: work calibrate | soak DEPTH | stack|varied|kernel|switch|yield DEPTH ROUNDS\n");
		return 2;
	}
	return 0;
}
