// SPDX-License-Identifier: GPL-2.0-only
/* Where stacks end of themselves: profile_root_reached(). */
#include "profile/profile_build.h"
#include "test.h"

static struct profile_function functions[] = {
	{ .name = "leaf" }, { .name = "main" }, { .name = "start_thread" }, { .name = "qsort" },
};
static struct profile_line lines[] = {
	{ .function = 1 }, { .function = 2 }, { .function = 3 }, { .function = 4 },
	/* leaf, inlined into main */
	{ .function = 1 }, { .function = 2 },
};
/* 1 leaf, 2 main, 3 start_thread, 4 qsort, 5 leaf in main, 6 nameless */
static struct profile_location locations[] = {
	{ .first_line = 0, .nr_lines = 1 }, { .first_line = 1, .nr_lines = 1 },
	{ .first_line = 2, .nr_lines = 1 }, { .first_line = 3, .nr_lines = 1 },
	{ .first_line = 4, .nr_lines = 2 }, { .nr_lines = 0 },
};
static struct profile profile = {
	.functions = functions, .lines = lines, .locations = locations,
	.nr_functions = 4, .nr_lines = 6, .nr_locations = 6,
};

static bool reached(uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t chain[] = { first, second, third };

	return profile_root_reached(&profile, chain, third ? 3 : second ? 2 : first ? 1 : 0);
}

static void roots_are_known_by_name(void **state)
{
	assert_true(reached(1, 2, 0));
	assert_true(reached(1, 3, 0));
	assert_true(reached(2, 0, 0));
	assert_true(reached(1, 5, 0));
}

static void the_caller_of_main_needs_no_name(void **state)
{
	assert_true(reached(1, 2, 6));
	assert_true(reached(1, 2, 4));
}

static void what_ends_elsewhere_is_cut(void **state)
{
	assert_false(reached(0, 0, 0));
	assert_false(reached(1, 4, 0));
	assert_false(reached(2, 4, 6));
	assert_false(reached(6, 6, 6));
	assert_false(reached(3, 4, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_known_by_name),
		cmocka_unit_test(the_caller_of_main_needs_no_name),
		cmocka_unit_test(what_ends_elsewhere_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
