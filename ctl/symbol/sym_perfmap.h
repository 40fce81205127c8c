/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JIT code of one process from its perf map, /tmp/perf-PID.map in the process's
 * own namespaces. The file is untrusted: regular, owned by the process's user or
 * root, PERFMAP_MAX bytes at most. 16 to 32 bytes an entry; names are read once
 * they are hit, so the file stays open.
 */
#ifndef TICKPROF_SYM_PERFMAP_H
#define TICKPROF_SYM_PERFMAP_H

#include <sys/types.h>

#include "sym_names.h"

#define PERFMAP_MAX (256ull << 20)

struct sym_perfmap;

struct sym_perfmap *sym_perfmap_create(pid_t pid);
/*
 * Take hold of the process while it lives: its own pid, its user, and its map
 * if there is one yet. Later calls complete what is missing; cheap.
 */
void sym_perfmap_prepare(struct sym_perfmap *p);
void sym_perfmap_destroy(struct sym_perfmap *p);
/* NULL: not known. Reads the map again if it has grown since. */
const struct symbol_frame *sym_perfmap_find(struct sym_perfmap *p, struct sym_names *n,
					    uint64_t addr);
/* Use this file instead, with its owner unchecked. For tests. 0 or -errno. */
int sym_perfmap_set_file(struct sym_perfmap *p, int fd);

#endif
