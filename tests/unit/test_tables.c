// SPDX-License-Identifier: GPL-2.0-only
/* What a recording tells of the unwind tables it had: counts, files without, and META. */
#define FIXTURE_DIR "tables"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "capture/capture.h"
#include "fixture.h"
#include "record/tables.h"
#include "records.h"

#define CACHE FIXTURES "/cache"

/* Takes every table, as the device does. */
static struct tables *start(int session)
{
	struct tables *t = tables_create(session, CACHE);

	assert_non_null(t);
	return t;
}

static int files(void **state)
{
	write_text("one.c", "int f(int x) { return x + 1; } int main(void) { return f(1); }");
	sh("rm -rf cache; gcc -O1 -o one one.c; gcc -O1 -g0 -DTWO -Wl,--build-id=0x1234abcd -o two one.c; "
	   "gcc -shared -nostdlib -O1 -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables "
	   "-o none.so one.c; echo text >text");
	return 0;
}

static struct tables_stats settled(struct tables *t)
{
	struct tables_stats s;

	tables_settle(t, 20000);
	tables_stats(t, &s);
	return s;
}

/* The vDSO is always one; it is not kept, so it does not count as compiled. */
static struct tables_stats record_all(struct tables *t, struct bench *b)
{
	static const char *const names[] = { "one", "two", "none.so", "text" };
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(names); i++)
		tables_add(t, b->objects, bench_file(b, names[i % ARRAY_SIZE(names)]));
	return settled(t);
}

static void each_file_counts_once(void **state)
{
	int session = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bench b = bench_init(false, true);
	struct tables *t = start(session);
	struct tables_stats s;

	s = record_all(t, &b);
	assert_int_equal(s.loaded, 3);
	assert_int_equal(s.compiled, 2);
	assert_int_equal(s.none, 2);
	assert_int_equal(s.waiting, 0);
	assert_true(s.bytes > 3 * sizeof(struct tickprof_table));
	tables_destroy(t);
	/* All that has a build id is in the cache now. */
	t = start(session);
	s = record_all(t, &b);
	assert_int_equal(s.loaded, 3);
	assert_int_equal(s.compiled, 0);
	assert_int_equal(s.none, 2);
	assert_int_equal(s.damaged, 0);
	tables_destroy(t);
	sh("for f in cache/*; do echo x >>$f; done");
	t = start(session);
	s = record_all(t, &b);
	assert_int_equal(s.compiled, 2);
	assert_int_equal(s.damaged, 3);
	tables_destroy(t);
	bench_deinit(&b);
	close(session);
}

/* What a command will map is what its mappings then name. */
static void a_command_does_not_count_twice(void **state)
{
	int session = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bench b = bench_init(false, true);
	struct tables *t = start(session);
	struct tables_stats before, after;
	struct object *one;
	struct stat st;

	tables_add_command(t, fixture("one"));
	before = settled(t);
	one = bench_file(&b, "one");
	assert_int_equal(stat(fixture("one"), &st), 0);
	one->id.inode = st.st_ino;
	one->id.dev_major = major(st.st_dev);
	one->id.dev_minor = minor(st.st_dev);
	tables_add(t, b.objects, one);
	after = settled(t);
	assert_true(before.loaded > 2);
	assert_int_equal(before.loaded, after.loaded);
	tables_destroy(t);
	bench_deinit(&b);
	close(session);
}

static struct capture *meta_of(struct tables *t)
{
	struct test_capture c = capture_begin();

	assert_int_equal(tables_write_meta(t, c.w), 0);
	return capture_end(&c);
}

static bool says(const struct capture *c, const char *file, const char *reason)
{
	char *wanted __free = xasprintf("%s\t%s", fixture(file), reason);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		char *key __free = xasprintf(CAPTURE_META_NO_TABLE "%u", i);

		if (!strcmp(capture_meta(c, key), wanted))
			return true;
	}
	return false;
}

static void the_capture_tells(void **state)
{
	int session = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bench b = bench_init(false, true);
	struct tables *t = start(session);
	struct capture *c;

	record_all(t, &b);
	c = meta_of(t);
	assert_string_equal(capture_meta(c, CAPTURE_META_UNWIND), "tables");
	assert_int_equal(capture_meta_number(c, CAPTURE_META_TABLES), 3);
	assert_string_equal(capture_meta(c, CAPTURE_META_WAITING), "0");
	assert_true(says(c, "none.so", "no call frame information"));
	assert_true(says(c, "text", "not an ELF file"));
	assert_null(capture_meta(c, CAPTURE_META_NO_TABLE "2"));
	capture_close(c);
	tables_destroy(t);
	bench_deinit(&b);
	close(session);
	c = meta_of(NULL);
	assert_string_equal(capture_meta(c, CAPTURE_META_UNWIND), "fp");
	assert_null(capture_meta(c, CAPTURE_META_TABLES));
	capture_close(c);
}

/* A module that refuses is as if there were no tables. */
static void refusals_have_reasons(void **state)
{
	int session = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = quiet_begin();
	struct bench b = bench_init(false, true);
	struct tables *t = start(session);
	struct tables_stats s;
	struct capture *c;

	tables_add(t, b.objects, bench_file(&b, "one"));
	s = settled(t);
	quiet_end(saved);
	assert_int_equal(s.loaded, 0);
	assert_int_equal(s.none, 2);
	c = meta_of(t);
	assert_true(says(c, "one", "no room: raise the module's parameter tables_max_mib"));
	capture_close(c);
	tables_destroy(t);
	bench_deinit(&b);
	close(session);
}

/* As somebody would forge it: the same build id, and the same size. Without a cache, where the owner would tell. */
static void a_forged_build_id_is_named(void **state)
{
	int session = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct tables *t = tables_create(session, "/dev/null/cache");
	struct bench b = bench_init(false, true);
	struct tables_stats s;
	struct capture *c;

	sh("cp two copy; printf 'int g(int *x, int y) { int a[99]; a[y] = *x; return g(a, a[*x]) + 1; } "
	   "int main(void) { return g(0, 1); }' >g.c; "
	   "gcc -O1 -fno-optimize-sibling-calls -w -Wl,--build-id=0x1234abcd -o forged g.c; truncate -s 100000 two copy forged");
	tables_add(t, b.objects, bench_file(&b, "two"));
	tables_add(t, b.objects, bench_file(&b, "copy"));
	tables_add(t, b.objects, bench_file(&b, "forged"));
	s = settled(t);
	assert_int_equal(s.loaded, 3);
	assert_int_equal(s.none, 1);
	c = meta_of(t);
	assert_true(says(c, "forged", "another file of its build id and size has another table, used for both"));
	capture_close(c);
	tables_destroy(t);
	bench_deinit(&b);
	close(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_counts_once),
		cmocka_unit_test(a_command_does_not_count_twice),
		cmocka_unit_test(the_capture_tells),
		cmocka_unit_test(refusals_have_reasons),
		cmocka_unit_test(a_forged_build_id_is_named),
	};

	return cmocka_run_group_tests(tests, files, NULL);
}
