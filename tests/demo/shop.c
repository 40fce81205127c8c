// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo's workload: a small shop of several processes. A front process forks
 * workers that parse, price and sign orders, and one short-lived process an
 * order batch that renders a receipt and is gone after some milliseconds.
 * Built with frame pointers. Argument: seconds to run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3

static volatile uint64_t sink;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

__attribute__((noinline)) static uint64_t mix(uint64_t x, int rounds)
{
	while (rounds--)
		x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ULL;
	return x;
}

__attribute__((noinline)) static void parse_order(uint64_t id)
{
	char text[64];
	uint64_t a, b;
	int i;

	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)id,
			 (unsigned long long)id * 7);
		sscanf(text, "%lu:%lu", &a, &b);
		sink += a + b;
	}
}

static int by_price(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

__attribute__((noinline)) static void price_order(uint64_t id)
{
	uint32_t price[256];
	size_t i;

	for (i = 0; i < 256; i++)
		price[i] = mix(id + i, 2);
	qsort(price, 256, sizeof(*price), by_price);
	sink += price[128];
}

__attribute__((noinline)) static void sign_order(uint64_t id)
{
	sink += mix(id, 60000);
}

__attribute__((noinline)) static void handle_order(uint64_t id)
{
	parse_order(id);
	price_order(id);
	sign_order(id);
}

__attribute__((noinline)) static void render_receipt(void)
{
	sink += mix(getpid(), 1500000);
}

static void worker(double until)
{
	uint64_t id = (uint64_t)getpid() << 32;
	pid_t pid;

	prctl(PR_SET_NAME, "shop-worker");
	while (now() < until) {
		int i;

		for (i = 0; i < 300; i++)
			handle_order(id++);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_NAME, "shop-receipt");
			render_receipt();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	double until = now() + (argc > 1 ? atof(argv[1]) : 5);
	int i;

	for (i = 0; i < WORKERS; i++)
		if (!fork())
			worker(until);
	while (wait(NULL) > 0)
		;
	return 0;
}
