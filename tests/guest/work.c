// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest tests record: known call chains with known shares of CPU time.
 * Built with frame pointers and without inlining, so every function below is a
 * frame. All work is the same counted loop, so shares are those of the counts.
 *
 *	work shares SECONDS		main → serve → request → parse | price | store, 6 : 3 : 1
 *	work spin SECONDS [NAME]	main → spin → spin_work, as thread NAME
 *	work threads SECONDS NAME…	one thread each: thread_main → spin → spin_work
 *	work tree SECONDS		main → spin, and a child that does tree_child → spin
 *	work short MS			main → short_outer → short_inner
 *	work forks N			N children that end at once, 8 at a time
 *	work pthreads N			N threads that end at once, 8 at a time
 *	work spawn N PROGRAM MS		N times PROGRAM short MS, 4 at a time
 *	work busy N SECONDS		N processes that spin
 *	work syscalls SECONDS		main → syscalls: stat and read of files
 *	work jit SECONDS		main → jit → jitted code, named in /tmp/perf-PID.map
 *	work maps SECONDS		3 threads that map code, against 3 that rename and one that mounts
 *	work script FILE		what an interpreter of FILE does: script_main → spin
 *
 * With WORK_REST=MICROSECONDS in the environment spin rests so long after each 4 ms.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))
#define ASK_EVERY 16	/* requests: the clock is a system call, as long as the shortest part on a debug kernel */
#define UNIT 40000	/* rounds of the loop: some tenths of a millisecond under emulation */

static volatile uint64_t sink;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/*
 * Inlined into each: the loop's time is its caller's own. Asking for the frame
 * makes one, which gcc leaves out of leaves that need no stack.
 */
static inline __attribute__((always_inline)) void burn(unsigned int rounds)
{
	uint64_t x = sink + 1;

	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	while (rounds--) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		__asm__ volatile("" : "+r"(x));
	}
	sink = x;
}

/* Each returns the nanoseconds that it took, all ones where it was not to ask. */
static FRAME uint64_t parse(int ask)
{
	uint64_t start = ask ? cpu_ns() : 0;

	burn(6 * UNIT);
	return ask ? cpu_ns() - start : UINT64_MAX;
}

static FRAME uint64_t price(int ask)
{
	uint64_t start = ask ? cpu_ns() : 0;

	burn(3 * UNIT);
	return ask ? cpu_ns() - start : UINT64_MAX;
}

static FRAME uint64_t store(int ask)
{
	uint64_t start = ask ? cpu_ns() : 0;

	burn(UNIT);
	return ask ? cpu_ns() - start : UINT64_MAX;
}

static void keep_least(uint64_t *least, uint64_t ns)
{
	if (ns < *least)
		*least = ns;
}

static FRAME void request(uint64_t least[3], int ask)
{
	keep_least(&least[0], parse(ask));
	keep_least(&least[1], price(ask));
	keep_least(&least[2], store(ask));
}

static uint64_t clock_cost(void)
{
	uint64_t least = -1, start;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		start = cpu_ns();
		keep_least(&least, cpu_ns() - start);
	}
	return least;
}

/*
 * Prints the least time that each part took, which is what it costs where the
 * host does not take this CPU away in the middle, how much of each is the clock's
 * own, and the number of requests.
 */
static FRAME void serve(double seconds)
{
	uint64_t until = cpu_ns() + seconds * 1e9;
	uint64_t least[3] = { -1, -1, -1 }, requests = 0;

	for (; requests % ASK_EVERY || cpu_ns() < until; requests++)
		request(least, requests % ASK_EVERY == 0);
	printf("%llu %llu %llu %llu %llu\n", (unsigned long long)least[0],
	       (unsigned long long)least[1], (unsigned long long)least[2],
	       (unsigned long long)clock_cost(), (unsigned long long)requests);
}

static useconds_t rest_us;

static FRAME void spin_work(void)
{
	burn(UNIT);
}

