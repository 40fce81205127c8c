/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Map a whole file that its owner may truncate at any time. Pages that vanish
 * read as zeros instead of killing the tool by SIGBUS, so parsers see a bad file.
 * At most ELF_MAPS_MAX files at once. Nothing is copied; the mapping keeps the
 * file alive without a descriptor. Any thread may map and unmap. It is private and writable, because libelf
 * edits the headers of sections that it decompresses.
 */
#ifndef TICKPROF_ELF_MAP_H
#define TICKPROF_ELF_MAP_H

#include <stddef.h>

#define ELF_MAPS_MAX 4096

/* 0 or -errno: -ENOEXEC for what is no regular file or is empty. */
int elf_map(int fd, void **out, size_t *size);
void elf_unmap(void *map, size_t size);
/* Give resident pages and all edits back; they are read again when touched. */
void elf_map_trim(void *map, size_t size);

#endif
