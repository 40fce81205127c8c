// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits at one place that different callers lead to: first one caller for long, then all of them in a random order.
 *
 *	known ROUNDS SECONDS MICROSECONDS	after so many seconds, in which its unwind table comes; each so long
 *
 * Prints the callers' letters in their order. Their frames are of the same size, so that nothing but return addresses,
 * or saved frame pointers, tells one from the other where the thread blocks.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static volatile long sink;
static long length;
static char *stack_at[6];

static NOINLINE void block(int letter)
{
	struct timespec t = { 0, length };
	char here;

	stack_at[letter - 'a'] = &here;
	nanosleep(&t, NULL);
	sink++;
}

/* Where the caller's caller differs. */
static NOINLINE void common(int letter)
{
	block(letter);
	sink++;
}

/* A frame whose size is known while it runs alone, hence found by frame pointer. */
static NOINLINE void varied(int letter, long size)
{
	volatile char *room = alloca(size);

	room[0] = letter;
	common(letter);
	sink += room[0];
}

static NOINLINE void from_a(void) { block('a'); sink++; }
static NOINLINE void from_b(void) { block('b'); sink++; }
static NOINLINE void from_c(void) { common('c'); sink++; }
static NOINLINE void from_d(void) { common('d'); sink++; }
static NOINLINE void from_e(void) { varied('e', sink ? 100 : 200); sink++; }
static NOINLINE void from_f(void) { varied('f', sink ? 100 : 200); sink++; }

static NOINLINE void turn(int letter)
{
	static void (*const from[])(void) = { from_a, from_b, from_c, from_d, from_e, from_f };

	putchar(letter);
	from[letter - 'a']();
	sink++;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 100;
	static char output[1 << 16];

	sleep(argc > 2 ? atoi(argv[2]) : 0);
	length = argc > 3 ? 1000 * atol(argv[3]) : 200000;
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	srandom(7);
	sink = 1;
	for (int letter = 'a'; letter <= 'f'; letter += 2)
		for (long i = 0; i < rounds; i++)
			turn(letter);
	for (int pair = 0; pair < 3; pair++)
		for (long i = 0; i < rounds; i++)
			turn('a' + 2 * pair + random() % 2);
	for (long i = 0; i < rounds; i++)
		turn('a' + random() % 6);
	printf("\nsame %d %d %d\n", stack_at[0] == stack_at[1], stack_at[2] == stack_at[3], stack_at[4] == stack_at[5]);
	return 0;
}
