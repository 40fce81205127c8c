/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How user stacks were walked, by file: in how many stacks each lies, how many
 * end there before the root, and how many go on from it by frame pointer.
 *
 * Who spoils a stack is told apart from where it ends: a step by frame pointer
 * out of code that keeps none may land in any file, and goes wrong only there.
 */
#ifndef TICKPROF_UNWIND_H
#define TICKPROF_UNWIND_H

#include "profile/profile.h"

struct unwind_row {
	const char *file;	/* path, "[vdso]", "[anon]"; NULL: nothing was mapped there */
	const char *build_id;	/* "": not known */
	const char *no_table;	/* why it has no unwind table; NULL: it has, or none was wanted */
	uint64_t stacks;	/* with a frame in it, recursion counted once */
	struct profile_walks in;	/* of these: ended here; went on from here by frame pointer */
	uint64_t spoiled;	/* cut because of this file; adds up to all that were cut */
	uint64_t seen;		/* the last sample counted in stacks, in fallback */
	uint64_t seen_fallback;
};

struct unwind {
	struct unwind_row *rows;	/* those that spoil most stacks first */
	size_t nr_rows;
	struct profile_walks all;
	bool fp;		/* the whole recording went by frame pointer */
};

/* p must have been made with options.walks. */
struct unwind *unwind_create(const struct profile *p);
void unwind_destroy(struct unwind *u);
/* Stacks that ended in it before the root. */
uint64_t unwind_row_cut(const struct unwind_row *row);
/* What spoils stacks there, and what helps where that is known; "": nothing does. On the heap. */
char *unwind_row_advice(const struct unwind *u, const struct unwind_row *row);

#endif
