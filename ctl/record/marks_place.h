/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a process's ring of marked spans is, and how it is held: for marks.c. */
#ifndef TICKPROF_MARKS_PLACE_H
#define TICKPROF_MARKS_PLACE_H

#include "capture/capture.h"
#include "context/memory.h"

/* A mapping that is called what rings of marked spans are (marks_ring.h). */
struct marks_mapping {
	uint64_t start, end, offset, inode;
	uint32_t dev_major, dev_minor;
};

enum { MARKS_MAPPINGS_MAX = 8 };

struct marks_place {
	uint32_t pid;
	struct marks_mapping ring;
	struct memory memory;	/* the file; the process, if that is not to be had */
	bool file;
	uint64_t base;		/* of the ring in it */
	int pidfd;
};

/* Those of a process, MARKS_MAPPINGS_MAX at most: how many, or -errno: it cannot be read. */
int marks_place_find(uint32_t pid, struct marks_mapping rings[MARKS_MAPPINGS_MAX]);

/*
 * Without waiting for anybody: what is opened as a file is one in memory, by the device that
 * the kernel keeps those on. 0 or -errno; close in any case.
 */
int marks_place_open(struct marks_place *p, uint32_t pid, const struct marks_mapping *ring);
void marks_place_close(struct marks_place *p);
/* The same ring, be it in another process that has inherited it. */
bool marks_place_is(const struct marks_place *p, uint32_t pid, const struct marks_mapping *ring);
/* Has the process ended, all its threads? */
bool marks_place_ended(const struct marks_place *p);
/* What else a chunk says of the process. */
void marks_place_describe(uint32_t pid, struct capture_marks *out);

#endif