static FRAME void spin(double seconds)
{
	uint64_t now = cpu_ns(), until = now + seconds * 1e9, rest_at = now + 4000000;

	while ((now = cpu_ns()) < until) {
		spin_work();
		if (rest_us && now > rest_at) {
			usleep(rest_us);
			rest_at = now + 4000000;
		}
	}
	__asm__ volatile("");
}

static double thread_seconds;

static FRAME void *thread_main(void *name)
{
	prctl(PR_SET_NAME, name);
	spin(thread_seconds);
	return NULL;
}

static int threads(char **names, double seconds)
{
	pthread_t thread[16];
	int nr = 0, i;

	thread_seconds = seconds;
	for (; names[nr] && nr < 16; nr++)
		pthread_create(&thread[nr], NULL, thread_main, names[nr]);
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

static FRAME void tree_child(double seconds)
{
	spin(seconds);
	__asm__ volatile("");
}

static int tree(double seconds)
{
	if (!fork()) {
		tree_child(seconds);
		_exit(0);
	}
	spin(seconds);
	wait(NULL);
	return 0;
}

static FRAME void short_inner(double seconds)
{
	uint64_t until = cpu_ns() + seconds * 1e9;

	while (cpu_ns() < until)
		burn(UNIT / 8);
}

static FRAME void short_outer(double seconds)
{
	short_inner(seconds);
	__asm__ volatile("");
}

static int spawn(int nr, const char *program, const char *ms)
{
	int running = 0;

	for (; nr || running; ) {
		if (nr && running < 4) {
			if (!fork()) {
				execl(program, program, "short", ms, NULL);
				_exit(127);
			}
			nr--;
			running++;
			continue;
		}
		wait(NULL);
		running--;
	}
	return 0;
}

static int forks(int nr)
{
	int running = 0;

	for (; nr || running; ) {
		if (nr && running < 8) {
			if (!fork())
				_exit(0);
			nr--;
			running++;
			continue;
		}
		wait(NULL);
		running--;
	}
	return 0;
}

static void *pthreads_main(void *arg)
{
	return arg;
}

static int pthreads(int nr)
{
	pthread_t thread[8];
	int i;

	for (i = 0; i < nr; i++) {
		if (i >= 8)
			pthread_join(thread[i % 8], NULL);
		if (pthread_create(&thread[i % 8], NULL, pthreads_main, NULL))
			return 1;
	}
	for (i = 0; i < nr && i < 8; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* Wall time: they share the CPUs. Started with precedence, only the parent keeps it. */
static int busy(int nr, double seconds)
{
	while (nr--) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getpriority(PRIO_PROCESS, 0) < 0)
				setpriority(PRIO_PROCESS, 0, 0);
			for (;;)
				spin_work();
		}
	}
	usleep(seconds * 1e6);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}

static FRAME void syscalls(double seconds)
{
	uint64_t until = cpu_ns() + seconds * 1e9;
	struct stat st;
	char buf[512];
	int fd = open("/proc/self/maps", O_RDONLY);

	while (cpu_ns() < until) {
		stat("/proc/self/status", &st);
		if (pread(fd, buf, sizeof(buf), 0) < 0)
			break;
	}
	close(fd);
}

/* Makes a frame and counts its argument down. Written, made executable and named as a JIT compiler does. */
#if defined(__x86_64__)
/* push rbp; mov rbp, rsp; mov ecx, edi; loop: dec ecx; jnz loop; pop rbp; ret (Intel SDM vol. 2) */
static const unsigned char jit_code[] = {
	0x55, 0x48, 0x89, 0xe5, 0x89, 0xf9, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3,
};
#elif defined(__aarch64__)
/* stp x29, x30, [sp, #-16]!; mov x29, sp; loop: subs w0, w0, #1; b.ne loop; ldp x29, x30, [sp], #16; ret (Arm ARM C6) */
static const unsigned int jit_code[] = {
	0xa9bf7bfd, 0x910003fd, 0x71000400, 0x54ffffe1, 0xa8c17bfd, 0xd65f03c0,
};
#endif

