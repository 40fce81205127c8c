// SPDX-License-Identifier: GPL-2.0-only
/* Two records are compared within the shorter one, also where it is the last of a ring. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/record.h"
#include "test.h"

#include <linux/tickprof.h>

#define WORDS 70

static u64 *header(u64 *at, uint32_t words)
{
	struct tickprof_record r = { .type = TICKPROF_RECORD_STACK, .size = words * 8 };

	memcpy(at, &r, sizeof(r));
	return at;
}

/* Behind each lies a page that cannot be read. */
static void compares_within(void **state)
{
	const long page = sysconf(_SC_PAGESIZE);
	u64 fresh[WORDS] = { 0 }, *end, *held;
	uint32_t a, b, i;

	held = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(held, MAP_FAILED);
	assert_int_equal(mprotect((char *)held + page, page, PROT_NONE), 0);
	end = held + page / sizeof(*held);
	for (a = 1; a <= WORDS; a++) {
		header(fresh, a);
		for (b = 1; b <= WORDS; b++) {
			memset(held, 0, page);
			assert_int_equal(tickprof_record_same(header(end - b, b), fresh, a * 8), a == b);
		}
		memset(held, 0, page);
		header(end - a, a);
		for (i = 1; i < a; i++) {
			fresh[i] = 1;
			assert_false(tickprof_record_same(end - a, fresh, a * 8));
			fresh[i] = 0;
		}
	}
	munmap(held, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
