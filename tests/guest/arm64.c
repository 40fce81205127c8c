// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only arm64 has: signed return addresses and stacks whose pointers bear a
 * tag. Built with frame pointers, in leaves too, and branch protection.
 *
 *	arm64 signed SECONDS	main → sign_outer → sign_middle → sign_inner
 *	arm64 tagged SECONDS	main → tagged → tag_outer → tag_inner, the last two on such a stack
 *	arm64 packets SECONDS	main → packets: to ourselves, so that soft interrupts run below send()
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define FRAME __attribute__((noinline, noclone, no_icf))
#define TAG 0x5aULL
#define STACK_SIZE (64 << 10)

static double seconds;

static double cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static inline __attribute__((always_inline)) void spin(void)
{
	double until = cpu() + seconds;
	unsigned int i;

	do {
		for (i = 0; i < 100000; i++)
			__asm__ volatile("");
	} while (cpu() < until);
}

static FRAME void sign_inner(void)
{
	spin();
	__asm__ volatile("");
}

static FRAME void sign_middle(void)
{
	sign_inner();
	__asm__ volatile("");
}

static FRAME void sign_outer(void)
{
	sign_middle();
	__asm__ volatile("");
}

static FRAME void tag_inner(void)
{
	spin();
	__asm__ volatile("");
}

static FRAME void tag_outer(void)
{
	tag_inner();
	__asm__ volatile("");
}

/*
 * The hardware ignores the highest byte of a pointer, the stack pointer's too (TBI). System
 * calls take such pointers from who asked for it, as HWASan does.
 */
static FRAME void tagged(void)
{
	uintptr_t top = ((uintptr_t)malloc(STACK_SIZE) + STACK_SIZE) & ~15ULL;

	if (prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0))
		exit(1);
	__asm__ volatile("mov x19, sp\n\tmov sp, %0\n\tblr %1\n\tmov sp, x19"
			 : : "r"(top | TAG << 56), "r"(tag_outer)
			 : "memory", "cc", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8",
			   "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
			   "x19", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16",
			   "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
			   "v27", "v28", "v29", "v30", "v31");
}

static FRAME void packets(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	double until = cpu() + seconds;
	char data[64] = "";

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(in, (void *)&to, sizeof(to)) || getsockname(in, (void *)&to, &len))
		exit(1);
	while (cpu() < until) {
		sendto(out, data, sizeof(data), 0, (void *)&to, sizeof(to));
		recv(in, data, sizeof(data), MSG_DONTWAIT);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";

	seconds = argc == 3 ? atof(argv[2]) : 0;
	if (!strcmp(what, "signed"))
		sign_outer();
	else if (!strcmp(what, "tagged"))
		tagged();
	else if (!strcmp(what, "packets"))
		packets();
	else
		return fprintf(stderr, "arm64: see the head of arm64.c\n"), 2;
	return 0;
}
