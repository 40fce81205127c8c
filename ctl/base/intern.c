// SPDX-License-Identifier: GPL-2.0-only
/* Byte strings kept once: see intern.h. Open addressing, at most half full. */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "intern.h"
#include "util.h"

#define BLOCK_SIZE (32 << 10)

struct block {
	struct block *next;
	size_t used, size;
	char data[];
};

struct intern {
	struct intern_entry **slots;
	size_t nr, mask;
	struct block *blocks;
	uint64_t seed;		/* names may come from somebody hostile */
};

static uint32_t hash_text(const struct intern *in, const unsigned char *p, size_t len)
{
	uint64_t h = in->seed ^ len * 0x9e3779b97f4a7c15ull;
	uint64_t w;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, len);
	h = (h ^ w) * 0xff51afd7ed558ccdull;
	return h ^ (h >> 32);
}

struct intern *intern_create(void)
{
	struct intern *in = xcalloc(1, sizeof(*in));

	in->seed = hash_seed();
	in->mask = 255;
	in->slots = xcalloc(in->mask + 1, sizeof(*in->slots));
	return in;
}

void intern_destroy(struct intern *in)
{
	if (!in)
		return;
	while (in->blocks) {
		struct block *b = in->blocks;

		in->blocks = b->next;
		free(b);
	}
	free(in->slots);
	free(in);
}

void *intern_alloc(struct intern *in, size_t size)
{
	struct block *b = in->blocks;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->size - b->used < size) {
		size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		b = xmalloc(sizeof(*b) + want);
		b->next = in->blocks;
		b->used = 0;
		b->size = want;
		in->blocks = b;
	}
	p = b->data + b->used;
	b->used += size;
	return memset(p, 0, size);
}

static void rehash(struct intern *in)
{
	size_t mask = in->mask * 2 + 1, i, at;
	struct intern_entry **slots = xcalloc(mask + 1, sizeof(*slots));

	for (i = 0; i <= in->mask; i++) {
		if (!in->slots[i])
			continue;
		for (at = in->slots[i]->hash & mask; slots[at]; at = (at + 1) & mask)
			;
		slots[at] = in->slots[i];
	}
	free(in->slots);
	in->slots = slots;
	in->mask = mask;
}

/* The slot that holds these bytes, or the free one where they belong. */
static struct intern_entry **slot_of(const struct intern *in, uint32_t hash,
				     const void *data, size_t len)
{
	const struct intern_entry *e;
	size_t at;

	for (at = hash & in->mask; (e = in->slots[at]); at = (at + 1) & in->mask)
		if (e->hash == hash && e->len == len && !memcmp(e->data, data, len))
			break;
	return &in->slots[at];
}

struct intern_entry *intern_find(const struct intern *in, const void *data, size_t len)
{
	return *slot_of(in, hash_text(in, data, len), data, len);
}

struct intern_entry *intern_get(struct intern *in, const void *data, size_t len)
{
	uint32_t hash = hash_text(in, data, len);
	struct intern_entry **slot = slot_of(in, hash, data, len), *e = *slot;

	if (e)
		return e;
	e = intern_alloc(in, sizeof(*e) + len + 1);
	e->hash = hash;
	e->len = len;
	memcpy(e->data, data, len);
	*slot = e;
	if (++in->nr * 2 > in->mask)
		rehash(in);
	return e;
}

const char *intern_string(struct intern *in, const char *s)
{
	return intern_get(in, s, strlen(s))->data;
}
