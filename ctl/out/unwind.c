// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of files by how stacks fare in them: see unwind.h. One pass over the
 * samples; a row costs 120 bytes and is found by its mapping's strings, which
 * are unique.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "unwind.h"

struct count {
	const struct profile *p;
	struct unwind *u;
	struct hash index;
	size_t cap_rows;
	uint32_t *row_of;	/* by mapping: number of its row; 0: not asked yet */
};

/* How many stacks an entry stands for. */
static uint64_t weight(const struct profile_sample *s)
{
	return s->count + s->waits;
}

static const char *why_no_table(const struct profile *p, const char *file)
{
	size_t i;

	for (i = 0; file && i < p->nr_no_tables; i++)
		if (p->no_tables[i].path == file)
			return p->no_tables[i].reason;
	return NULL;
}

static uint32_t find_row(struct count *c, const char *file, const char *build_id)
{
	struct unwind *u = c->u;
	const struct unwind_row *g;
	struct hash_slot *slot;

	slot = hash_find(&c->index, hash_u64((uintptr_t)file, (uintptr_t)build_id), id, ({
		g = &u->rows[id - 1];
		g->file == file && g->build_id == build_id; }));
	if (!slot->id) {
		GROW(u->rows, c->cap_rows, u->nr_rows + 1);
		u->rows[u->nr_rows] = (struct unwind_row) {
			.file = file, .build_id = build_id, .no_table = why_no_table(c->p, file),
		};
		slot->id = ++u->nr_rows;
	}
	return slot->id;
}

static struct unwind_row *row_of(struct count *c, uint32_t location)
{
	uint32_t mapping = profile_location(c->p, location)->mapping;
	const struct profile_mapping *m = mapping ? profile_mapping(c->p, mapping) : NULL;
	uint32_t *row = &c->row_of[mapping];

	if (!*row)
		*row = find_row(c, m ? m->file : NULL, m ? m->build_id : "");
	return &c->u->rows[*row - 1];
}

/*
 * location: a frame of sample number "stamp"; how: its caller's, of which there
 * is none behind the last frame.
 */
static void count_frame(struct count *c, const struct profile_sample *s, uint64_t stamp,
			uint32_t location, bool last, uint8_t how)
{
	struct unwind_row *row = row_of(c, location);

	if (row->seen != stamp)
		row->stacks += weight(s);
	row->seen = stamp;
	if (last) {
		row->in.ended[s->end] += weight(s);
		return;
	}
	if (!c->u->fp && how != TICKPROF_HOW_FP)
		return;
	if (row->seen_fallback != stamp)
		row->in.fallback += weight(s);
	row->seen_fallback = stamp;
}

/* Where to look for who is to blame for a stack that was cut; leaf: 0 if it is not of it. */
static uint32_t culprit(const struct count *c, const struct profile_sample *s, uint32_t leaf,
			const struct profile_chain *chain)
{
	const uint32_t *locations;
	uint32_t last;

	if (!chain)
		return leaf;
	locations = c->p->chain_locations + chain->first;
	last = chain->nr - 1;
	if (s->end != PROFILE_END_DEPTH && !c->u->fp &&
	    c->p->chain_how[chain->first + last] == TICKPROF_HOW_FP && (last || leaf))
		return last ? locations[last - 1] : leaf;
	return locations[last];
}

static void count_sample(struct count *c, const struct profile_sample *s, uint64_t stamp)
{
	const struct profile *p = c->p;
	const struct profile_chain *chain = s->user ? &p->chains[s->user - 1] : NULL;
	const uint8_t *how = chain ? p->chain_how + chain->first : NULL;
	const uint32_t leaf = s->flags & TICKPROF_SAMPLE_USER ? s->leaf : 0;
	uint32_t i, nr = chain ? chain->nr : 0, blamed;

	if (s->end == PROFILE_END_NONE)
		return;
	c->u->all.ended[s->end] += weight(s);
	c->u->all.fallback += s->fallback ? weight(s) : 0;
	c->u->all.later += s->later ? weight(s) : 0;
	if (leaf)
		count_frame(c, s, stamp, leaf, !nr, nr ? how[0] : 0);
	for (i = 0; i < nr; i++)
		count_frame(c, s, stamp, p->chain_locations[chain->first + i], i + 1 == nr,
			    i + 1 < nr ? how[i + 1] : 0);
	blamed = s->end == PROFILE_END_ROOT ? 0 : culprit(c, s, leaf, chain);
	if (blamed)
		row_of(c, blamed)->spoiled += weight(s);
}

