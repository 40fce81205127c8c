/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small binaries made by the compiler while the tests run, and ways to ask about
 * them. Each test program has a directory of its own below TEST_OUT.
 */
#ifndef TICKPROF_TEST_FIXTURE_H
#define TICKPROF_TEST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "symbol/elf_file.h"
#include "symbol/symbolize.h"
#include "test.h"

#define CROSS "aarch64-linux-gnu-"
#define FIXTURES TEST_OUT "/fixtures-" FIXTURE_DIR

__attribute__((format(printf, 1, 2))) static inline int try_sh(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int at;

	at = snprintf(command, sizeof(command), "mkdir -p %s && cd %s && { ", FIXTURES, FIXTURES);
	va_start(ap, fmt);
	at += vsnprintf(command + at, sizeof(command) - at, fmt, ap);
	va_end(ap);
	snprintf(command + at, sizeof(command) - at, "; }");
	return system(command);
}

#define sh(...) assert_int_equal(try_sh(__VA_ARGS__), 0)

static inline bool have(const char *tool)
{
	return !try_sh("command -v %s >/dev/null", tool);
}

static inline const char *fixture(const char *name)
{
	static char path[8][512];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", FIXTURES, name);
	return path[turn];
}

static inline void write_file(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(fixture(name), "w");

	if (!f) {
		sh("true");	/* makes the directory */
		f = fopen(fixture(name), "w");
	}
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static inline void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

/* Virtual address of a symbol whose name matches exactly, by nm. */
static inline uint64_t address_of(const char *name, const char *symbol)
{
	char line[1024], command[1024], found[512];
	unsigned long long addr, result = 0;
	char type;
	FILE *f;

	snprintf(command, sizeof(command), "nm %s", fixture(name));
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c %511s", &addr, &type, found) == 3 &&
		    !strcmp(found, symbol))
			result = addr;
	pclose(f);
	assert_int_not_equal(result, 0);
	return result;
}

static inline struct elf_file *open_elf(const char *name)
{
	int fd = open(fixture(name), O_RDONLY | O_CLOEXEC);
	struct elf_file *f;

	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, &f), 0);
	close(fd);
	return f;
}

static inline uint64_t offset_of(const char *name, uint64_t vaddr)
{
	struct elf_file *f = open_elf(name);
	uint64_t offset = 0;
	size_t i;

	for (i = 0; i < f->nr_segments; i++)
		if (f->segments[i].exec && vaddr >= f->segments[i].vaddr &&
		    vaddr - f->segments[i].vaddr < f->segments[i].memsz)
			offset = vaddr - f->segments[i].vaddr + f->segments[i].offset;
	elf_file_close(f);
	assert_int_not_equal(offset, 0);
	return offset;
}

/* One symbolizer with its table. */
struct bench {
	struct objects *objects;
	struct symbolizer *symbolizer;
};

static inline struct bench bench_init(bool lines, bool live)
{
	struct symbolizer_options options = { .lines = lines, .live = live };
	struct bench b = { .objects = objects_create() };

	b.symbolizer = symbolizer_create(b.objects, &options);
	return b;
}

static inline void bench_deinit(struct bench *b)
{
	symbolizer_destroy(b->symbolizer);
	objects_destroy(b->objects);
}

static inline struct object *bench_file(struct bench *b, const char *name)
{
	struct object_id id = { .path = fixture(name) };

	return objects_get(b->objects, &id, 0, 0, 0, true);
}

/* The location of a virtual address in a fixture. */
static inline struct symbol_location resolve(struct bench *b, const char *name, uint64_t vaddr)
{
	struct symbol_location loc;

	symbolizer_resolve(b->symbolizer, bench_file(b, name), offset_of(name, vaddr), false,
			   &loc);
	return loc;
}

#define assert_function(loc, name) do {						\
	struct symbol_location l_ = (loc);					\
	assert_true(l_.nr_frames > 0);						\
	assert_string_equal(l_.frames[l_.nr_frames - 1].function, name);	\
} while (0)

#define assert_unresolved(loc) assert_int_equal((loc).nr_frames, 0)

#endif
