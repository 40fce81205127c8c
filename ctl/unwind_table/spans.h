/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stretches of a file's code that something is known of, and what tells it.
 * Places are file offsets. Memory: 24 bytes a function, 48 while they are gathered.
 */
#ifndef TICKPROF_SPANS_H
#define TICKPROF_SPANS_H

#include <linux/tickprof_table.h>

#include "cfi.h"

/* Where they overlap the higher one holds; of two alike, the one that begins later. */
enum span_source {
	SPAN_SHAPE,		/* a PLT known by its bytes */
	SPAN_DEBUG_FRAME,
	SPAN_EH_FRAME,
	SPAN_SIGRETURN,
};

struct span {
	uint64_t start;
	uint32_t size;
	uint32_t at;		/* of CFI: its entry in the section; of a shape: its rule */
	uint8_t source;
};

/* Code in the file that is mapped for execution; in order, without overlap. */
struct code_range {
	uint64_t start, end;
};

struct spans {
	struct elf_file *f;
	struct code_range *code;
	size_t nr_code, cap_code;
	struct span *s;
	size_t nr, cap;
	struct cfi eh, debug;
	bool has_eh, has_debug;
	struct tickprof_rule *shapes;
	size_t nr_shapes, cap_shapes;
	uint64_t fdes;
};

/*
 * Sorted by start. debug: where .debug_frame is if the file has none; or NULL. 0 or
 * -errno: -ENOTSUP for a machine that has no tables.
 */
int spans_init(struct spans *s, struct elf_file *f, struct elf_file *debug);
void spans_deinit(struct spans *s);
/* The CFI that a span's "at" points into; NULL: the span is not of CFI. */
struct cfi *spans_cfi(struct spans *s, const struct span *span);

#endif
