// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that wait in ways that are known, and measure it themselves.
 *
 *	waits sleep|pipe|mutex|spin|fault ROUNDS
 *	waits yield MS		two threads on each CPU that yield to each other; tells their switches
 *
 * Waits for a byte on standard input, does that many rounds and prints a line for each of its threads:
 * "thread NAME TID begin NS end NS waited NS cpu NS": when it began and ended and the sum over the calls that wait, by
 * CLOCK_MONOTONIC, and the CPU time that the kernel gives it in between. Each kind of wait is made by inner_KIND(), which outer_KIND() calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_NS 5000000

struct job {
	const char *name;
	void (*body)(struct job *job);
	long rounds;
	int from, to;
	pthread_t thread;
	pid_t tid;
	long begin, end, waited, cpu, switches;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char *pages;
static long page_size;
static int faults;
static volatile long sink;

static long clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void __attribute__((noinline)) inner_sleep(void)
{
	struct timespec t = { 0, SLEEP_NS };

	nanosleep(&t, NULL);
}

static void __attribute__((noinline)) outer_sleep(struct job *job)
{
	long begin;

	for (long i = 0; i < job->rounds; i++) {
		begin = now();
		inner_sleep();
		job->waited += now() - begin;
	}
}

static void __attribute__((noinline)) inner_pipe(int from)
{
	char byte;

	if (read(from, &byte, 1) != 1)
		exit(1);
}

static void __attribute__((noinline)) outer_pipe(struct job *job)
{
	long begin;

	for (long i = 0; i < job->rounds; i++) {
		begin = now();
		inner_pipe(job->from);
		job->waited += now() - begin;
		if (write(job->to, "x", 1) != 1)
			exit(1);
	}
}

static void __attribute__((noinline)) inner_mutex(void)
{
	pthread_mutex_lock(&mutex);
}

static void __attribute__((noinline)) outer_mutex(struct job *job)
{
	long begin;

	for (long i = 0; i < job->rounds; i++) {
		begin = now();
		inner_mutex();
		job->waited += now() - begin;
		begin = now();
		while (now() - begin < 200000)
			;
		pthread_mutex_unlock(&mutex);
	}
}

static void __attribute__((noinline)) outer_spin(struct job *job)
{
	for (long i = 0; i < job->rounds * 1000000; i++)
		sink = i;
}

static void __attribute__((noinline)) inner_fault(long page)
{
	sink = pages[page * page_size];
}

static void __attribute__((noinline)) outer_fault(struct job *job)
{
	long begin;

	for (long i = 0; i < job->rounds; i++) {
		begin = now();
		inner_fault(i);
		job->waited += now() - begin;
	}
}

/* Serves each page two milliseconds late. */
static void serve_faults(struct job *job)
{
	char *page = aligned_alloc(page_size, page_size);
	struct timespec late = { 0, 2000000 };
	struct uffd_msg message;

	memset(page, 1, page_size);
	for (long i = 0; i < job->rounds; i++) {
		if (read(faults, &message, sizeof(message)) != sizeof(message))
			exit(1);
		nanosleep(&late, NULL);
		struct uffdio_copy copy = {
			.dst = message.arg.pagefault.address & -page_size,
			.src = (unsigned long)page,
			.len = page_size,
		};
		if (ioctl(faults, UFFDIO_COPY, &copy))
			exit(1);
	}
}

static void prepare_faults(long rounds)
{
	struct uffdio_api api = { .api = UFFD_API };

	pages = mmap(NULL, rounds * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 && errno == ENOSYS)
		exit(3);
	struct uffdio_register range = {
		.range = { .start = (unsigned long)pages, .len = rounds * page_size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range)) {
		perror("userfaultfd");
		exit(2);
	}
}

static void pin_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void __attribute__((noinline)) outer_yield(struct job *job)
{
	const long until = now() + job->rounds * 1000000;
	struct rusage used;

	pin_to(job->from);
	while (now() < until)
		for (int i = 0; i < 64; i++)
			sched_yield();
	getrusage(RUSAGE_THREAD, &used);
	job->switches = used.ru_nvcsw + used.ru_nivcsw;
}

static void *run(void *argument)
{
	struct job *job = argument;
	job->begin = now();
	job->cpu = -clock_ns(CLOCK_THREAD_CPUTIME_ID);
	job->tid = gettid();
	pthread_setname_np(pthread_self(), job->name);
	job->body(job);
	job->cpu += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	job->end = now();
	return NULL;
}

static void run_all(struct job *jobs, int nr)
{
	for (int i = 0; i < nr; i++)
		pthread_create(&jobs[i].thread, NULL, run, &jobs[i]);
	for (int i = 0; i < nr; i++) {
		pthread_join(jobs[i].thread, NULL);
		printf("thread %s %d begin %ld end %ld waited %ld cpu %ld\n", jobs[i].name, jobs[i].tid, jobs[i].begin,
		       jobs[i].end, jobs[i].waited, jobs[i].cpu);
	}
}

static void yield_everywhere(long ms)
{
	const int nr = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	struct job *jobs = calloc(nr, sizeof(*jobs));
	long switches = 0, begin = now();

	for (int i = 0; i < nr; i++)
		jobs[i] = (struct job){ "yielder", outer_yield, ms, .from = i / 2 };
	run_all(jobs, nr);
	for (int i = 0; i < nr; i++)
		switches += jobs[i].switches;
	printf("switches %ld in %ld ns\n", switches, now() - begin);
	free(jobs);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	long rounds = argc > 2 ? atol(argv[2]) : 1;
	int a[2], b[2];
	char byte;

	page_size = sysconf(_SC_PAGESIZE);
	if (pipe(a) || pipe(b) || read(0, &byte, 1) < 0)
		return 1;
	if (!strcmp(kind, "sleep")) {
		run_all((struct job[]){ { "sleeper", outer_sleep, rounds } }, 1);
	} else if (!strcmp(kind, "pipe")) {
		if (write(a[1], "x", 1) != 1)
			return 1;
		run_all((struct job[]){ { "ping", outer_pipe, rounds, a[0], b[1] },
					{ "pong", outer_pipe, rounds, b[0], a[1] } }, 2);
	} else if (!strcmp(kind, "mutex")) {
		run_all((struct job[]){ { "left", outer_mutex, rounds }, { "right", outer_mutex, rounds } }, 2);
	} else if (!strcmp(kind, "spin")) {
		pin_to(0);
		run_all((struct job[]){ { "spin1", outer_spin, rounds }, { "spin2", outer_spin, rounds } }, 2);
	} else if (!strcmp(kind, "fault")) {
		prepare_faults(rounds);
		run_all((struct job[]){ { "fault", outer_fault, rounds }, { "server", serve_faults, rounds } }, 2);
	} else if (!strcmp(kind, "yield")) {
		yield_everywhere(rounds);
	} else {
		fprintf(stderr, "waits: unknown kind %s\n", kind);
		return 2;
	}
	return 0;
}
