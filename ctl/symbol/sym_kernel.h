/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel and module functions from kallsyms: text symbols only, one a place,
 * 16 bytes each and their names, about 4 MB for a distribution kernel.
 */
#ifndef TICKPROF_SYM_KERNEL_H
#define TICKPROF_SYM_KERNEL_H

#include "sym_names.h"

struct sym_kernel;

/*
 * -EPERM: the kernel shows all addresses as zero (kptr_restrict, or a capability
 * is missing); a warning says so the first time.
 */
int sym_kernel_create(const char *path, struct sym_kernel **out);
void sym_kernel_destroy(struct sym_kernel *k);
/* NULL: not known. A module's functions carry "[module]" as their file. */
const struct symbol_frame *sym_kernel_find(const struct sym_kernel *k, struct sym_names *n,
					   uint64_t addr);
/* Where the kernel's text begins; 0: not known. */
uint64_t sym_kernel_start(const struct sym_kernel *k);

#endif
