// SPDX-License-Identifier: GPL-2.0-only
/* Source lines and inlined functions, in the forms compilers and tools store them. */
#define FIXTURE_DIR "lines"
#include "symbol/elf_debug.h"
#include "fixture.h"

static const char source[] =
	"namespace ns {\n"
	"volatile int sink;\n"
	"static inline __attribute__((always_inline)) void inner(int x)\n"	/* 3 */
	"{\n"
	"\tsink = x * 3;\n"							/* 5 */
	"}\n"
	"static inline __attribute__((always_inline)) void middle(int x)\n"	/* 7 */
	"{\n"
	"\tinner(x + 1);\n"							/* 9 */
	"}\n"
	"struct S {\n"
	"\t__attribute__((noinline, used)) void outer(int x)\n"			/* 12 */
	"\t{\n"
	"\t\tmiddle(x);\n"							/* 14 */
	"\t}\n"
	"};\n"
	"}\n"
	"int main(int argc, char **argv)\n"					/* 18 */
	"{\n"
	"\tns::S().outer(argc);\n"
	"\treturn 0;\n"
	"}\n";

static void check_frame(const struct symbol_frame *f, const char *function, uint32_t line,
			uint32_t start)
{
	assert_string_equal(f->function, function);
	assert_int_equal(f->line, line);
	assert_int_equal(f->start_line, start);
	assert_non_null(f->file);
	assert_string_equal(strrchr(f->file, '/') + 1, "i.cc");
}

/* The store to sink lies in inner, in middle, in outer. */
static void check(const char *name, uint64_t outer)
{
	struct bench b = bench_init(true, true);
	struct symbol_location loc = { 0 };
	bool found = false;
	uint64_t at;

	for (at = outer; at < outer + 32 && !found; at++) {
		loc = resolve(&b, name, at);
		found = loc.nr_frames == 3;
	}
	assert_true(found);
	check_frame(&loc.frames[0], "ns::inner", 5, 3);
	check_frame(&loc.frames[1], "ns::middle", 9, 7);
	check_frame(&loc.frames[2], "ns::S::outer", 14, 12);
	assert_string_equal(loc.frames[2].system_name, "_ZN2ns1S5outerEi");
	bench_deinit(&b);
}

static uint64_t build(const char *name, const char *flags)
{
	write_text("i.cc", source);
	sh("g++ -O2 %s i.cc -o %s", flags, name);
	return address_of(name, "_ZN2ns1S5outerEi");
}

static void dwarf_versions(void **state)
{
	check("v4", build("v4", "-gdwarf-4"));
	check("v5", build("v5", "-gdwarf-5"));
	check("aranges", build("aranges", "-g -fno-dwarf2-cfi-asm -ffunction-sections"));
}

static void compressed(void **state)
{
	check("gz", build("gz", "-g -gz=zlib"));
	check("gnu", build("gnu", "-gdwarf-4 -gz=zlib-gnu"));
}

static void split(void **state)
{
	check("split5", build("split5", "-gdwarf-5 -gsplit-dwarf"));
	check("split4", build("split4", "-gdwarf-4 -gsplit-dwarf"));
}

static void in_a_debug_file(void **state)
{
	uint64_t outer = build("sep", "-g -Wl,--build-id=0xfeed0102");

	sh("mkdir -p root/.build-id/fe && "
	   "objcopy --only-keep-debug --compress-debug-sections sep root/.build-id/fe/ed0102.debug && "
	   "strip sep");
	elf_debug_set_root(FIXTURES "/root");
	check("sep", outer);
	elf_debug_set_root("/usr/lib/debug");
}

static void by_clang(void **state)
{
	if (try_sh("clang++ --version >/dev/null 2>&1")) {
		print_message("no clang: its DWARF is not tested\n");
		skip();
	}
	write_text("i.cc", source);
	sh("clang++ -O2 -g i.cc -o clang");
	check("clang", address_of("clang", "_ZN2ns1S5outerEi"));
}

static void with_a_common_file(void **state)
{
	uint64_t outer = build("dwz", "-gdwarf-4");

	if (try_sh("dwz --version >/dev/null 2>&1")) {
		print_message("no dwz: its common file is not tested\n");
		skip();
	}
	sh("cp dwz dwz2 && dwz -m common dwz dwz2");
	check("dwz", outer);
}

/* GCC describes a lambda inside the function that it stands in. */
static void inlined_into_a_lambda(void **state)
{
	struct bench b = bench_init(true, true);
	struct symbol_location loc = { 0 };
	uint64_t at, start;
	char name[256] = "";
	FILE *f;

	write_text("l.cc", "volatile int sink;\n"
		   "static inline __attribute__((always_inline)) void add(int x) { sink += x; }\n"
		   "int main(int argc, char **argv)\n"
		   "{\n"
		   "\tauto f = [](int x) __attribute__((noinline, used)) { add(x); };\n"
		   "\tf(argc);\n"
		   "}\n");
	sh("g++ -g -O2 l.cc -o lambda && nm lambda | awk '/clEi/ { print $3; exit }' > l.name");
	f = fopen(fixture("l.name"), "r");
	assert_int_equal(fscanf(f, "%255s", name), 1);
	fclose(f);
	start = address_of("lambda", name);
	for (at = start; at < start + 16 && loc.nr_frames < 2; at++)
		loc = resolve(&b, "lambda", at);
	assert_int_equal(loc.nr_frames, 2);
	assert_string_equal(loc.frames[0].function, "add");
	assert_int_equal(loc.frames[0].line, 2);
	assert_int_equal(loc.frames[1].line, 5);
	bench_deinit(&b);
}

/* Without lines asked for, none are given and no inlined functions. */
static void only_when_asked(void **state)
{
	struct bench b = bench_init(false, true);
	uint64_t outer = build("plain", "-g");
	struct symbol_location loc = resolve(&b, "plain", outer + 4);

	assert_int_equal(loc.nr_frames, 1);
	assert_string_equal(loc.frames[0].function, "ns::S::outer");
	assert_null(loc.frames[0].file);
	bench_deinit(&b);
}

/* More files than are held open at once, twice around. */
static void many_files(void **state)
{
	uint64_t outer = build("many", "-g -gz=zlib");
	struct bench b = bench_init(true, true);
	struct symbol_location loc;
	char name[16];
	int i;

	for (i = 0; i < 24; i++) {
		snprintf(name, sizeof(name), "many%d", i % 12);
		if (i < 12)
			sh("cp many %s", name);
		loc = resolve(&b, name, outer);
		assert_true(loc.nr_frames > 0);
		assert_string_equal(strrchr(loc.frames[0].file, '/') + 1, "i.cc");
		assert_int_not_equal(loc.frames[0].line, 0);
	}
	bench_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dwarf_versions),
		cmocka_unit_test(compressed),
		cmocka_unit_test(split),
		cmocka_unit_test(in_a_debug_file),
		cmocka_unit_test(by_clang),
		cmocka_unit_test(with_a_common_file),
		cmocka_unit_test(inlined_into_a_lambda),
		cmocka_unit_test(only_when_asked),
		cmocka_unit_test(many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
