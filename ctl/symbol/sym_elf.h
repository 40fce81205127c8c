/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Function symbols of one ELF file: .symtab, else that of its debug file, else
 * .dynsym with MiniDebugInfo; PLT stubs are named after what they call. 16 bytes
 * a symbol; names stay in the mapped file and are read when a symbol is hit.
 */
#ifndef TICKPROF_SYM_ELF_H
#define TICKPROF_SYM_ELF_H

#include "elf_debug.h"
#include "sym_names.h"

struct sym_elf {
	struct elf_file *file;
	struct elf_debug debug;
	struct sym_elf_table *table;	/* NULL: not loaded, or dropped to save memory */
	uint64_t used;			/* the owner's clock, to drop the oldest */
};

/* Takes file over. Symbols are loaded at the first look-up. */
struct sym_elf *sym_elf_create(struct elf_file *file);
void sym_elf_destroy(struct sym_elf *e);
/* By ELF virtual address; NULL: not known. origin: to find a debug file from. */
const struct symbol_frame *sym_elf_find(struct sym_elf *e, const struct elf_origin *origin,
					struct sym_names *n, uint64_t vaddr);
/* Forget the symbols until the next look-up. */
void sym_elf_drop(struct sym_elf *e);
/* Heap bytes of the symbols loaded now. */
size_t sym_elf_memory(const struct sym_elf *e);

#endif
