// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads whose stack is not in memory where they work, for what the tick leaves to
 * the task. Thread i's stack is the i-th part of FILE, mapped: run_cold →
 * page_of_frame × 24 → cold_leaf → leaf, where cold_leaf has dropped the pages of
 * its callers from the page table. Thread i is called cold-i, and in leaf it is in a
 * span, every byte of whose ids is i + 1.
 *
 *	cold drop FILE SECONDS THREADS	for so long of each thread's own CPU time
 *	cold evict FILE SECONDS THREADS	the pages are dropped from the page cache, too
 *	cold user SECONDS		one thread without FILE; its pages come by userfaultfd, from another
 *					one that waits while it is in leaf; prints how many it had to give
 *	cold guess SECONDS		a thread whose frame pointer is a number, of a page far away that is not there
 *	cold exec FILE TIMES		two threads, and after 20 ms the program anew, TIMES times
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tickprof/context.h>
#include <tickprof/process.h>

#define FRAME	__attribute__((noinline, noclone))
#define STACK	(1 << 20)
#define PAGE	4096UL
#define MOST	64

static int file = -1;
static int evicts;
static uint64_t duration;
static struct cold {
	pthread_t thread;
	char *stack;
	struct tickprof_span span;
} colds[MOST];
static __thread struct cold *self;
static volatile uint64_t sink;

/* What userfaultfd gives back: the pages as they were. */
static int user_fd = -1;
static char *copy;
static volatile int in_leaf, gone, given;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static FRAME void leaf(void)
{
	int i, rounds = evicts ? 8000000 : 800000;
	uint64_t x = sink;

	for (i = 0; i < rounds; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

/* Not the last pages, where libc keeps the thread's own data. */
static FRAME void drop(uintptr_t here)
{
	char *from = (char *)((here + 2 * PAGE) & ~(PAGE - 1));
	size_t size = self->stack + STACK - 2 * PAGE - from;

	if (copy)
		memcpy(copy + (from - self->stack), from, size);
	if (evicts)
		msync(from, size, MS_SYNC);
	madvise(from, size, MADV_DONTNEED);
	if (evicts)
		posix_fadvise(file, from - colds[0].stack, size, POSIX_FADV_DONTNEED);
}

static FRAME void cold_leaf(void)
{
	uint8_t trace_id[16], span_id[8];

	memset(trace_id, self - colds + 1, sizeof(trace_id));
	memset(span_id, self - colds + 1, sizeof(span_id));
	drop((uintptr_t)__builtin_frame_address(0));
	in_leaf = 1;
	tickprof_span_begin(&self->span, trace_id, span_id, 1);
	leaf();
	tickprof_span_end(&self->span);
	in_leaf = 0;
	__asm__ volatile("");
}

static FRAME void page_of_frame(int depth)
{
	char room[PAGE];

	memset(room, depth, 16);
	__asm__ volatile("" : : "r"(room) : "memory");
	if (depth > 1)
		page_of_frame(depth - 1);
	else
		cold_leaf();
	__asm__ volatile("" : : "r"(room) : "memory");
}

static FRAME void *run_cold(void *cold)
{
	uint64_t until = cpu_ns() + duration;
	char name[16];

	self = cold;
	snprintf(name, sizeof(name), "cold-%d", (int)(self - colds));
	prctl(PR_SET_NAME, name);
	while (cpu_ns() < until)
		page_of_frame(24);
	gone = 1;
	__asm__ volatile("");
	return NULL;
}

/* For code without call frame information, a frame pointer that leads there. */
static void *run_guess(void *cold)
{
	const char *far = ((struct cold *)cold)->stack + 3 * STACK;
	uint64_t until = cpu_ns() + duration;

	while (cpu_ns() < until) {
		unsigned long rounds = 1000000;
#ifdef __x86_64__
		__asm__ volatile("mov %%rbp, %%rdx; mov %1, %%rbp; 1: dec %0; jnz 1b; mov %%rdx, %%rbp"
				 : "+r"(rounds) : "r"(far) : "rdx", "cc");
#else
		__asm__ volatile("mov x9, x29; mov x29, %1; 1: subs %0, %0, #1; b.ne 1b; mov x29, x9"
				 : "+r"(rounds) : "r"(far) : "x9", "cc");
#endif
	}
	return NULL;
}

static void start(int i, char *stack, void *(*run)(void *))
{
	pthread_attr_t attr;

	colds[i].stack = stack;
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, STACK);
	if (pthread_create(&colds[i].thread, &attr, run, &colds[i]))
		exit(1);
}

static void start_all(const char *name, int n)
{
	char *stacks;
	int i;

	file = open(name, O_RDWR | O_CREAT, 0600);
	if (file < 0)
		exit(1);
	/* Not so a block device. */
	if (lseek(file, 0, SEEK_END) < (off_t)n * STACK && ftruncate(file, (off_t)n * STACK))
		exit(1);
	stacks = mmap(NULL, (size_t)n * STACK, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (stacks == MAP_FAILED)
		exit(1);
	colds[0].stack = stacks;
	for (i = 0; i < n; i++)
		start(i, stacks + (size_t)i * STACK, run_cold);
}

/* Gives a page only while the program is not in leaf: who waits for one there, with all it holds, waits for ever. */
static void give(void)
{
	struct pollfd ready = { .fd = user_fd, .events = POLLIN };
	struct uffd_msg msg;
	struct uffdio_copy page;

	while (!gone) {
		if (in_leaf || poll(&ready, 1, 10) < 1 || in_leaf ||
		    read(user_fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		page = (struct uffdio_copy){ .dst = msg.arg.pagefault.address & ~(PAGE - 1), .len = PAGE };
		page.src = (uintptr_t)copy + (page.dst - (uintptr_t)colds[0].stack);
		given += !ioctl(user_fd, UFFDIO_COPY, &page);
	}
}

static int user(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	copy = malloc(STACK);
	user_fd = syscall(SYS_userfaultfd, O_NONBLOCK);
	if (stack == MAP_FAILED || user_fd < 0 || ioctl(user_fd, UFFDIO_API, &api))
		return 2;
	memset(stack, 0, STACK);
	range.range.start = (uintptr_t)stack;
	range.range.len = STACK;
	if (ioctl(user_fd, UFFDIO_REGISTER, &range))
		return 2;
	start(0, stack, run_cold);
	give();
	pthread_join(colds[0].thread, NULL);
	printf("%d\n", given);
	return 0;
}

static int guess(void)
{
	char *stack = mmap(NULL, 4 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		return 1;
	start(0, stack, run_guess);
	pthread_join(colds[0].thread, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int i, n = argc > 4 ? atoi(argv[4]) : 2;
	char times[16];

	tickprof_process_publish("cold", NULL, 0);
	duration = 1000000000000;
	if (!strcmp(what, "user") && argc > 2) {
		duration = atof(argv[2]) * 1e9;
		return user();
	}
	if (!strcmp(what, "guess") && argc > 2) {
		duration = atof(argv[2]) * 1e9;
		return guess();
	}
	if (argc < 4 || n < 1 || n > MOST)
		return 1;
	if (!strcmp(what, "exec")) {
		start_all(argv[2], n);
		usleep(20000);
		snprintf(times, sizeof(times), "%d", atoi(argv[3]) - 1);
		return atoi(times) > 0 ? execl("/proc/self/exe", argv[0], what, argv[2], times, NULL) : 0;
	}
	evicts = !strcmp(what, "evict");
	duration = atof(argv[3]) * 1e9;
	start_all(argv[2], n);
	for (i = 0; i < n; i++)
		pthread_join(colds[i].thread, NULL);
	return 0;
}
