// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call frame information with random damage, and headers of ELF files that lead to
 * it: nothing may crash or take long, and what comes out is a whole table that can
 * be read from end to end. The seed is fixed; FUZZ_ROUNDS asks for more.
 */
#define FIXTURE_DIR "fuzz-unwind"
#include <sys/resource.h>
#include <sys/stat.h>

#include "unwind_fixture.h"

#define SECONDS_MAX 2.0		/* of CPU a file, sanitizers included */

static uint64_t seed = 1;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

static unsigned int rounds(unsigned int usual)
{
	const char *wanted = getenv("FUZZ_ROUNDS");

	return wanted ? (unsigned int)atoi(wanted) : usual;
}

struct image {
	uint8_t *data;
	size_t size;
	size_t from, length;	/* of the section that is damaged */
};

static struct image load(const char *path, const char *section)
{
	struct image image = { 0 };
	struct elf_file *f;
	GElf_Shdr shdr;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	image.size = st.st_size;
	image.data = xmalloc(image.size);
	assert_int_equal(read(fd, image.data, image.size), st.st_size);
	close(fd);
	assert_int_equal(elf_file_open_memory(image.data, image.size, false, &f), 0);
	assert_non_null(elf_file_section(f, section, &shdr));
	image.from = shdr.sh_offset;
	image.length = shdr.sh_size;
	elf_file_close(f);
	return image;
}

static double cpu_seconds(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void seen(void *ctx, uint64_t start, uint64_t end, const struct tickprof_rule *rule)
{
	uint64_t *last = ctx;

	assert_int_equal(start, *last);
	assert_true(end > start);
	assert_true(rule->cfa < __TICKPROF_CFA_MAX);
	*last = end;
}

static void use(void *data, size_t size)
{
	double began = cpu_seconds();
	struct unwind_table t;
	struct elf_file *f;
	uint64_t last;
	unsigned int i;

	if (elf_file_open_memory(data, size, false, &f))
		return;
	if (!unwind_table_compile(f, NULL, &t)) {
		assert_table(t.table);
		last = t.table->start;
		unwind_table_each(t.table, seen, &last);
		for (i = 0; i < 100; i++)
			unwind_table_find(t.table, t.table->start + rnd(last - t.table->start + 1000));
		unwind_table_deinit(&t);
	}
	elf_file_close(f);
	assert_true(cpu_seconds() - began < SECONDS_MAX);
}

/* Bytes are put back afterwards: copying a large image would take the time. */
static void damage(struct image *image, size_t from, size_t length, unsigned int rounds_wanted)
{
	static const uint8_t odd[] = { 0, 1, 0x0e, 0x0f, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xff };
	struct undo { size_t at; uint8_t byte; } undo[64];
	size_t nr, at, i;

	while (rounds_wanted--) {
		nr = 1 + rnd(ARRAY_SIZE(undo) / (1 + rnd(16)));
		at = from + rnd(length);
		for (i = 0; i < nr; i++) {
			if (rnd(2))
				at = from + rnd(length);
			else if (++at == from + length)
				at = from;
			undo[i] = (struct undo){ at, image->data[at] };
			image->data[at] = rnd(2) ? odd[rnd(ARRAY_SIZE(odd))] : rnd(256);
		}
		use(image->data, image->size);
		while (i--)
			image->data[undo[i].at] = undo[i].byte;
	}
}

static void build_subject(void)
{
	write_text("s.c", "#include <stdlib.h>\n#include <alloca.h>\n"
		   "typedef int v __attribute__((vector_size(64)));\nvoid h(void *, int);\n"
		   "int a(int n) { v x[2]; h(alloca(n), n); h(x, n); return x[0][n & 7]; }\n"
		   "int b(int n) { char c[70000]; h(c, n); return n > 3 ? a(n) + c[n] : b(n + 1); }\n"
		   "void c(int *p, int n) { h(p, n); qsort(p, n, 4, (void *)h); }\n");
	sh("gcc -O2 -mavx -g0 -fPIC -shared s.c -o subject 2>/dev/null || "
	   "gcc -O2 -g0 -fPIC -shared s.c -o subject");
	sh("gcc -O2 -g0 -fPIC -shared -fno-asynchronous-unwind-tables -g s.c -o debug");
}

static void eh_frame(void **state)
{
	struct image image;

	build_subject();
	image = load(fixture("subject"), ".eh_frame");
	damage(&image, image.from, image.length, rounds(20000));
	free(image.data);
}

static void debug_frame(void **state)
{
	struct image image;

	build_subject();
	image = load(fixture("debug"), ".debug_frame");
	damage(&image, image.from, image.length, rounds(10000));
	free(image.data);
}

static void libc(void **state)
{
	struct image image;

	sh("ln -sf $(ldconfig -p | sed -n 's/.*libc.so.6 .*64.* => //p' | head -n 1) libc");
	image = load(fixture("libc"), ".eh_frame");
	damage(&image, image.from, image.length, rounds(150));
	free(image.data);
}

static void headers(void **state)
{
	struct image image;
	Elf64_Ehdr *ehdr;

	build_subject();
	image = load(fixture("subject"), ".eh_frame");
	ehdr = (Elf64_Ehdr *)image.data;
	damage(&image, EI_NIDENT, 0x400, rounds(4000));
	damage(&image, ehdr->e_shoff, image.size - ehdr->e_shoff, rounds(4000));
	free(image.data);
}

/* Nothing but noise and zeros, and the shortest instructions over and over. */
static void noise(void **state)
{
	struct image image;
	size_t i, round;

	build_subject();
	image = load(fixture("subject"), ".eh_frame");
	for (round = 0; round < rounds(500); round++) {
		uint8_t only = rnd(256);

		for (i = 0; i < image.length; i++)
			image.data[image.from + i] = round % 3 ? rnd(256) >> rnd(8) : only;
		use(image.data, image.size);
	}
	free(image.data);
}

/* Time is linear in the instructions, whatever the registers that they name. */
static void long_function(void **state)
{
	struct image image;

	write_text("l.s", ".globl f\nf: .cfi_startproc\n.cfi_escape 5, 0xff, 0xff, 0xff, 0x3f, 1\n"
		   ".rept 100000\nnop\n.cfi_def_cfa_offset 16\n"
		   "nop\n.cfi_def_cfa_offset 8\n.endr\n.cfi_endproc\n");
	sh("gcc -nostdlib -shared l.s -o long");
	image = load(fixture("long"), ".eh_frame");
	use(image.data, image.size);
	free(image.data);
}

static void cut_short(void **state)
{
	struct image image;
	size_t size;

	build_subject();
	image = load(fixture("subject"), ".eh_frame");
	for (size = 0; size < image.size; size += 40) {
		/* A block of its own size, so that a read past its end is seen. */
		void *copy = xmalloc(size ? size : 1);

		memcpy(copy, image.data, size);
		use(copy, size);
		free(copy);
	}
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eh_frame),
		cmocka_unit_test(debug_frame),
		cmocka_unit_test(libc),
		cmocka_unit_test(headers),
		cmocka_unit_test(noise),
		cmocka_unit_test(long_function),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
