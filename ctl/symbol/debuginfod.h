/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug files from debuginfod servers. Only where DEBUGINFOD_URLS is set and
 * libdebuginfod.so.1 is installed; it is loaded on first use, so that the tool
 * neither depends on it nor pays for it.
 */
#ifndef TICKPROF_DEBUGINFOD_H
#define TICKPROF_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

/* A descriptor, and the path in the client's cache (free it), or -errno. */
int debuginfod_find(const uint8_t *build_id, size_t size, char **path);

#endif