uint64_t unwind_row_cut(const struct unwind_row *row)
{
	return row->in.ended[PROFILE_END_DEPTH] + row->in.ended[PROFILE_END_FAULT] +
	       row->in.ended[PROFILE_END_BROKEN];
}

static int descending(uint64_t x, uint64_t y)
{
	return x == y ? 0 : x > y ? -1 : 1;
}

static int row_compare(const void *a, const void *b)
{
	const struct unwind_row *x = a, *y = b;
	int order = descending(x->spoiled, y->spoiled);

	if (!order)
		order = descending(unwind_row_cut(x), unwind_row_cut(y));
	if (!order)
		order = descending(x->in.fallback, y->in.fallback);
	if (!order)
		order = descending(x->stacks, y->stacks);
	if (!order)
		order = strcmp(x->file ? x->file : "", y->file ? y->file : "");
	return order ? order : strcmp(x->build_id, y->build_id);
}

struct unwind *unwind_create(const struct profile *p)
{
	struct unwind *u = xcalloc(1, sizeof(*u));
	struct count c = { .p = p, .u = u };
	size_t i;

	u->fp = !strcmp(p->unwind, "fp");
	c.row_of = xcalloc(p->nr_mappings + 1, sizeof(*c.row_of));
	for (i = 0; i < p->nr_samples; i++)
		count_sample(&c, &p->samples[i], i + 1);
	free(c.row_of);
	hash_deinit(&c.index);
	if (u->nr_rows)
		qsort(u->rows, u->nr_rows, sizeof(*u->rows), row_compare);
	return u;
}

void unwind_destroy(struct unwind *u)
{
	if (!u)
		return;
	free(u->rows);
	free(u);
}

static bool is_generated(const char *file)
{
	return !strcmp(file, "[anon]") || !strncmp(file, "/memfd:", 7) ||
	       !strncmp(file, "/dev/zero", 9);
}

/* A file whose stacks end in another one has no cause of its own. */
static bool only_others_fault(const struct unwind_row *row)
{
	return !row->spoiled && unwind_row_cut(row);
}

/* The cause that ended most stacks there; ROOT: none did. */
static enum profile_end worst_end(const struct unwind_row *row)
{
	enum profile_end end, worst = PROFILE_END_ROOT;
	uint64_t most = 0;

	for (end = PROFILE_END_DEPTH; end < PROFILE_ENDS; end++)
		if (row->in.ended[end] > most)
			most = row->in.ended[worst = end];
	return worst;
}

static const char *advice_of_walk(const struct unwind_row *row, bool fp)
{
	switch (worst_end(row)) {
	case PROFILE_END_DEPTH:
		return "deeper than --max-stack allows";
	case PROFILE_END_FAULT:
		return "stack pages that are not resident";
	case PROFILE_END_BROKEN:
		return fp ? "built without frame pointers? record with --unwind tables" :
		       row->in.fallback ? "parts without call frame information" :
		       "its call frame information led nowhere";
	default:
		return fp || !row->in.fallback ? "" : row->spoiled ?
		       "parts without call frame information" :
		       "its table came late, or knows only parts: record again";
	}
}

char *unwind_row_advice(const struct unwind *u, const struct unwind_row *row)
{
	if (!unwind_row_cut(row) && !row->in.fallback)	/* hence not spoiled either */
		return xstrdup("");
	if (row->no_table && strstr(row->no_table, "call frame information"))
		return xasprintf("%s: build with -fasynchronous-unwind-tables or frame pointers",
				 row->no_table);
	if (row->no_table)
		return xstrdup(row->no_table);
	if (row->file && only_others_fault(row))
		return xstrdup("a wrong step from another file ended here");
	if (!row->file)
		return xstrdup("in no known mapping: frames may be made up");
	if (is_generated(row->file))
		return xstrdup("generated code, by frame pointer: let its compiler keep them");
	return xstrdup(advice_of_walk(row, u->fp));
}
