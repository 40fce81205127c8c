/* SPDX-License-Identifier: GPL-2.0-only */
/* PLT stubs of an ELF file and the dynamic symbols they jump to. */
#ifndef TICKPROF_SYM_PLT_H
#define TICKPROF_SYM_PLT_H

#include "elf_file.h"

/* One call a stub: its place and the number of the symbol in .dynsym. */
typedef void (*sym_plt_fn)(void *ctx, uint64_t start, uint64_t size, uint32_t symbol);
void sym_plt_each(struct elf_file *f, sym_plt_fn fn, void *ctx);

#endif
