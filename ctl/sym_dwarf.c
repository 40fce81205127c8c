// SPDX-License-Identifier: GPL-2.0-only
/* Source lines and inlined functions of one ELF file: see sym_dwarf.h. */
#include "sym_dwarf.h"

struct sym_dwarf *sym_dwarf_create(struct sym_elf *elf, const struct elf_origin *origin)
{
	return NULL;
}

void sym_dwarf_destroy(struct sym_dwarf *d)
{
}

size_t sym_dwarf_find(struct sym_dwarf *d, struct sym_names *n, uint64_t vaddr,
		      const struct symbol_frame *symbol, struct symbol_frame *frames,
		      size_t max)
{
	return 0;
}
