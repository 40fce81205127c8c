/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an ELF file says of the thread-local variable otel_thread_ctx_v1: where it
 * lies in the file's block of thread-local storage, and by which words in memory
 * the file's own code finds it once the dynamic linker has been at work. x86_64
 * and arm64, 64 bit.
 *
 * The kinds of such words are the four ways in which the ELF TLS ABI links a
 * variable. A relocation of a library that names the variable holds for the whole
 * process, whichever file defines it; one that names no symbol is about the file's
 * own block.
 */
#ifndef TICKPROF_TLS_VARIABLE_H
#define TICKPROF_TLS_VARIABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/elf_file.h"

#define TLS_VARIABLE "otel_thread_ctx_v1"

enum tls_form {
	TLS_FORM_NONE,		/* no relocation tells where it is */
	TLS_FORM_LOCAL_EXEC,	/* in a program's own block: a constant, no word */
	TLS_FORM_INITIAL_EXEC,	/* a word: offset from the thread pointer */
	TLS_FORM_DESCRIPTOR,	/* two: resolver, argument */
	TLS_FORM_DYNAMIC,	/* two: module id, offset in its block */
};

struct tls_variable {
	uint16_t machine;	/* EM_X86_64, EM_AARCH64 */
	bool program;		/* a program, else a library */
	bool defined;		/* here, else only referred to */
	bool dynamic;		/* in .dynsym, else in .symtab alone */
	bool own;		/* the words are of the file's own block, not of the symbol */
	enum tls_form form;
	uint64_t value;		/* offset in the file's block, if it is defined here */
	uint64_t size, align;	/* of that block */
	uint64_t words;		/* address in the file of the first word */
	int64_t delta;		/* to add to the offset that they give */
	uint64_t lazy;		/* address of the resolver that has not resolved yet; 0: none */
};

/*
 * 0; -ENOENT: it is not in the file's symbol tables; -ENOTSUP: another machine;
 * -EBADMSG: it is there, but is no thread-local variable of a pointer's size in a
 * block of its file. out->machine and ->program are set in all cases but -ENOTSUP.
 */
int tls_variable_find(struct elf_file *f, struct tls_variable *out);

/* "initial-exec"; with "own" in it where words are the file's own. */
const char *tls_form_name(enum tls_form form);

/* The interpreter that a program asks for; NULL: none. Lives as long as f. */
const char *elf_interpreter(const struct elf_file *f);

#endif
