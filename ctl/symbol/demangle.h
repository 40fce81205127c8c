/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mangled C++ and Rust names to the names in the source: without parameters and
 * return types (as perf shows them), Rust without its hash. libiberty does it.
 */
#ifndef TICKPROF_DEMANGLE_H
#define TICKPROF_DEMANGLE_H

#include <stddef.h>

/*
 * buf receives the name; longer ones are cut. Returns its length, or 0 if name is
 * not mangled. "@plt" at the end is kept.
 */
size_t demangle(const char *name, char *buf, size_t size);

#endif
