/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines and inlined functions of one ELF file, from its own DWARF or that
 * of its debug file. libdw reads it; what it finds slowly (which unit and which
 * function an address lies in) is indexed here, a unit at a time as they are
 * asked for: 16 bytes a range. At most a few files are open in libdw at once.
 */
#ifndef TICKPROF_SYM_DWARF_H
#define TICKPROF_SYM_DWARF_H

#include "sym_elf.h"

struct sym_dwarf;

/* NULL: there is no DWARF. elf must outlive the result. */
struct sym_dwarf *sym_dwarf_create(struct sym_elf *elf, const struct elf_origin *origin);
void sym_dwarf_destroy(struct sym_dwarf *d);
/*
 * Frames at an ELF virtual address, innermost first; their number, 0 if not
 * known. symbol, unless NULL, names the outermost.
 */
size_t sym_dwarf_find(struct sym_dwarf *d, struct sym_names *n, uint64_t vaddr,
		      const struct symbol_frame *symbol, struct symbol_frame *frames,
		      size_t max);

#endif
