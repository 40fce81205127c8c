/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hostile unwind tables without end: valid ones with damage that knows the format,
 * and noise. The seed is fixed, so that the same ones come each time.
 */
#ifndef TICKPROF_TEST_DAMAGE_H
#define TICKPROF_TEST_DAMAGE_H

#include "tables.h"

#define BASES	64		/* valid tables that damage starts from */
#define BASE_LIFE	256	/* tables made before one of them is replaced */

enum kind { VALID, NOISE, HEADER, KEY, SIZE, INDEX, ROWS, RULES, BYTES, KINDS };

static struct {
	struct tickprof_table *table;
	u32 bytes;
} base[BASES];

static struct draft draft;

static u64 odd_number(void)
{
	static const u64 odd[] = {
		0, 1, 2, 3, 7, 8, 255, 256, 257, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xfffffff8, 0xffffffff, 1ull << 32, 1ull << 47, 1ull << 55, 1ull << 63, -8ull, -1ull,
	};

	return odd[tables_random(sizeof(odd) / sizeof(odd[0]))];
}

static void new_base(u32 i)
{
	draft_at_random(&draft, tables_random(16) ? MACHINE : EM_386 ^ MACHINE, tables_random(16) ? 40 : 600);
	draft.start = tables_random(16) << 12;
	free(base[i].table);
	base[i].table = table_build(&draft);
	base[i].bytes = base[i].table->bytes;
}

/* A number of the given width at a random one of n places: nearby, odd, or a neighbour's. */
static void damage_number(void *first, u32 n, u32 width)
{
	u64 value = 0;
	void *at;

	if (!n)
		return;
	at = first + (size_t)tables_random(n) * width;
	memcpy(&value, at, width);
	switch (tables_random(4)) {
	case 0:
		value += tables_random(2) ? 1 : -1;
		break;
	case 1:
		value = odd_number();
		break;
	case 2:
		value ^= 1ull << tables_random(width * 8);
		break;
	case 3:
		memcpy(&value, first + (size_t)tables_random(n) * width, width);
		break;
	}
	memcpy(at, &value, width);
}

static void damage_header(struct tickprof_table *t)
{
	switch (tables_random(9)) {
	case 0:
		return damage_number(&t->magic, 1, 4);
	case 1:
		return damage_number(&t->version, 2, 2);
	case 2:
		return damage_number(&t->bytes, 1, 4);
	case 3:
		return damage_number(&t->flags, 1, 4);
	case 4:
		return damage_number(&t->start, 1, 8);
	case 5:
		return damage_number(&t->shift, 1, 4);
	default:
		return damage_number(&t->rules, 3, 4);
	}
}

static void damage_index(struct tickprof_table *t, const struct tickprof_table_view *at)
{
	u16 *block = (u16 *)at->block;
	u32 b = tables_random(t->blocks + 1);

	switch (tables_random(4)) {
	case 0:
		return damage_number((void *)at->group, (t->blocks >> 8) + 1, 4);
	case 1:		/* a row changes sides, which may be fine */
		block[b] += tables_random(2) ? 1 : -1;
		return;
	case 2:		/* a group begins elsewhere, and its blocks make up for it */
		((u32 *)at->group)[b >> 8] += 1;
		for (b &= ~255u; b <= t->blocks; b++) {
			block[b]--;
			if ((b & 255) == 255)
				return;
		}
		return;
	default:
		return damage_number(block, t->blocks + 1, 2);
	}
}

/* Its size as its numbers want it, or any other; the header may agree. */
static struct tickprof_table *resize(struct tickprof_table *t, u32 *bytes)
{
	u32 old = *bytes;

	*bytes = tables_random(4) ? old + 8 * (tables_random(7) - 3) : tables_random(old + 16);
	t = realloc(t, *bytes ? *bytes : 1);
	if (*bytes > old)
		memset((u8 *)t + old, tables_random(8) ? 0 : 0xff, *bytes - old);
	if (*bytes >= sizeof(*t) && tables_random(4))
		t->bytes = *bytes;
	return t;
}

static struct tickprof_table *noise(u32 *bytes)
{
	struct tickprof_table *t;
	u32 i;

	*bytes = tables_random(2) ? 8 * tables_random(64) : tables_random(512);
	t = malloc(*bytes ? *bytes : 1);
	for (i = 0; i < *bytes; i++)
		((u8 *)t)[i] = tables_random(2) ? 0 : tables_random(256);
	if (*bytes >= sizeof(*t)) {
		t->magic = TICKPROF_TABLE_MAGIC;
		t->version = TICKPROF_TABLE_VERSION;
		t->machine = MACHINE;
		t->bytes = *bytes;
	}
	return t;
}

/* A blob of that kind, of exactly this many bytes. */
static struct tickprof_table *make(enum kind kind, u32 *bytes)
{
	u32 i = tables_random(BASES), n;
	struct tickprof_table_view at;
	struct tickprof_table *t;

	if (kind == NOISE)
		return noise(bytes);
	*bytes = base[i].bytes;
	t = malloc(*bytes);
	memcpy(t, base[i].table, *bytes);
	at = table_parts(t);
	for (n = 1 + tables_random(3); n; n--) {
		switch (kind) {
		case HEADER:
			damage_header(t);
			break;
		case KEY:
			t->flags = tables_random(2);
			damage_number(&t->file, sizeof(t->file), 1);
			break;
		case INDEX:
			damage_index(t, &at);
			break;
		case ROWS:
			if (tables_random(2))
				damage_number((void *)at.row_low, t->rows, 1);
			else
				damage_number((void *)at.row_rule, t->rows, 2);
			break;
		case RULES:
			damage_number((void *)at.rule, t->rules * 4, 2);
			break;
		case BYTES:
			damage_number(t, *bytes, 1);
			break;
		default:
			break;
		}
	}
	return kind == SIZE ? resize(t, bytes) : t;
}

/* Another blob, of exactly this many bytes; the caller frees it. */
static struct tickprof_table *damage_next(u32 *bytes, enum kind *kind)
{
	static u32 made;
	u32 i;

	if (!base[0].table)
		for (i = 0; i < BASES; i++)
			new_base(i);
	if (++made % BASE_LIFE == 0)
		new_base(tables_random(BASES));
	*kind = tables_random(KINDS);
	return make(*kind, bytes);
}

static void damage_end(void)
{
	u32 i;

	for (i = 0; i < BASES; i++) {
		free(base[i].table);
		base[i].table = NULL;
	}
}

#endif