static FRAME int jit(double seconds)
{
	uint64_t until = cpu_ns() + seconds * 1e9;
	size_t page = sysconf(_SC_PAGESIZE);
	void (*code)(int) = mmap(NULL, page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];
	FILE *map;

	memcpy((void *)code, jit_code, sizeof(jit_code));
	mprotect((void *)code, page, PROT_READ | PROT_EXEC);
	__builtin___clear_cache((char *)code, (char *)code + sizeof(jit_code));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	map = fopen(path, "w");
	fprintf(map, "%lx %zx js:~checkout shop.js:42\n", (unsigned long)code, sizeof(jit_code));
	fclose(map);
	while (cpu_ns() < until)
		code(UNIT);
	return 0;
}

/* To get a mapping's path the kernel takes locks that renaming and mounting hold. */
static volatile int maps_end;

static void *map_code(void *unused)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	while (!maps_end)
		munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), 4096);
	close(fd);
	return unused;
}

static void *rename_file(void *folder)
{
	char one[64], other[64];

	snprintf(one, sizeof(one), "%s/one.%p", (char *)folder, (void *)one);
	snprintf(other, sizeof(other), "%s/other.%p", (char *)folder, (void *)one);
	close(open(one, O_CREAT | O_WRONLY, 0600));
	while (!maps_end) {
		rename(one, other);
		rename(other, one);
	}
	unlink(one);
	return NULL;
}

static void *mount_folder(void *folder)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/mounted", (char *)folder);
	mkdir(path, 0700);
	while (!maps_end) {
		mount("none", path, "tmpfs", 0, NULL);
		umount(path);
	}
	rmdir(path);
	return NULL;
}

static int maps(double seconds)
{
	void *(*const what[])(void *) = {
		map_code, rename_file, map_code, rename_file, map_code, rename_file, mount_folder,
	};
	char folder[] = "/dev/shm/maps.XXXXXX";
	pthread_t thread[7];
	int i;

	if (!mkdtemp(folder))
		return 1;
	for (i = 0; i < 7; i++)
		pthread_create(&thread[i], NULL, what[i], folder);
	usleep(seconds * 1e6);
	maps_end = 1;
	for (i = 0; i < 7; i++)
		pthread_join(thread[i], NULL);
	return rmdir(folder);
}

static FRAME void script_main(void)
{
	spin(0.6);
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	double number = argc > 2 ? atof(argv[2]) : 0;

	rest_us = getenv("WORK_REST") ? atoi(getenv("WORK_REST")) : 0;
	if (!strcmp(what, "shares")) {
		serve(number);
	} else if (!strcmp(what, "spin")) {
		if (argc > 3)
			prctl(PR_SET_NAME, argv[3]);
		spin(number);
	} else if (!strcmp(what, "threads")) {
		return threads(argv + 3, number);
	} else if (!strcmp(what, "tree")) {
		return tree(number);
	} else if (!strcmp(what, "short")) {
		short_outer(number / 1000);
	} else if (!strcmp(what, "forks")) {
		return forks(number);
	} else if (!strcmp(what, "pthreads")) {
		return pthreads(number);
	} else if (!strcmp(what, "spawn") && argc > 4) {
		return spawn(number, argv[3], argv[4]);
	} else if (!strcmp(what, "busy") && argc > 3) {
		setpgid(0, 0);
		return busy(number, atof(argv[3]));
	} else if (!strcmp(what, "syscalls")) {
		syscalls(number);
	} else if (!strcmp(what, "jit")) {
		return jit(number);
	} else if (!strcmp(what, "maps")) {
		return maps(number);
	} else if (!strcmp(what, "script")) {
		script_main();
	} else {
		fprintf(stderr, "work: see the head of work.c\n");
		return 2;
	}
	return 0;
}
