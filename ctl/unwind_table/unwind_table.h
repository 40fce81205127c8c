/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwind tables: from an ELF file to what the module walks, in exactly the form
 * that is uploaded (linux/tickprof_table.h). The same file gives the same bytes.
 * What it cannot express it marks UNKNOWN and counts; code without call frame
 * information is NONE. Files of x86_64 and arm64 on either machine.
 *
 * Nothing here is shared between calls but the map of open files (elf_map.h), so
 * one thread may compile while others do something else. Memory while compiling:
 * 48 bytes a function and 15 a row at most (15 MiB for libLLVM's 843,000).
 */
#ifndef TICKPROF_UNWIND_TABLE_H
#define TICKPROF_UNWIND_TABLE_H

#include <linux/tickprof_table.h>
#include <stdint.h>

#include "symbol/elf_debug.h"

/* To be raised whenever the same file gives another table: cached ones are then not used. */
#define UNWIND_TABLE_COMPILER	2

struct unwind_table_stats {
	uint64_t text;		/* bytes of code that are mapped for execution */
	uint64_t fdes, broken;	/* functions described; entries not understood */
	uint64_t compile_us;	/* CPU time of the calling thread */
};

struct unwind_table {
	struct tickprof_table *table;	/* heap; table->bytes long */
	struct unwind_table_stats stats;	/* zeros if the table came from the cache */
};

/*
 * key: how the module knows the file, without its build id; NULL: by that and
 * size alone. A file without any call frame information gives a table that says NONE.
 * 0, -ENOTSUP for another machine or 32 bits, -EFBIG for more than a table holds.
 */
int unwind_table_compile(struct elf_file *f, const struct tickprof_file_key *key,
			 struct unwind_table *out);
/*
 * The same; if that is not enough, with .debug_frame of .gnu_debugdata or of the
 * debug file on this machine.
 */
int unwind_table_compile_found(struct elf_file *f, const struct elf_origin *origin,
			       const struct tickprof_file_key *key, struct unwind_table *out);
/* Of this process's vDSO, which is every process's. 0 or -errno. */
int unwind_table_compile_vdso(struct unwind_table *out);
void unwind_table_deinit(struct unwind_table *t);

/* What the rows say, weighed by bytes of code. Bytes of text that are not here are NONE. */
struct unwind_table_counts {
	uint64_t rows[__TICKPROF_CFA_MAX];
	uint64_t bytes[__TICKPROF_CFA_MAX];
};

void unwind_table_count(const struct tickprof_table *t, struct unwind_table_counts *out);
/*
 * Percent of the code that call frame information describes: a table may say no
 * more than where the PLT and the entry point are, or know a few functions in
 * assembly only (musl). Of a table from the cache, percent of what it covers.
 */
unsigned int unwind_table_described(const struct unwind_table *t);
/* Of a table just compiled: is half of the code described, or all but a few functions? */
bool unwind_table_enough(const struct unwind_table *t);

/* Each row in turn: the code from one file offset to another, and its rule. */
typedef void (*unwind_table_row_fn)(void *ctx, uint64_t start, uint64_t end,
				    const struct tickprof_rule *rule);
void unwind_table_each(const struct tickprof_table *t, unwind_table_row_fn fn, void *ctx);

/* The look-up as the module does it. NULL: the offset is not in the table. */
const struct tickprof_rule *unwind_table_find(const struct tickprof_table *t, uint64_t offset);

#endif
