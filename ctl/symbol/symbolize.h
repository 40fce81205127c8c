/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses to functions: an ordered chain of symbolizers, one a file. The
 * first that knows an address answers.
 *
 *	captured → kernel → perf map → ELF (+ DWARF lines and inlines)
 */
#ifndef TICKPROF_SYMBOLIZE_H
#define TICKPROF_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object.h"

struct symbolizer;

/* Frames and strings are owned by the symbolizer and live as long as it does. */
struct symbol_frame {
	const char *function;	/* demangled */
	const char *system_name; /* as in the symbol table */
	const char *file;	/* NULL: not known */
	uint32_t line;		/* 0: not known */
	uint32_t start_line;	/* of the function; 0: not known */
};

/*
 * One location. address is what the symbol tables count in (ELF virtual
 * address, absolute for the kernel and JIT code); start, limit and offset
 * describe the executable segment it lies in, in the same terms, so that pprof
 * computes a base of zero. Where the file could not be read, address is the file
 * offset, start = offset = 0 and limit = UINT64_MAX >> 1.
 */
struct symbol_location {
	uint64_t address;
	uint64_t start, limit, offset;
	const struct symbol_frame *frames;	/* innermost (inlined) first */
	uint32_t nr_frames;			/* 0: unresolved */
};

struct symbolizer_options {
	bool lines;	/* source lines and inlined frames from DWARF */
	bool live;	/* this machine's kernel, files and perf maps may be read */
};

struct symbolizer *symbolizer_create(struct objects *objects,
				     const struct symbolizer_options *options);
/* Before objects_destroy(): what was loaded hangs on the objects. */
void symbolizer_destroy(struct symbolizer *s);

/*
 * Resolve one place: offset is the file offset for OBJECT_FILE, the offset in
 * the image for OBJECT_VDSO, the absolute address otherwise. Return addresses
 * are looked up one byte earlier: the caller passes caller == true and the
 * address as it was on the stack; out->address then keeps the address as given.
 * Returns true if at least one frame was found. Results are not cached here.
 */
bool symbolizer_resolve(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, struct symbol_location *out);

/*
 * Preload what a capture's SYMBOLS chunk knows: the answer for exactly this
 * (object, offset, caller).
 */
void symbolizer_preload(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, const struct symbol_location *loc);

/* Read kallsyms now (modules may be unloaded before the end). 0 or -errno. */
int symbolizer_load_kernel(struct symbolizer *s);

#endif
