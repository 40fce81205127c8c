// SPDX-License-Identifier: GPL-2.0-only
/* Lists of targets, sizes and numbers as people type them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "base/util.h"
#include "control/cgroup.h"
#include "control/target.h"
#include "test.h"

static struct targets parsed(enum tickprof_target_kind kind, const char *list)
{
	struct targets t = { 0 };

	assert_int_equal(targets_parse(&t, kind, list), 0);
	return t;
}

static void refused(enum tickprof_target_kind kind, const char *list)
{
	struct targets t = { 0 };

	assert_int_equal(targets_parse(&t, kind, list), -EINVAL);
	targets_deinit(&t);
}

static void pids(void **state)
{
	struct targets t = parsed(TICKPROF_TARGET_PID, "1,4194304");

	assert_int_equal(t.nr, 2);
	assert_int_equal(t.list[1].kind, TICKPROF_TARGET_PID);
	assert_int_equal(t.list[1].id, 4194304);
	assert_true(targets_have(&t, TICKPROF_TARGET_PID));
	assert_false(targets_have(&t, TICKPROF_TARGET_TID));
	targets_deinit(&t);
	refused(TICKPROF_TARGET_PID, "");
	refused(TICKPROF_TARGET_PID, "0");
	refused(TICKPROF_TARGET_PID, "-1");
	refused(TICKPROF_TARGET_PID, "+1");
	refused(TICKPROF_TARGET_PID, " 1");
	refused(TICKPROF_TARGET_PID, "1,");
	refused(TICKPROF_TARGET_PID, "1,,2");
	refused(TICKPROF_TARGET_PID, "1x");
	refused(TICKPROF_TARGET_TID, "4294967297");
	refused(TICKPROF_TARGET_TID, "99999999999999999999");
}

static void cpus(void **state)
{
	struct targets t = parsed(TICKPROF_TARGET_CPU, "0,2-4,7");
	static const uint64_t expected[] = { 0, 2, 3, 4, 7 };
	size_t i;

	assert_int_equal(t.nr, ARRAY_SIZE(expected));
	for (i = 0; i < t.nr; i++)
		assert_int_equal(t.list[i].id, expected[i]);
	targets_deinit(&t);
	refused(TICKPROF_TARGET_CPU, "3-1");
	refused(TICKPROF_TARGET_CPU, "1-");
	refused(TICKPROF_TARGET_CPU, "-1");
	refused(TICKPROF_TARGET_CPU, "1-2-3");
	refused(TICKPROF_TARGET_CPU, "0-4000000000");
}

static void users(void **state)
{
	struct targets t = parsed(TICKPROF_TARGET_UID, "root,33");

	assert_int_equal(t.list[0].id, 0);
	assert_int_equal(t.list[1].id, 33);
	targets_deinit(&t);
	refused(TICKPROF_TARGET_UID, "no-such-user-here");
	refused(TICKPROF_TARGET_UID, "4294967295");
}

static void comms(void **state)
{
	struct targets t = parsed(TICKPROF_TARGET_COMM, "a b,fifteen-letters");

	assert_string_equal(t.list[0].comm, "a b");
	assert_string_equal(t.list[1].comm, "fifteen-letters");
	targets_deinit(&t);
	refused(TICKPROF_TARGET_COMM, "sixteen-letters!");
}

static void cgroups(void **state)
{
	const char *mount = cgroup2_mount();
	struct stat st;
	struct targets t;

	refused(TICKPROF_TARGET_CGROUP, "no/such/group");
	refused(TICKPROF_TARGET_CGROUP, "/no/such/group");
	if (!mount)
		skip();
	assert_int_equal(stat(mount, &st), 0);
	t = parsed(TICKPROF_TARGET_CGROUP, mount);
	assert_int_equal(t.list[0].id, st.st_ino);
	targets_deinit(&t);
	t = parsed(TICKPROF_TARGET_CGROUP, "/");
	assert_int_equal(t.list[0].id, st.st_ino);
	targets_deinit(&t);
}

static void trees(void **state)
{
	struct targets t = { 0 };
	pid_t child = fork();
	size_t i;
	bool found = false;

	if (!child)
		while (pause())
			;
	targets_add_tree(&t, "/proc", getpid());
	for (i = 0; i < t.nr; i++)
		found |= t.list[i].id == (uint64_t)child;
	assert_int_equal(t.list[0].id, getpid());
	assert_true(found);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	targets_deinit(&t);
}

static void sizes(void **state)
{
	uint64_t size;

	assert_true(parse_size("4096", &size) && size == 4096);
	assert_true(parse_size("512K", &size) && size == 512 << 10);
	assert_true(parse_size("4m", &size) && size == 4 << 20);
	assert_true(parse_size("1GB", &size) && size == 1 << 30);
	assert_true(parse_size("64b", &size) && size == 64);
	assert_false(parse_size("", &size));
	assert_false(parse_size("K", &size));
	assert_false(parse_size("1KK", &size));
	assert_false(parse_size("1KBx", &size));
	assert_false(parse_size("1X", &size));
	assert_false(parse_size("-1", &size));
	assert_false(parse_size("18446744073709551615K", &size));
	assert_int_equal(round_up_pow2(4097), 8192);
	assert_int_equal(round_up_pow2(8192), 8192);
}

static void decimals(void **state)
{
	double value;

	assert_true(parse_decimal("2.5", &value) && value == 2.5);
	assert_true(parse_decimal("0", &value) && value == 0);
	assert_false(parse_decimal("", &value));
	assert_false(parse_decimal(".", &value));
	assert_false(parse_decimal("1.2.3", &value));
	assert_false(parse_decimal("-1", &value));
	assert_false(parse_decimal("nan", &value));
	assert_false(parse_decimal("1e3", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pids),
		cmocka_unit_test(cpus),
		cmocka_unit_test(users),
		cmocka_unit_test(comms),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(trees),
		cmocka_unit_test(sizes),
		cmocka_unit_test(decimals),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
