// SPDX-License-Identifier: GPL-2.0-only
/* The cache of tables: a second run compiles nothing, and nothing odd is believed. */
#define FIXTURE_DIR "unwind-cache"
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>

#include "unwind_fixture.h"
#include "unwind_table/cache.h"

static const struct elf_origin nowhere;

static int fresh(void **state)
{
	return try_sh("rm -rf tables subject && cp /bin/sh subject");
}

static void get(struct unwind_cache *c, const char *name, struct unwind_table *t)
{
	int fd = open(fixture(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(unwind_cache_get(c, fd, &nowhere, NULL, t), 0);
	assert_table(t->table);
	close(fd);
}

/* One run of the tool: asks for each file once. */
static struct unwind_cache_counts run(const char *names, uint64_t bytes_max)
{
	struct unwind_cache *c = unwind_cache_create(fixture("tables"), bytes_max);
	char *copy = xstrdup(names), *rest = copy, *name;
	struct unwind_cache_counts counts;
	struct unwind_table t;

	while ((name = strsep(&rest, " "))) {
		get(c, name, &t);
		unwind_table_deinit(&t);
	}
	counts = *unwind_cache_counts(c);
	unwind_cache_destroy(c);
	free(copy);
	return counts;
}

static void assert_run(const char *names, uint64_t hits, uint64_t compiles, uint64_t disbelieved)
{
	struct unwind_cache_counts counts = run(names, UNWIND_CACHE_BYTES);

	assert_int_equal(counts.hits, hits);
	assert_int_equal(counts.compiles, compiles);
	assert_int_equal(counts.disbelieved, disbelieved);
}

static size_t cached(char *path, size_t size)
{
	glob_t found;
	size_t nr = 0;

	if (!glob(fixture("tables/*"), 0, NULL, &found)) {
		nr = found.gl_pathc;
		snprintf(path, size, "%s", found.gl_pathv[0]);
		globfree(&found);
	}
	return nr;
}

static void second_run(void **state)
{
	struct unwind_table compiled = compile_file("subject", NULL), t;
	struct unwind_cache *c;
	struct stat st;
	char path[512];

	assert_run("subject subject", 1, 1, 0);
	assert_run("subject subject", 2, 0, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	c = unwind_cache_create(fixture("tables"), UNWIND_CACHE_BYTES);
	get(c, "subject", &t);
	assert_int_equal(t.table->bytes, compiled.table->bytes);
	assert_memory_equal(t.table, compiled.table, t.table->bytes);
	unwind_table_deinit(&t);
	unwind_table_deinit(&compiled);
	unwind_cache_destroy(c);
}

/* Every byte counts, the last ones too. */
static void corrupt(void **state)
{
	static const long places[] = { 0, 4, 30, 300, -5, -1 };
	char path[512];
	size_t i;
	FILE *f;
	int c;

	assert_run("subject", 0, 1, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		f = fopen(path, "r+");
		assert_non_null(f);
		fseek(f, places[i], places[i] < 0 ? SEEK_END : SEEK_SET);
		c = fgetc(f);
		fseek(f, -1, SEEK_CUR);
		fputc(c ^ 0x10, f);
		fclose(f);
		assert_run("subject", 0, 1, 1);
		assert_run("subject", 1, 0, 0);
	}
	assert_int_equal(truncate(path, 60), 0);
	assert_run("subject", 0, 1, 1);
	assert_int_equal(truncate(path, 0), 0);
	assert_run("subject", 0, 1, 1);
	assert_run("subject", 1, 0, 0);
}

static void not_ours(void **state)
{
	char path[512];

	assert_run("subject", 0, 1, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	assert_int_equal(chmod(path, 0620), 0);
	assert_run("subject", 0, 1, 1);
	assert_int_equal(chmod(path, 0602), 0);
	assert_run("subject", 0, 1, 1);
	assert_run("subject", 1, 0, 0);
	/* A link, even to a good one, and a pipe. */
	sh("mv %s good && ln -s ../good %s", path, path);
	assert_run("subject", 0, 1, 1);
	sh("rm %s && mkfifo -m 600 %s", path, path);
	assert_run("subject", 0, 1, 1);
	assert_run("subject", 1, 0, 0);
	if (!geteuid()) {
		assert_int_equal(chown(path, 65534, -1), 0);
		assert_run("subject", 0, 1, 1);
		assert_run("subject", 1, 0, 0);
		/* The same build id in a file of somebody else. */
		assert_int_equal(chown(fixture("subject"), 65534, -1), 0);
		assert_run("subject", 0, 1, 0);
	}
}

static void not_of_this_file(void **state)
{
	char path[512];

	assert_run("subject", 0, 1, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	sh("mv %s table && rm -rf tables", path);
	write_text("o.c", "int main(void) { return 0; }\n");
	sh("gcc o.c -o other");
	assert_run("other", 0, 1, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	sh("cp table %s", path);
	assert_run("other", 0, 1, 1);
}

/* Another size: another build that was given the same id. Each copy has its own inode. */
static void same_build_id(void **state)
{
	const struct tickprof_file_key key = { .inode = 7, .size = 8, .dev_major = 9, .dev_minor = 1 };
	struct unwind_cache *c;
	struct unwind_table t;
	int i, fd;

	sh("cp subject longer && echo >>longer");
	assert_run("subject longer", 0, 2, 0);
	assert_run("subject longer", 2, 0, 0);
	sh("rm -r tables");
	c = unwind_cache_create(fixture("tables"), UNWIND_CACHE_BYTES);
	for (i = 0; i < 2; i++) {
		fd = open(fixture("subject"), O_RDONLY | O_CLOEXEC);
		assert_int_equal(unwind_cache_get(c, fd, &nowhere, &key, &t), 0);
		assert_int_equal(t.table->file.inode, 7);
		assert_int_equal(t.table->file.dev_major, 9);
		assert_int_equal(t.table->file.dev_minor, 1);
		unwind_table_deinit(&t);
		close(fd);
	}
	get(c, "subject", &t);
	assert_int_equal(t.table->file.inode, 0);
	unwind_table_deinit(&t);
	assert_int_equal(unwind_cache_counts(c)->hits, 2);
	unwind_cache_destroy(c);
}

static void unsafe_folder(void **state)
{
	int err_fd = quiet_begin();

	sh("mkdir -p tables && chmod 777 tables");
	assert_run("subject subject", 0, 2, 0);
	sh("rmdir tables && ln -s . tables");
	assert_run("subject", 0, 1, 0);
	sh("rm tables && touch tables");
	assert_run("subject", 0, 1, 0);
	quiet_end(err_fd);
}

static void no_build_id(void **state)
{
	char path[512];

	write_text("o.c", "int main(void) { return 0; }\n");
	sh("gcc -Wl,--build-id=none o.c -o other");
	assert_run("other other", 0, 2, 0);
	assert_int_equal(cached(path, sizeof(path)), 0);
}

/* The oldest use goes first; a file that was asked for again stays. */
static void cap(void **state)
{
	struct unwind_cache_counts counts;
	char path[512], names[256] = "";
	uint64_t bytes;
	struct stat st;
	int i;

	for (i = 0; i < 8; i++) {
		sh("printf 'int main(void) { return %d; }' >o.c && gcc o.c -o c%d", i, i);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%sc%d",
			 i ? " " : "", i);
	}
	assert_run("c0", 0, 1, 0);
	assert_int_equal(cached(path, sizeof(path)), 1);
	assert_int_equal(stat(path, &st), 0);
	bytes = 4 * st.st_size;
	assert_run(names, 1, 7, 0);
	sh("touch -d '1 hour ago' tables/*");
	assert_run("c5", 1, 0, 0);
	sh("printf 'int main(void) { return 8; }' >o.c && gcc o.c -o c8");
	counts = run("c8", bytes);
	assert_int_equal(counts.stored, 1);
	assert_true(counts.evicted >= 5);
	assert_in_range(cached(path, sizeof(path)), 2, 4);
	assert_run("c5 c8", 2, 0, 0);
}

static void default_folders(void **state)
{
	struct unwind_cache *c;
	struct unwind_table t;

	if (!geteuid())
		skip();
	setenv("XDG_CACHE_HOME", fixture("xdg"), 1);
	c = unwind_cache_create(NULL, UNWIND_CACHE_BYTES);
	get(c, "subject", &t);
	unwind_table_deinit(&t);
	unwind_cache_destroy(c);
	sh("test -n \"$(ls xdg/tickprof/tables)\" && rm -r xdg");
}

static void no_elf(void **state)
{
	struct unwind_cache *c = unwind_cache_create(fixture("tables"), UNWIND_CACHE_BYTES);
	struct unwind_table t;
	int fd;

	write_text("text", "no ELF file");
	fd = open(fixture("text"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(unwind_cache_get(c, fd, &nowhere, NULL, &t), -ENOEXEC);
	assert_null(t.table);
	close(fd);
	unwind_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(second_run, fresh),
		cmocka_unit_test_setup(corrupt, fresh),
		cmocka_unit_test_setup(not_ours, fresh),
		cmocka_unit_test_setup(not_of_this_file, fresh),
		cmocka_unit_test_setup(same_build_id, fresh),
		cmocka_unit_test_setup(unsafe_folder, fresh),
		cmocka_unit_test_setup(no_build_id, fresh),
		cmocka_unit_test_setup(cap, fresh),
		cmocka_unit_test_setup(default_folders, fresh),
		cmocka_unit_test_setup(no_elf, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
