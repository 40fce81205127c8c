// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of real files against libdw, which reads the same call frame information
 * with code of its own. No difference is allowed, and little may be UNKNOWN.
 */
#include <glob.h>
#include <stdlib.h>

#define FIXTURE_DIR "unwind-oracle"
#include "unwind_fixture.h"
#include "cfi_oracle.h"

/* UNWIND_FILES in the environment: other files, separated by blanks. */
static const char files[] =
	"/lib/*-linux-gnu/libc.so.6 /usr/lib/*-linux-gnu/libcrypto.so.3 "
	"/usr/lib/*-linux-gnu/libstdc++.so.6 /lib*/*/ld-linux-*.so.* /usr/bin/python3 "
	"/usr/bin/perl /bin/bash /usr/lib/*-linux-gnu/libdw.so.1 /proc/self/exe "
	"/usr/aarch64-linux-gnu/lib/libc.so.6 /usr/aarch64-linux-gnu/lib/libstdc++.so.6 "
	"/usr/aarch64-linux-gnu/lib/libgcc_s.so.1 /usr/aarch64-linux-gnu/lib/ld-linux-*.so.*";

static void judge(const char *name, struct elf_file *f, const struct unwind_table *t)
{
	struct oracle o = oracle_run(f, t->table);

	print_message("# %s: %lu places, %lu without CFI, %lu unknown, %lu wrong\n", name,
		      o.asked, o.gaps, o.unknown, o.wrong);
	assert_table(t->table);
	assert_int_equal(t->stats.broken, 0);
	assert_int_equal(o.wrong, 0);
	assert_true(!t->stats.fdes || o.asked > o.gaps);
	assert_true(o.unknown * 200 <= o.asked);
}

static void real_files(void **state)
{
	const char *wanted = getenv("UNWIND_FILES");
	char *copy = xstrdup(wanted ? wanted : files), *word, *rest = copy;
	struct unwind_table t;
	struct elf_file *f;
	glob_t found;
	size_t i;
	int fd;

	while ((word = strsep(&rest, " "))) {
		if (glob(word, 0, NULL, &found))
			continue;
		for (i = 0; i < found.gl_pathc; i++) {
			fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
			assert_true(fd >= 0);
			assert_int_equal(elf_file_open(fd, &f), 0);
			close(fd);
			assert_int_equal(unwind_table_compile(f, NULL, &t), 0);
			judge(found.gl_pathv[i], f, &t);
			unwind_table_deinit(&t);
			elf_file_close(f);
		}
		globfree(&found);
	}
	free(copy);
}

static void vdso(void **state)
{
	struct unwind_table t;
	struct elf_file *f;

	assert_int_equal(elf_file_open_vdso(&f), 0);
	assert_int_equal(unwind_table_compile_vdso(&t), 0);
	assert_int_equal(t.table->flags, TICKPROF_TABLE_VDSO);
	assert_int_equal(t.table->file.build_id_size, 0);
	judge("[vdso]", f, &t);
	unwind_table_deinit(&t);
	elf_file_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_files),
		cmocka_unit_test(vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
