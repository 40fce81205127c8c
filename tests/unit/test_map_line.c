// SPDX-License-Identifier: GPL-2.0-only
/* Lines of /proc/PID/maps: what they say, and that nothing is read beyond the end of one that is cut anywhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/map_line.h"
#include "test.h"

static const char library[] =
	"7f28c42c4000-7f28c42e6000 r-xp 00012000 fd:1a 1234567                    /usr/lib/libc.so.6\n";

/* On the heap and no byte longer than it is, which the address checker watches. */
static bool parse(const char *line, struct map_line *out, char **copy)
{
	*copy = strdup(line);
	return map_line_parse(*copy, out);
}

static void file(void **state)
{
	struct map_line m;
	char *line;

	assert_true(parse(library, &m, &line));
	assert_int_equal(m.start, 0x7f28c42c4000);
	assert_int_equal(m.end, 0x7f28c42e6000);
	assert_int_equal(m.offset, 0x12000);
	assert_int_equal(m.dev_major, 0xfd);
	assert_int_equal(m.dev_minor, 0x1a);
	assert_int_equal(m.inode, 1234567);
	assert_true(m.exec);
	assert_false(m.deleted);
	assert_string_equal(m.path, "/usr/lib/libc.so.6");
	free(line);
}

static void check_path(const char *end, const char *path, bool deleted)
{
	char text[256];
	struct map_line m;
	char *line;

	snprintf(text, sizeof(text), "00400000-00401000 rw-p 00000000 00:00 %s", end);
	assert_true(parse(text, &m, &line));
	assert_false(m.exec);
	assert_string_equal(m.path, path);
	assert_int_equal(m.deleted, deleted);
	free(line);
}

static void paths(void **state)
{
	check_path("0 \n", "", false);
	check_path("0\n", "", false);
	check_path("0                          [heap]\n", "[heap]", false);
	check_path("0  [anon:a (deleted)]\n", "[anon:a (deleted)]", false);
	check_path("12  /tmp/a b  c (deleted)\n", "/tmp/a b  c", true);
	check_path("12  /tmp/a\\012b\\013\n", "/tmp/a\nb\\013", false);
	check_path("18446744073709551615 /memfd:x (deleted)\n", "/memfd:x", true);
}

static void largest(void **state)
{
	struct map_line m;
	char *line;

	assert_true(parse("ffffffffff600000-ffffffffffffffff --xp ffffffffffffffff ffffffff:ffffffff 1  x", &m, &line));
	assert_int_equal(m.end, UINT64_MAX);
	assert_int_equal(m.offset, UINT64_MAX);
	assert_int_equal(m.dev_minor, UINT32_MAX);
	assert_true(m.exec);
	free(line);
}

static void no_lines(void **state)
{
	static const char *const wrong[] = {
		"", "\n", "-", "x", "1-", "1-2", "1 2 r-xp 0 0:0 0", "1-2 r-x 0 0:0 0 ", "1-2 r-xpp 0 0:0 0 ",
		"1-2 r-xp 0 0.0 0 ", "1-2 r-xp 0 0:0 x", "1-2 r-xp 0 0:0  0",
	};
	struct map_line m;
	char *line;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse(wrong[i], &m, &line))
			fail_msg("'%s' is no line of maps", wrong[i]);
		free(line);
	}
	for (i = 0; i < sizeof(library); i++) {
		char *cut = strndup(library, i);

		assert_int_equal(map_line_parse(cut, &m), i > strlen("7f28c42c4000-7f28c42e6000 r-xp 00012000 fd:1a "));
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file),
		cmocka_unit_test(paths),
		cmocka_unit_test(largest),
		cmocka_unit_test(no_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
