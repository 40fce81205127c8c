/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compiled tables kept on disk by build id and size, so that a file is compiled once on a
 * host and not in every recording. Root's lie in /var/cache/tickprof/tables, a
 * user's in ${XDG_CACHE_HOME:-~/.cache}/tickprof/tables, one file each:
 *
 *	BUILDID-SIZE-MACHINE-OWNER-FORMAT.COMPILER	the table, then its CRC-32 (4 bytes)
 *
 * OWNER is the user id of the ELF file's: a build id is easily forged, but what
 * comes of it is then used for files of the same user only.
 *
 * What is read back is believed only from a regular file of our own that nobody
 * else may write, in a folder of which the same is true, with the table's header,
 * size and sum as they should be; else it is compiled again and replaced. Files
 * appear whole. Beyond the cap those not used for longest go, down to 7/8 of it.
 * Files without a build id are compiled each time, and so are those that describe
 * little of their code: a debug file may come.
 *
 * One cache is for one thread at a time; several processes may share a folder.
 */
#ifndef TICKPROF_UNWIND_CACHE_H
#define TICKPROF_UNWIND_CACHE_H

#include "unwind_table.h"

#define UNWIND_CACHE_BYTES	(256ull << 20)

struct unwind_cache_counts {
	uint64_t hits, compiles;
	uint64_t disbelieved;	/* files found that were not what they should be */
	uint64_t stored, evicted;
};

struct unwind_cache;

/* folder NULL: the user's. Where it cannot be used everything is compiled, which -v tells. */
struct unwind_cache *unwind_cache_create(const char *folder, uint64_t bytes_max);
void unwind_cache_destroy(struct unwind_cache *c);
const struct unwind_cache_counts *unwind_cache_counts(const struct unwind_cache *c);

/*
 * The table of an open file: from the cache, else compiled and put there. origin
 * and key as for unwind_table_compile_found(). 0 or -errno as there, and -ENOEXEC for
 * what is not ELF.
 */
int unwind_cache_get(struct unwind_cache *c, int fd, const struct elf_origin *origin,
		     const struct tickprof_file_key *key, struct unwind_table *out);

#endif
