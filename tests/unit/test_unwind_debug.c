// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs built without unwind information, but for debuggers: .debug_frame in the
 * file, in a file beside it or in the tree of debug files, in .gnu_debugdata.
 */
#define FIXTURE_DIR "unwind-debug"
#include <errno.h>

#include "symbol/elf_debug.h"
#include "unwind_fixture.h"
#include "unwind_table/cache.h"

#define ID "fedcba9876543210"

static struct unwind_table wanted;	/* what the program as it was built gives */

/* Enough code that the start files do not count. */
static int setup(void **state)
{
	FILE *f;
	int i, ret;

	write_text("p.c", "");
	f = fopen(fixture("p.c"), "w");
	fputs("int add(int x, const char *s);\n", f);
	for (i = 0; i < 100; i++)
		fprintf(f, "int f%d(int x) { char b[%d]; b[x] = x; return add(x, b) + b[1]; }\n", i,
			16 * i + 16);
	fputs("int add(int x, const char *s) { return x + s[x]; }\nint main(void) { return f0(1); }\n", f);
	fclose(f);
	ret = try_sh("rm -rf root tables; gcc -O1 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables "
		     "-fno-unwind-tables -fno-stack-protector -Wl,--build-id=0x" ID " -o full p.c && "
		     "strip -o plain full && strip -o linked full && strip -o mini full && "
		     "objcopy --only-keep-debug full full.debug && objcopy --add-gnu-debuglink=full.debug linked && "
		     "objcopy --only-keep-debug --compress-debug-sections full inside && xz -kf inside && "
		     "objcopy --add-section .gnu_debugdata=inside.xz mini");
	if (!ret)
		wanted = compile_file("full", NULL);
	elf_debug_set_root(FIXTURES "/root");
	return ret;
}

static int teardown(void **state)
{
	unwind_table_deinit(&wanted);
	return 0;
}

static struct unwind_table compile_found(const char *name)
{
	const struct elf_origin origin = { .path = fixture(name) };
	struct elf_file *f = open_elf(name);
	struct unwind_table t;

	assert_int_equal(unwind_table_compile_found(f, &origin, NULL, &t), 0);
	elf_file_close(f);
	assert_table(t.table);
	return t;
}

/* The same rows as if it were all in the file. */
static void assert_found(const char *name, bool found)
{
	const size_t from = offsetof(struct tickprof_table, start);
	struct unwind_table t = compile_found(name);

	assert_int_equal(unwind_table_enough(&t), found);
	if (found) {
		assert_int_equal(t.table->bytes, wanted.table->bytes);
		assert_memory_equal((char *)t.table + from, (char *)wanted.table + from,
				    wanted.table->bytes - from);
	}
	unwind_table_deinit(&t);
}

static void in_the_file(void **state)
{
	assert_false(try_sh("readelf -SW full | grep -q '\\.debug_frame'"));
	assert_in_range(wanted.stats.fdes, 100, 110);
	assert_in_range(unwind_table_described(&wanted), 80, 100);
	assert_true(unwind_table_enough(&wanted));
}

static void nowhere(void **state)
{
	struct unwind_table t = compile_found("plain");

	assert_in_range(unwind_table_described(&t), 0, 2);
	unwind_table_deinit(&t);
	assert_found("plain", false);
}

static void beside_the_file(void **state)
{
	assert_found("linked", true);
}

static void within_mini_debug_info(void **state)
{
	assert_found("mini", true);
}

/* What was not there is looked for again, and what was found is kept. */
static void by_build_id(void **state)
{
	struct elf_origin origin = { .path = fixture("plain") };
	struct unwind_cache *c = unwind_cache_create(fixture("tables"), UNWIND_CACHE_BYTES);
	const struct unwind_cache_counts *n = unwind_cache_counts(c);
	struct unwind_table t;
	int i, fd;

	for (i = 0; i < 5; i++) {
		if (i == 2)
			sh("mkdir -p root/.build-id/fe && cp full.debug root/.build-id/fe/%s.debug", ID + 2);
		if (i == 4)
			sh("rm -r root");
		fd = open(fixture("plain"), O_RDONLY | O_CLOEXEC);
		assert_int_equal(unwind_cache_get(c, fd, &origin, NULL, &t), 0);
		close(fd);
		assert_true((t.table->rows == wanted.table->rows) == (i >= 2));
		unwind_table_deinit(&t);
	}
	assert_int_equal(n->compiles, 3);
	assert_int_equal(n->stored, 1);
	assert_int_equal(n->hits, 2);
	unwind_cache_destroy(c);
}

/* A debug file of another build, or of another machine, is none. */
static void of_something_else(void **state)
{
	sh("mkdir -p root/.build-id/fe && gcc -g -Wl,--build-id=0x1234 -o root/.build-id/fe/%s.debug p.c", ID + 2);
	assert_found("plain", false);
	if (have(CROSS "gcc")) {
		sh(CROSS "gcc -g -fno-asynchronous-unwind-tables -nostdlib -shared -Wl,--build-id=0x" ID
		   " -o root/.build-id/fe/%s.debug p.c", ID + 2);
		assert_found("plain", false);
	}
	sh("rm -r root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_file),
		cmocka_unit_test(nowhere),
		cmocka_unit_test(beside_the_file),
		cmocka_unit_test(within_mini_debug_info),
		cmocka_unit_test(by_build_id),
		cmocka_unit_test(of_something_else),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
