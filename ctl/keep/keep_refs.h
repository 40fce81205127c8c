/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last ring's length of those records of one CPU that others refer to by distance (STACK,
 * TASK, CONTEXT), found by their position.
 *
 * Memory: at most the ring's size, of which only what is used is touched, and 16 bytes a record.
 */
#ifndef TICKPROF_KEEP_REFS_H
#define TICKPROF_KEEP_REFS_H

#include <linux/tickprof.h>
#include <stddef.h>
#include <stdint.h>

#define KEEP_REF_NOWHERE	UINT64_MAX

struct keep_ref {
	uint64_t position;
	uint64_t out;			/* the caller's; NOWHERE at first */
};

struct keep_refs {
	uint8_t *data;			/* as in the ring, at position & (size - 1) */
	uint64_t size;			/* a power of two */
	struct keep_ref *all;		/* from first on, by position */
	size_t first, nr, cap;
};

/* ring_size: bytes, a power of two. */
void keep_refs_init(struct keep_refs *r, uint64_t ring_size);
void keep_refs_deinit(struct keep_refs *r);
/* Positions rise. The record is whole, and does not wrap. */
void keep_refs_add(struct keep_refs *r, uint64_t position, const struct tickprof_record *record);
/* NULL: no such record began there, or it is a ring's length back. Until the next one is added. */
struct keep_ref *keep_refs_find(const struct keep_refs *r, uint64_t position, uint16_t type);
const struct tickprof_record *keep_refs_record(const struct keep_refs *r, const struct keep_ref *ref);

#endif
