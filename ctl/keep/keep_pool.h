/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table that never grows beyond a number of places: numbered from 1, found by hash, and in
 * one of a few lists by age, from which the caller takes who has to go. What a place holds is
 * the caller's, in an array of its own of pool->cap elements.
 *
 * Not thread-safe. 28 bytes a place in use.
 */
#ifndef TICKPROF_KEEP_POOL_H
#define TICKPROF_KEEP_POOL_H

#include <stdbool.h>
#include <stdint.h>

enum { KEEP_POOL_LISTS = 3 };

struct keep_pool_node {
	uint32_t hash;
	uint32_t chain;			/* the next of the same bucket, or of the free ones */
	uint32_t older, newer;		/* in its list */
	uint8_t list;
};

struct keep_pool {
	struct keep_pool_node *nodes;	/* [0] is none */
	uint32_t *buckets;
	uint32_t mask;			/* buckets - 1 */
	uint32_t cap, max;		/* places there are, with [0], and may be */
	uint32_t free;
	struct {
		uint32_t oldest, newest;
	} lists[KEEP_POOL_LISTS];
};

void keep_pool_init(struct keep_pool *p, uint32_t max);
void keep_pool_deinit(struct keep_pool *p);
/* A place, the newest of a list; 0: all are taken. pool->cap may have grown. */
uint32_t keep_pool_add(struct keep_pool *p, uint64_t hash, unsigned int list);
void keep_pool_remove(struct keep_pool *p, uint32_t n);
/* It becomes the newest of that list. */
void keep_pool_move(struct keep_pool *p, uint32_t n, unsigned int list);
bool keep_pool_full(const struct keep_pool *p);

/* The first with that hash, and whoever follows; 0: nobody. The caller compares. */
uint32_t keep_pool_first(const struct keep_pool *p, uint64_t hash);
uint32_t keep_pool_next(const struct keep_pool *p, uint32_t n);

#endif
