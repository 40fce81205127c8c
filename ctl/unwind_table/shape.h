/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code that is known by its bytes or names, because often no CFI tells of it: the
 * stub to which signal handlers return (musl's has none), the PLTs of linkers that
 * describe none (lld, mold, and ld on arm64), and where programs begin (musl, and
 * glibc's dynamic linker on x86_64, in which every program spends its first
 * milliseconds). Nothing is matched loosely: a PLT that differs anywhere from the
 * shapes known is left alone.
 */
#ifndef TICKPROF_SHAPE_H
#define TICKPROF_SHAPE_H

#include <linux/tickprof_table.h>

#include "symbol/elf_file.h"

/* Offset of a sigreturn stub in code, its size to *found; size: there is none. */
size_t shape_sigreturn(uint16_t machine, const uint8_t *code, size_t size, size_t *found);
/* Shorter code has none. */
enum { SHAPE_SIGRETURN_MIN = 7 };

/*
 * What glibc's clone() and clone3() leave out of their CFI, on x86_64: from the
 * system call, where a caller spends the time that it takes to make a process, to
 * its return. Size of that at the start of code, 0 if it is something else. The
 * return address is at the stack pointer.
 */
size_t shape_after_clone(uint16_t machine, const uint8_t *code, size_t size);

/* Nothing but what assemblers and linkers put between functions, which never runs. */
bool shape_padding(uint16_t machine, const uint8_t *code, size_t size);

/* Called for each stretch of code, by file offset, without overlap. */
typedef void (*shape_fn)(void *ctx, uint64_t offset, uint64_t size,
			 const struct tickprof_rule *rule);
void shape_plt(struct elf_file *f, shape_fn fn, void *ctx);

/* Is this, at a file's entry point, how programs begin? */
bool shape_entry(uint16_t machine, const uint8_t *code, size_t size);
enum { SHAPE_ENTRY_SIZE = 64 };	/* of the longest, in glibc's dynamic linker */
/* The functions between the entry point and main(), or that threads begin with, in musl. */
void shape_musl_roots(struct elf_file *f, shape_fn fn, void *ctx);

#endif
