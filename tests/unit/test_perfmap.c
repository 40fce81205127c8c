// SPDX-License-Identifier: GPL-2.0-only
/* Perf maps: what JITs write, and what nobody should. */
#define FIXTURE_DIR "perfmap"
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "symbol/sym_perfmap.h"
#include "fixture.h"

static const char map[] =
	"7f0000001000 100 LazyCompile:*pay /srv/app.js:12:3\n"
	"0x00007f0000002000 0x0000000000000080 [CodeBlob (0x1)]\n"
	"7f0000003000 40 py::handler:/srv/app.py\n"
	"7f0000001080 20 replaced\n"
	"7f0000004000 10 _ZN3foo3barEi\n"
	"garbage\n"
	"7f0000005000 0 empty\n"
	"7f0000005000 zz nonsense\n"
	"ffffffffffffffff 10 wraps\n"
	"7f0000006000 10\n"
	"7f0000006000 10 \n"
	"7f0000007000 10 unfinished";

struct jit {
	struct sym_perfmap *map;
	struct sym_names *names;
};

static struct jit open_map(const char *name)
{
	struct jit j = { .map = sym_perfmap_create(getpid()), .names = sym_names_create() };
	int fd = open(fixture(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(sym_perfmap_set_file(j.map, fd), 0);
	close(fd);
	return j;
}

static void close_map(struct jit *j)
{
	sym_perfmap_destroy(j->map);
	sym_names_destroy(j->names);
}

static void check(struct jit *j, uint64_t addr, const char *name)
{
	const struct symbol_frame *f = sym_perfmap_find(j->map, j->names, addr);

	if (!name) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	assert_string_equal(f->function, name);
}

static void reads_what_jits_write(void **state)
{
	struct jit j;

	write_text("map", map);
	j = open_map("map");
	check(&j, 0x7f0000001000, "LazyCompile:*pay /srv/app.js:12:3");
	check(&j, 0x7f000000107f, "LazyCompile:*pay /srv/app.js:12:3");
	check(&j, 0x7f0000001080, "replaced");
	check(&j, 0x7f00000010a0, "LazyCompile:*pay /srv/app.js:12:3");
	check(&j, 0x7f0000001100, NULL);
	check(&j, 0x7f0000002010, "[CodeBlob (0x1)]");
	check(&j, 0x7f0000003000, "py::handler:/srv/app.py");
	check(&j, 0x7f0000004000, "foo::bar");
	check(&j, 0x7f0000005000, NULL);
	check(&j, 0x7f0000006000, NULL);
	check(&j, 0x7f0000007000, "unfinished");
	check(&j, 0xffffffffffffffff, NULL);
	close_map(&j);
}

static void reads_what_is_appended(void **state)
{
	struct jit j;
	int i;

	write_text("grows", "1000 10 one\n");
	j = open_map("grows");
	check(&j, 0x1000, "one");
	check(&j, 0x2000, NULL);
	sh("printf '2000 10 two\\n' >> grows");
	for (i = 0; i < 100 && !sym_perfmap_find(j.map, j.names, 0x2000); i++)
		usleep(10000);
	check(&j, 0x2000, "two");
	close_map(&j);
}

static void survives_junk(void **state)
{
	char junk[20000];
	struct jit j;
	size_t i;
	int round;

	srand(2);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] = round % 2 ? rand() : "0123456789abcdef x\n\n \t%"[rand() % 23];
		write_file("junk", junk, sizeof(junk));
		j = open_map("junk");
		for (i = 0; i < 64; i++)
			sym_perfmap_find(j.map, j.names, (uint64_t)rand() << (rand() % 34));
		close_map(&j);
	}
}

/* The map of this very process, through /proc. */
static void belongs_to_the_process(void **state)
{
	struct bench b = bench_init(false, true);
	struct symbol_location loc;
	struct object *obj = objects_get_anon(b.objects, getpid());
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	assert_false(symbolizer_resolve(b.symbolizer, obj, 0x7f0000001010, false, &loc));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(map, f);
	fclose(f);
	assert_true(symbolizer_resolve(b.symbolizer, obj, 0x7f0000001010, false, &loc));
	assert_int_equal(loc.address, 0x7f0000001010);
	/* It stays readable once the process has removed it. */
	unlink(path);
	assert_true(symbolizer_resolve(b.symbolizer, obj, 0x7f0000003001, false, &loc));
	bench_deinit(&b);
}

/* Prepared while the process lived, the map outlives it. */
static void outlives_the_process(void **state)
{
	struct bench b = bench_init(false, true);
	struct symbol_location loc;
	int ready[2], done[2], status;
	char path[64], byte;
	pid_t pid;
	FILE *f;

	assert_int_equal(pipe(ready) || pipe(done), 0);
	pid = fork();
	if (!pid) {
		close(done[1]);
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
		f = fopen(path, "w");
		if (!f || (!geteuid() && (fchown(fileno(f), 12345, -1) || setuid(12345))))
			_exit(1);
		fputs(map, f);
		fflush(f);
		_exit(write(ready[1], "x", 1) != 1 || read(done[0], &byte, 1) < 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	objects_prepare_anon(b.objects, pid);
	close(done[1]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(symbolizer_resolve(b.symbolizer, objects_get_anon(b.objects, pid),
				       0x7f0000003001, false, &loc));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
	unlink(path);
	bench_deinit(&b);
}

static bool finds_own_map(void)
{
	struct sym_perfmap *p = sym_perfmap_create(getpid());
	struct sym_names *n = sym_names_create();
	bool found;

	sym_perfmap_prepare(p);
	found = sym_perfmap_find(p, n, 0x7f0000001010);
	sym_perfmap_destroy(p);
	sym_names_destroy(n);
	return found;
}

static void distrusts_others(void **state)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	write_text("map", map);
	unlink(path);
	sh("cp map %s", path);
	assert_true(finds_own_map());
	unlink(path);
	assert_int_equal(symlink(fixture("map"), path), 0);
	assert_false(finds_own_map());
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(finds_own_map());
	unlink(path);
	if (geteuid()) {
		print_message("not root: a map of another user is not tested\n");
		skip();
	}
	sh("cp map %s", path);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_false(finds_own_map());
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_jits_write),
		cmocka_unit_test(reads_what_is_appended),
		cmocka_unit_test(survives_junk),
		cmocka_unit_test(belongs_to_the_process),
		cmocka_unit_test(outlives_the_process),
		cmocka_unit_test(distrusts_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
