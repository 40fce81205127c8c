/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that holds an ELF file's full symbols and DWARF: by build id, by
 * .gnu_debuglink, from the debuginfod servers of DEBUGINFOD_URLS; MiniDebugInfo;
 * dwz's common file. A candidate is used only if its build id, or the checksum in
 * the link, agrees. Looked for in the process's own root first.
 */
#ifndef TICKPROF_ELF_DEBUG_H
#define TICKPROF_ELF_DEBUG_H

#include <sys/types.h>

#include "elf_file.h"

/* Where a file was found. */
struct elf_origin {
	const char *path;	/* in the mount namespace of pid */
	pid_t pid;		/* 0: the tool's own */
	bool local;		/* no server is asked */
};

struct elf_debug {
	struct elf_file *file;	/* NULL: none found */
	char *path;		/* of that */
	bool searched;
};

/* Searched for once; *d is zeroed before the first call. */
struct elf_file *elf_debug_file(struct elf_debug *d, const struct elf_file *main,
				const struct elf_origin *origin);
void elf_debug_deinit(struct elf_debug *d);
/* .gnu_debugdata, expanded; NULL: none. The caller closes it. */
struct elf_file *elf_debug_mini(struct elf_file *main);
/* A file of this name or build id, for dwz's .gnu_debugaltlink; NULL: none. */
struct elf_file *elf_debug_alt(const char *name, const char *beside, const void *build_id,
			       size_t build_id_size, const struct elf_origin *origin);

/* Instead of /usr/lib/debug; the string stays the caller's. For tests. */
void elf_debug_set_root(const char *path);

#endif
