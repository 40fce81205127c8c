/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening files as a process sees them: below its root, symbolic links resolved
 * inside it, regular files only, never blocking, whatever a name there points at.
 */
#ifndef TICKPROF_OBJECT_OPEN_H
#define TICKPROF_OBJECT_OPEN_H

#include "object.h"

/* A descriptor or -errno. pid 0: the tool's own root. */
int open_in_root(pid_t pid, const char *path, bool follow);
/*
 * The file of this identity (object.h, objects_get), or -errno: -ESTALE if only
 * another one is there. build_id receives what the file has.
 */
int object_open(const struct object_id *id, pid_t pid, uint64_t addr, uint64_t len,
		uint8_t build_id[TICKPROF_BUILD_ID_MAX], uint8_t *build_id_size);

#endif
