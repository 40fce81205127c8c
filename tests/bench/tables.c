// SPDX-License-Identifier: GPL-2.0-only
/*
 * tables ROUNDS FILE… -- FILE…: compiles the unwind tables of the first files by
 * themselves and of the others together, and prints what they take. For tests/bench/tables.
 *
 * Time is this thread's CPU, the best of ROUNDS; memory the peak of the heap, which
 * malloc() below counts, libraries included.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "unwind_table/unwind_table.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t nr, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static ssize_t heap, heap_peak;

static void *counted(void *p)
{
	heap += malloc_usable_size(p);
	if (heap > heap_peak)
		heap_peak = heap;
	return p;
}

void *malloc(size_t size)
{
	return counted(__libc_malloc(size));
}

void *calloc(size_t nr, size_t size)
{
	return counted(__libc_calloc(nr, size));
}

/* While it moves a block there are both. */
void *realloc(void *p, size_t size)
{
	size_t before = malloc_usable_size(p);
	void *n = __libc_realloc(p, size);

	counted(n);
	if (n || !size)
		heap -= before;
	return n;
}

void free(void *p)
{
	heap -= malloc_usable_size(p);
	__libc_free(p);
}

struct row {
	const char *name;
	uint64_t text, rows, rules, bytes, described, walked, us;
	ssize_t peak;
};

static bool measure(const char *path, unsigned int rounds, struct row *out)
{
	struct unwind_table_counts counts;
	struct unwind_table t;
	struct elf_file *f;
	unsigned int i, cfa;
	int fd, ret;

	*out = (struct row){ .name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path };
	for (i = 0; i < rounds; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ret = fd < 0 ? -1 : elf_file_open(fd, &f);
		if (fd >= 0)
			close(fd);
		if (ret)
			return false;
		heap = heap_peak = 0;
		ret = unwind_table_compile(f, NULL, &t);
		elf_file_close(f);
		if (ret)
			return false;
		if (!i || t.stats.compile_us < out->us)
			out->us = t.stats.compile_us;
		if (i + 1 < rounds)
			unwind_table_deinit(&t);
	}
	out->peak = heap_peak;
	out->text = t.stats.text;
	out->rows = t.table->rows;
	out->rules = t.table->rules;
	out->bytes = t.table->bytes;
	unwind_table_count(t.table, &counts);
	for (cfa = 0; cfa < __TICKPROF_CFA_MAX; cfa++) {
		if (cfa != TICKPROF_CFA_NONE)
			out->described += counts.bytes[cfa];
		if (cfa != TICKPROF_CFA_NONE && cfa != TICKPROF_CFA_UNKNOWN)
			out->walked += counts.bytes[cfa];
	}
	unwind_table_deinit(&t);
	return true;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static void print(const struct row *r)
{
	printf("%-28.28s %11lu %9lu %6lu %10lu %7.2f %8.2f %9.2f %9.1f %7.1f\n", r->name, r->text,
	       r->rows, r->rules, r->bytes, percent(r->bytes, r->text),
	       percent(r->described, r->text), percent(r->walked, r->text), r->us / 1e3,
	       r->peak / 1048576.0);
}

static int missed;

static void bar(const char *what, double value, double limit, const char *unit)
{
	missed |= value > limit;
	printf("%s tables: %s: %.2f (%g %s)\n", value <= limit ? "ok" : "not ok", what, value, limit,
	       unit);
}

static void judge(const struct row *r)
{
	if (!strncmp(r->name, "libLLVM", 7)) {
		bar("libLLVM compiled, CPU", r->us / 1e6, 1.0, "s");
		bar("libLLVM compiled, peak of the heap", r->peak / 1048576.0, 64, "MiB");
	}
	if (!strcmp(r->name, "libc.so.6"))
		bar("libc compiled, CPU", r->us / 1e3, 20, "ms");
}

static void judge_all(const struct row *r, unsigned int files)
{
	char what[64];

	snprintf(what, sizeof(what), "%u files, of their text", files);
	bar(what, percent(r->bytes, r->text), 8, "%");
	snprintf(what, sizeof(what), "%u files together", files);
	bar(what, r->bytes / 1e6, 2.5, "MB");
}

int main(int argc, char **argv)
{
	struct row rows[16], all = { .name = "all" };
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 0, nr = 0, files = 0, i;

	if (!rounds)
		return 2;

	printf("%-28s %11s %9s %6s %10s %7s %8s %9s %9s %7s\n", "file", "text", "rows", "rules",
	       "bytes", "% text", "% CFI", "% walked", "ms", "MiB");
	for (argv += 2; *argv && strcmp(*argv, "--"); argv++)
		if (nr < ARRAY_SIZE(rows) && measure(*argv, rounds, &rows[nr]))
			print(&rows[nr++]);
	while (*argv && *++argv) {
		struct row r;

		if (!measure(*argv, 1, &r))
			continue;
		files++;
		all.text += r.text;
		all.rows += r.rows;
		all.rules += r.rules;
		all.bytes += r.bytes;
		all.described += r.described;
		all.walked += r.walked;
		all.us += r.us;
		if (r.peak > all.peak)
			all.peak = r.peak;
	}
	print(&all);
	for (i = 0; i < nr; i++)
		judge(&rows[i]);
	judge_all(&all, files);
	return missed;
}
