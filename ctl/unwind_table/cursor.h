/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading numbers out of bytes that nothing is known of. A read past the end
 * gives 0 and sets "bad", which stays, so that a caller may read on and look once.
 */
#ifndef TICKPROF_CURSOR_H
#define TICKPROF_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline bool cursor_has(struct cursor *c, uint64_t bytes)
{
	if ((uint64_t)(c->end - c->p) >= bytes)
		return true;
	c->bad = true;
	c->p = c->end;
	return false;
}

static inline uint64_t cursor_fixed(struct cursor *c, unsigned int bytes)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (!cursor_has(c, bytes))
		return 0;
	c->p += bytes;
	switch (bytes) {
	case 1:
		return c->p[-1];
	case 2:
		memcpy(&u16, c->p - 2, 2);
		return u16;
	case 4:
		memcpy(&u32, c->p - 4, 4);
		return u32;
	default:
		memcpy(&u64, c->p - 8, 8);
		return u64;
	}
}

/* The digits of either kind of LEB128; shift: how many bits they are. Bits from the 65th on are dropped. */
static inline uint64_t cursor_leb(struct cursor *c, unsigned int *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	do {
		*last = cursor_fixed(c, 1);
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += 7;
	} while (*last & 0x80);
	return value;
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
	unsigned int shift;
	uint8_t last;

	return cursor_leb(c, &shift, &last);
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	unsigned int shift;
	uint8_t last;
	uint64_t value = cursor_leb(c, &shift, &last);

	if (shift < 64 && last & 0x40)
		value |= ~0ull << shift;
	return value;
}

/* A block with its length in front. */
static inline struct cursor cursor_block(struct cursor *c)
{
	uint64_t size = cursor_uleb(c);
	struct cursor block = { c->p, c->p };

	if (cursor_has(c, size)) {
		block = (struct cursor){ c->p, c->p + size };
		c->p += size;
	}
	return block;
}

#endif
