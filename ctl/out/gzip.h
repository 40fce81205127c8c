/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes into a gzip file of one member: whoever packs a message packs it straight into
 * what is to be compressed. The file holds no time and no name, so equal input gives
 * equal files. Memory: up to 16 MiB of input and as much for the result, or, of more, a
 * batch, an output buffer and zlib's 256 KiB.
 */
#ifndef TICKPROF_GZIP_H
#define TICKPROF_GZIP_H

#include <stddef.h>
#include <stdint.h>

struct gzip;

/* fd stays the caller's. */
struct gzip *gzip_create(int fd);
/* Room for size bytes, to be filled before the next call. */
uint8_t *gzip_reserve(struct gzip *g, size_t size);
/* 0, or the first error as -errno; nothing more is written after one. */
int gzip_error(const struct gzip *g);
/* Write what is left and free. 0, or the first error as -errno. */
int gzip_finish(struct gzip *g);

#endif
