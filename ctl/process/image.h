/* SPDX-License-Identifier: GPL-2.0-only */
/* One program image and its mappings; processes.c makes them, nothing else looks inside. */
#ifndef TICKPROF_IMAGE_H
#define TICKPROF_IMAGE_H

#include "processes.h"

struct mapping {
	uint64_t start, end;
	uint64_t max_end;	/* of this one and all before it in address order */
	uint64_t offset;
	uint64_t time;
	uint32_t file;		/* 0: anonymous */
	uint32_t kind;		/* enum place_kind */
};

struct image {
	uint32_t pid;
	bool exec_seen;
	uint64_t start;		/* START_UNIT */
	uint64_t exec_id;
	struct image *parent;	/* forked from; NULL: not known */
	uint64_t fork_time;
	struct image *snapshot;	/* what /proc told of it; NULL: nothing */
	struct image *next;	/* of the same process */
	uint64_t vdso;
	struct mapping *maps;
	size_t nr_maps, cap_maps;
	uint64_t *turns;	/* times at which answers may change, rising */
	size_t nr_turns, cap_turns;
	uint32_t first_space;	/* its nr_turns + 1 spaces; 0: none given yet */
};

/* Once all mappings are in: order them; then, for all images, find the turns. */
void image_sort(struct image *image);
void image_turns(struct image *image);
/* See processes_space(). */
uint32_t image_space(struct image *image, uint64_t time, uint32_t *nr_spaces);

#endif
