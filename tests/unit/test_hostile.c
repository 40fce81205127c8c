// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF files that lie: cut short, bits flipped, headers absurd, truncated under the
 * reader. Nothing is expected of the answers; the checks are the sanitizers'.
 */
#define FIXTURE_DIR "hostile"
#include <sys/mman.h>
#include <sys/stat.h>

#include "fixture.h"

#define FLIPS 300

static unsigned char *image;
static size_t image_size;

static void read_image(const char *name)
{
	FILE *f = fopen(fixture(name), "r");
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	free(image);
	image_size = st.st_size;
	image = xmalloc(image_size);
	assert_int_equal(fread(image, 1, image_size, f), image_size);
	fclose(f);
}

/* A file with everything there is to parse: symbols, PLT, links, MiniDebugInfo, DWARF. */
static void build_all(const char *name)
{
	write_text("h.c", "#include <unistd.h>\n"
		   "static inline __attribute__((always_inline)) int in(int x) { return x + getppid(); }\n"
		   "int visible(int x) { return in(x) * 3; }\n"
		   "static __attribute__((used)) int hidden(int x) { return in(x); }\n");
	sh("gcc -g -Os -fPIC -shared -nostartfiles -Wl,-z,noseparate-code h.c -o full && "
	   "objcopy --only-keep-debug full full.debug && xz -kf full.debug && "
	   "cp full %s && strip -g %s -o mini && strip mini && "
	   "objcopy --add-section .gnu_debugdata=full.debug.xz mini && "
	   "objcopy --compress-debug-sections full packed", name, name);
}

static void use(const void *data, size_t size)
{
	struct object_id id = { .path = fixture("subject") };
	struct bench b = bench_init(true, true);
	struct symbol_location loc;
	struct object *obj;
	uint64_t offset;

	write_file("subject", data, size);
	obj = objects_get(b.objects, &id, 0, 0, 0, true);
	for (offset = 0; offset < 0x1400; offset += 128)
		symbolizer_resolve(b.symbolizer, obj, offset, true, &loc);
	symbolizer_resolve(b.symbolizer, obj, UINT64_MAX, false, &loc);
	bench_deinit(&b);
}

static void cut_short(void **state)
{
	static const char *const names[] = { "full", "mini", "packed" };
	size_t i, size;

	build_all("copy");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		read_image(names[i]);
		for (size = 0; size < image_size; size += 64)
			use(image, size);
	}
}

static void bits_flipped(void **state)
{
	static const char *const names[] = { "full", "mini", "packed" };
	unsigned char *copy;
	size_t i, round, flip;

	build_all("copy");
	srand(3);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		read_image(names[i]);
		copy = xmalloc(image_size);
		for (round = 0; round < FLIPS; round++) {
			memcpy(copy, image, image_size);
			for (flip = 0; flip < 1 + round % 8; flip++)
				copy[rand() % image_size] = rand();
			use(copy, image_size);
		}
		free(copy);
	}
}

/* The headers alone, where most harm can be done: each field set to extremes. */
static void absurd_headers(void **state)
{
	static const uint64_t values[] = { 0, 1, UINT32_MAX, UINT64_MAX, UINT64_MAX - 63,
					   1ull << 63, 1ull << 40 };
	Elf64_Ehdr *ehdr;
	Elf64_Shdr *shdr;
	unsigned char *copy;
	size_t i, field, v;

	build_all("copy");
	read_image("full");
	copy = xmalloc(image_size);
	ehdr = (Elf64_Ehdr *)copy;
	memcpy(copy, image, image_size);
	for (i = 0; i < ehdr->e_shnum; i++)
		for (field = 0; field < 5; field++)
			for (v = 0; v < ARRAY_SIZE(values); v++) {
				memcpy(copy, image, image_size);
				shdr = (Elf64_Shdr *)(copy + ehdr->e_shoff) + i;
				if (field == 0)
					shdr->sh_size = values[v];
				else if (field == 1)
					shdr->sh_offset = values[v];
				else if (field == 2)
					shdr->sh_link = values[v];
				else if (field == 3)
					shdr->sh_entsize = values[v];
				else
					shdr->sh_flags = values[v];
				use(copy, image_size);
			}
	for (i = 0; i < sizeof(*ehdr); i++) {
		memcpy(copy, image, image_size);
		copy[i] = 0xff;
		use(copy, image_size);
	}
	free(copy);
}

/* The file loses its end between two look-ups: zeros are read, no SIGBUS. */
static void truncated_under_the_reader(void **state)
{
	struct bench b = bench_init(true, true);
	struct symbol_location loc;
	struct object *obj;
	uint64_t visible;

	build_all("copy");
	sh("cp full shrinks && head -c 1000000 /dev/zero >> shrinks");
	visible = offset_of("shrinks", address_of("shrinks", "visible"));
	obj = bench_file(&b, "shrinks");
	assert_true(symbolizer_resolve(b.symbolizer, obj, visible, false, &loc));
	assert_int_equal(truncate(fixture("shrinks"), 0), 0);
	symbolizer_resolve(b.symbolizer, obj, visible + 1, false, &loc);
	symbolizer_resolve(b.symbolizer, obj, visible + 200, false, &loc);
	bench_deinit(&b);
}

static void not_elf_at_all(void **state)
{
	static const char text[] = "#!/bin/sh\necho \177ELF\n";
	unsigned char junk[4096];
	size_t i, round;

	use(text, sizeof(text));
	use("\177ELF", 4);
	srand(4);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] = rand();
		memcpy(junk, "\177ELF\2\1\1", 7);
		use(junk, sizeof(junk));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_short),
		cmocka_unit_test(bits_flipped),
		cmocka_unit_test(absurd_headers),
		cmocka_unit_test(truncated_under_the_reader),
		cmocka_unit_test(not_elf_at_all),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(image);
	return failed;
}
