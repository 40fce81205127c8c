/* SPDX-License-Identifier: GPL-2.0-only */
/* Assembly to a table, and the table's rows as text. FIXTURE_DIR is the test's. */
#ifndef TICKPROF_TEST_UNWIND_FIXTURE_H
#define TICKPROF_TEST_UNWIND_FIXTURE_H

#include "fixture.h"
#include "unwind_table/rule.h"
#include "unwind_table/unwind_table.h"

/* kmod/table_check.c */
int tickprof_table_check(const struct tickprof_table *t, size_t bytes, uint16_t machine);

static inline void assert_table(const struct tickprof_table *t)
{
	assert_int_equal(tickprof_table_check(t, t->bytes, t->machine), 0);
}

static inline struct unwind_table compile_file(const char *name,
						const struct tickprof_file_key *key)
{
	struct elf_file *f = open_elf(name);
	struct unwind_table t;

	assert_int_equal(unwind_table_compile(f, key, &t), 0);
	elf_file_close(f);
	assert_table(t.table);
	return t;
}

struct text {
	char *at, *end;
	uint64_t from, until;
	const struct cfi_machine *m;
};

static inline void text_row(void *ctx, uint64_t start, uint64_t end,
			    const struct tickprof_rule *rule)
{
	struct rule_text r;
	struct text *t = ctx;

	if (end <= t->from || start >= t->until)
		return;
	rule_print(t->m, rule, &r);
	if (start < t->from)
		start = t->from;
	t->at += snprintf(t->at, t->end - t->at, "%lu: %s %s %s\n", start - t->from, r.cfa, r.ra,
			  r.fp);
}

/* The rows of a file between two addresses, each "distance: cfa ra fp". */
static inline const char *rows_between(const struct unwind_table *t, uint64_t from, uint64_t until)
{
	static char text[4096];
	struct text ctx = { text, text + sizeof(text), from, until,
			    cfi_machine(t->table->machine) };

	text[0] = 0;
	unwind_table_each(t->table, text_row, &ctx);
	return text;
}

/* Of the symbols "from" and "until" in a file. */
static inline void assert_rows(const char *name, const char *from, const char *until,
			       const char *rows)
{
	struct unwind_table t = compile_file(name, NULL);

	assert_string_equal(rows_between(&t, offset_of(name, address_of(name, from)),
					 offset_of(name, address_of(name, until))), rows);
	unwind_table_deinit(&t);
}

/* A library of the assembly given, made with these options. */
static inline void assemble(const char *tool, const char *name, const char *options,
			    const char *assembly)
{
	FILE *f;

	write_text("x.s", "");
	f = fopen(fixture("x.s"), "w");
	assert_non_null(f);
	fputs(assembly, f);
	fclose(f);
	sh("%sgcc -nostdlib -shared %s -o %s x.s", tool, options, name);
}

#endif
