/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Function names of all symbolizers: demangled once, kept once, as frames ready
 * to be handed out. Costs about 60 bytes and both names a function ever shown.
 */
#ifndef TICKPROF_SYM_NAMES_H
#define TICKPROF_SYM_NAMES_H

#include <stddef.h>

#include "symbolize.h"

struct sym_names;

struct sym_names *sym_names_create(void);
void sym_names_destroy(struct sym_names *n);
/* The frame of a raw symbol name, function and system_name filled in. */
const struct symbol_frame *sym_names_function(struct sym_names *n, const char *raw,
					      size_t len);
const char *sym_names_string(struct sym_names *n, const char *s);
/* Frames whose strings come from here, kept once. */
const struct symbol_frame *sym_names_frames(struct sym_names *n,
					    const struct symbol_frame *frames, size_t nr);

#endif
