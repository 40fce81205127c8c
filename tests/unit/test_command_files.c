// SPDX-License-Identifier: GPL-2.0-only
/* What a command will map as it starts, found out without running it. */
#define FIXTURE_DIR "command-files"

#include <sys/stat.h>

#include "fixture.h"
#include "record/command_files.h"

/* Base names, each followed by a blank. */
static void gather(void *ctx, const char *path)
{
	char *list = ctx;
	const char *slash = strrchr(path, '/');

	assert_non_null(slash);
	assert_int_equal(access(path, R_OK), 0);
	assert_true(strlen(list) + strlen(slash) < 1000);
	strcat(list, slash + 1);
	strcat(list, " ");
}

static const char *files_of(const char *command)
{
	static char list[1024];

	list[0] = '\0';
	command_files(command, gather, list);
	return list;
}

static int programs(void **state)
{
	sh("rm -rf bin lib; mkdir bin lib; "
	   "echo 'int f(void) { return 3; }' >f.c; gcc -shared -fPIC -nostdlib -o lib/libf-of-ours.so f.c; "
	   "echo '#include <stdlib.h>\nint f(void); __attribute__((constructor)) static void c(void) { system(\"touch ran\"); }"
	   " int main(void) { system(\"touch ran\"); return f(); }' >main.c; "
	   "gcc -o bin/program main.c -Llib -lf-of-ours -Wl,-rpath,'$ORIGIN/../lib'; "
	   "echo 'int main(void) { return 0; }' >one.c; gcc -static -o bin/still one.c; "
	   "printf '#! '$PWD'/bin/program -x\ntext\n' >bin/script; "
	   "printf '#!/usr/bin/env program\n' >bin/env-script; "
	   "printf '#!'$PWD'/bin/script\n' >bin/script-of-script; "
	   "printf '#!'$PWD'/bin/endless\n' >bin/endless; "
	   "printf '#!\n' >bin/nothing; chmod 755 bin/*; rm -f ran");
	setenv("PATH", FIXTURES "/bin:/usr/bin:/bin", 1);
	return 0;
}

static void assert_program(const char *list)
{
	assert_int_equal(strncmp(list, "program ld-", 11), 0);
	assert_non_null(strstr(list, "libf-of-ours.so "));
	assert_non_null(strstr(list, " libc.so"));
}

static void a_program_and_its_libraries(void **state)
{
	assert_program(files_of("program"));
	assert_program(files_of(FIXTURES "/bin/program"));
	/* The dynamic linker was asked, the program not run. */
	assert_int_equal(access(FIXTURES "/ran", F_OK), -1);
}

static void a_script_has_its_interpreter(void **state)
{
	assert_program(files_of("script"));
	assert_program(files_of("script-of-script"));
	assert_program(files_of("env-script"));
}

static void nothing_to_be_found(void **state)
{
	assert_string_equal(files_of("still"), "still ");
	assert_string_equal(files_of("no-such-program-anywhere"), "");
	assert_string_equal(files_of("/no/such"), "");
	assert_string_equal(files_of("endless"), "");
	assert_string_equal(files_of("nothing"), "nothing ");
	unsetenv("PATH");
	assert_string_equal(files_of("program"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_and_its_libraries),
		cmocka_unit_test(a_script_has_its_interpreter),
		cmocka_unit_test(nothing_to_be_found),
	};

	return cmocka_run_group_tests(tests, programs, NULL);
}
