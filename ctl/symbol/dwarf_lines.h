/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The line table of one compilation unit, compact: 12 bytes a row that changes
 * file or line, 8 a file. libdw decodes it once; after that it may forget it.
 */
#ifndef TICKPROF_DWARF_LINES_H
#define TICKPROF_DWARF_LINES_H

#include <elfutils/libdw.h>

#include "sym_names.h"

struct dwarf_row {
	uint32_t addr;		/* above base */
	uint32_t line;		/* 0: not known */
	uint32_t file;		/* index; UINT32_MAX: no code from here on */
};

struct dwarf_lines {
	uint64_t base;
	struct dwarf_row *rows;
	size_t nr_rows;
	const char **files;	/* NULL: without a name */
	size_t nr_files;
};

/* Returns the number of rows that libdw decoded. */
size_t dwarf_lines_init(struct dwarf_lines *l, struct sym_names *n, Dwarf_Die *unit_die);
void dwarf_lines_deinit(struct dwarf_lines *l);
size_t dwarf_lines_memory(const struct dwarf_lines *l);
/* Fills in file and line of the row that covers addr. */
void dwarf_lines_find(const struct dwarf_lines *l, uint64_t addr, struct symbol_frame *frame);
const char *dwarf_lines_file(const struct dwarf_lines *l, uint64_t index);

#endif
