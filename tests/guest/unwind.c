// SPDX-License-Identifier: GPL-2.0-only
/*
 * What unwind.test records: known call chains in code without frame pointers.
 * Every function below is a frame of its own; work is done in "leaf" only.
 *
 *	unwind deep DEPTH SECONDS	main → level × DEPTH → leaf
 *	unwind qsort SECONDS		main → sort → qsort … compare → sort … → leaf, three deep
 *	unwind signal|altstack SECONDS	main → interrupted → (signal) → handler → handle → leaf
 *	unwind timer SECONDS		main → timed → leaf → (signal) → handler → handle → leaf
 *	unwind plugin FILE SECONDS	main → open_plugin → plugin_run → plugin_leaf, dlopened
 *	unwind plt SECONDS		main → calls → functions of libc by way of the PLT
 *	unwind thread SECONDS		thread_main → level × 10 → leaf, in a thread
 *	unwind swap A B ROUNDS		plugin_run of A and of B by turns, dlopened and closed, as
 *					threads "one" and "two"; prints how often both had one address
 *	unwind execs PROGRAM [US] SECONDS	PROGRAM nothing, again and again, US microseconds apart; prints how often
 *	unwind nothing			ends
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))
#define ROUNDS 40000

static volatile uint64_t sink;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static FRAME void leaf(void)
{
	uint64_t x = sink + 1;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

/* Odd levels have a frame that is not a round number of words. */
static FRAME void level(int depth)
{
	char room[40];

	memset(room, depth, 16);
	__asm__ volatile("" : : "r"(room) : "memory");
	if (depth > 1)
		level(depth - 1);
	else
		leaf();
	__asm__ volatile("" : : "r"(room) : "memory");
}

/* musl's clock has no call frame information: it is asked seldom. */
static FRAME void deep(int depth, uint64_t until)
{
	int i;

	while (cpu_ns() < until)
		for (i = 0; i < 16; i++)
			level(depth);
	__asm__ volatile("");
}

static int sorts;

static FRAME void sort(void);

static FRAME int compare(const void *a, const void *b)
{
	if (sorts < 3)
		sort();
	else
		leaf();
	return *(const int *)a - *(const int *)b;
}

static FRAME void sort(void)
{
	int numbers[3] = { 3, 1, 2 };

	sorts++;
	qsort(numbers, 3, sizeof(numbers[0]), compare);
	sorts--;
}

static volatile sig_atomic_t handled;

static FRAME void handle(void)
{
	int i;

	for (i = 0; i < 8; i++)
		leaf();
	handled++;
}

static FRAME void handler(int number)
{
	handle();
	__asm__ volatile("");
}

static FRAME void interrupted(uint64_t until)
{
	char room[24];

	while (cpu_ns() < until) {
		memset(room, 1, sizeof(room));
		__asm__ volatile("" : : "r"(room) : "memory");
		kill(getpid(), SIGUSR1);
	}
}

static FRAME void signals(uint64_t until, int alternate)
{
	static char stack[1 << 16];
	struct sigaction action = { .sa_handler = handler, .sa_flags = alternate ? SA_ONSTACK : 0 };
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };

	if (alternate)
		sigaltstack(&other, NULL);
	sigaction(SIGUSR1, &action, NULL);
	interrupted(until);
	__asm__ volatile("");
}

static FRAME void timed(uint64_t until)
{
	struct itimerval every = { .it_interval.tv_usec = 5000, .it_value.tv_usec = 5000 };
	int i;

	signal(SIGPROF, handler);
	setitimer(ITIMER_PROF, &every, NULL);
	while (cpu_ns() < until)
		for (i = 0; i < 256; i++)
			leaf();
	__asm__ volatile("");
}

static FRAME void calls(uint64_t until)
{
	static char a[64], b[64];
	int i;

	while (cpu_ns() < until)
		for (i = 0; i < 200; i++) {
			sink += strtol("12345", NULL, 10) + abs((int)sink) + strcmp(a, b) + rand();
			sink += ffs((int)sink) + (uintptr_t)memchr(a, i, sizeof(a)) + labs((long)sink);
		}
	__asm__ volatile("");
}

static FRAME void *thread_main(void *until)
{
	deep(10, *(uint64_t *)until);
	__asm__ volatile("");
	return NULL;
}

static FRAME void *run_thread_ns(void *ns)
{
	uint64_t until = cpu_ns() + *(uint64_t *)ns;

	return thread_main(&until);
}

#ifndef STATIC
static FRAME int call_plugin(const char *file, double seconds, void **address)
{
	void *plugin = dlopen(file, RTLD_NOW);
	void (*run)(double) = plugin ? dlsym(plugin, "plugin_run") : NULL;

	if (!run) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*address = run;
	run(seconds);
	return dlclose(plugin);
}

/* Equal layouts: the second is mapped where the first was. */
static FRAME int swap(char **file, int rounds)
{
	void *address[2] = { NULL, NULL };
	int i, same = 0, failed = 0;

	for (i = 0; i < rounds && !failed; i++) {
		prctl(PR_SET_NAME, i % 2 ? "two" : "one");
		failed = call_plugin(file[i % 2], 0.01, &address[i % 2]);
		same += i && address[0] == address[1];
	}
	printf("%d of %d at the same address\n", same, rounds);
	return failed;
}
#endif

static FRAME int execs(char *program, unsigned int pause_us, uint64_t until)
{
	char *argv[] = { program, "nothing", NULL };
	volatile int n = 0;
	int status = 0;
	pid_t pid;

	for (; !status && wall_ns() < until; n++) {
		pid = vfork();
		if (!pid) {
			execv(program, argv);
			_exit(127);
		}
		waitpid(pid, &status, 0);
		if (pause_us)
			usleep(pause_us);
	}
	printf("%d execs\n", n);
	return status != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	double seconds = argc > 2 ? atof(argv[argc - 1]) : 1;
	uint64_t ns = seconds * 1e9, until = cpu_ns() + ns;
	pthread_t thread;

	if (!strcmp(what, "deep") && argc > 3) {
		deep(atoi(argv[2]), until);
	} else if (!strcmp(what, "qsort")) {
		while (cpu_ns() < until)
			sort();
	} else if (!strcmp(what, "signal") || !strcmp(what, "altstack")) {
		signals(until, what[0] == 'a');
	} else if (!strcmp(what, "timer")) {
		timed(until);
	} else if (!strcmp(what, "plt")) {
		calls(until);
	} else if (!strcmp(what, "thread")) {
		pthread_create(&thread, NULL, run_thread_ns, &ns);
		pthread_join(thread, NULL);
#ifndef STATIC
	} else if (!strcmp(what, "plugin") && argc > 3) {
		void *address;

		return call_plugin(argv[2], seconds, &address);
	} else if (!strcmp(what, "swap") && argc > 4) {
		return swap(argv + 2, atoi(argv[4]));
#endif
	} else if (!strcmp(what, "execs") && argc > 3) {
		return execs(argv[2], argc > 4 ? atoi(argv[3]) : 0, wall_ns() + ns);
	} else if (!strcmp(what, "nothing")) {
		return 0;
	} else {
		fprintf(stderr, "unwind: see the head of unwind.c\n");
		return 2;
	}
	return 0;
}
