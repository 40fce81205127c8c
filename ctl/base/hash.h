/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An index over an array the caller owns: open addressing over u32 numbers
 * (0 is free, so entries are numbered from 1). The caller compares; the table
 * holds number and hash only, 8 bytes a slot, at most half full.
 */
#ifndef TICKPROF_HASH_H
#define TICKPROF_HASH_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "util.h"

struct hash_slot {
	uint32_t id;
	uint32_t hash;
};

struct hash {
	struct hash_slot *slots;
	uint32_t mask;			/* slots - 1 */
	uint32_t nr;
};

/* Turned, lest two equal values one after the other make nothing of what came before. */
static inline uint64_t hash_u64(uint64_t h, uint64_t v)
{
	h = ((h << 5 | h >> 59) ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 32);
}

/*
 * To begin with where a hostile file chooses the keys and could make all fall on
 * one slot: another number in each run. The order of entries does not depend on it.
 */
static inline uint64_t hash_seed(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	uint64_t seed = 0;

	if (random)
		memcpy(&seed, random, sizeof(seed));
	return seed;
}

static inline uint64_t hash_bytes(uint64_t h, const void *p, size_t size)
{
	const uint8_t *b = p;

	h = hash_u64(h, size);
	while (size--)
		h = (h ^ *b++) * 0x100000001b3ull;
	return hash_u64(h, 0);
}

static inline void hash_deinit(struct hash *t)
{
	free(t->slots);
	*t = (struct hash) { 0 };
}

static inline void hash_resize(struct hash *t)
{
	struct hash_slot *old = t->slots;
	uint32_t nr_old = old ? t->mask + 1 : 0, i, at;

	t->mask = nr_old ? 2 * nr_old - 1 : 63;
	t->slots = xcalloc((size_t)t->mask + 1, sizeof(*t->slots));
	for (i = 0; i < nr_old; i++) {
		if (!old[i].id)
			continue;
		for (at = old[i].hash & t->mask; t->slots[at].id; at = (at + 1) & t->mask)
			;
		t->slots[at] = old[i];
	}
	free(old);
}

/*
 * The slot of an entry for which "same" (an expression in "id") is true, or the
 * free slot for a new one, whose ->id the caller then sets. Room is made first.
 */
#define hash_find(t, full_hash, id, same) ({				\
	struct hash *_t = (t);						\
	uint32_t _h = (uint32_t)(full_hash), _at;			\
	uint32_t id;							\
	if (!_t->slots || _t->nr * 2 > _t->mask)			\
		hash_resize(_t);					\
	for (_at = _h & _t->mask; (id = _t->slots[_at].id);		\
	     _at = (_at + 1) & _t->mask)				\
		if (_t->slots[_at].hash == _h && (same))		\
			break;						\
	if (!id) {							\
		_t->slots[_at].hash = _h;				\
		_t->nr++;						\
	}								\
	&_t->slots[_at];						\
})

#endif
