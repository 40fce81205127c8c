/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of a profile: a column (see enum profile_column) by function, object,
 * process and so on, and what stands around a function in the stacks.
 */
#ifndef TICKPROF_TOP_H
#define TICKPROF_TOP_H

#include "profile/profile.h"

enum top_field {
	/* of a frame */
	TOP_FUNCTION,
	TOP_OBJECT,
	TOP_FILE,
	TOP_LINE,
	/* of a sample */
	TOP_PROCESS,
	TOP_THREAD,
	TOP_PID,
	TOP_TID,
	TOP_CGROUP,
	TOP_CPU,
	TOP_STATE,
	TOP_REASON,
	TOP_WAKER,
	TOP_TRACE,
	TOP_SPAN,
	TOP_SERVICE,
	TOP_FIELDS,
};

extern const char *const top_field_names[TOP_FIELDS];

#define TOP_FIELDS_MAX	6

struct top_keys {
	enum top_field fields[TOP_FIELDS_MAX];
	size_t nr;
};

struct top_row {
	const char *values[TOP_FIELDS_MAX];
	uint64_t flat;		/* of samples that ended here */
	uint64_t cum;		/* of samples with this anywhere, recursion counted once */
	uint64_t seen;		/* the last sample counted in cum */
};

struct top {
	struct top_row *rows;	/* most flat samples first, then cum */
	size_t nr_rows;
	uint64_t total;		/* of all samples looked at */
	struct top_private *private;
};

/* Names separated by commas, perf's (comm, dso, symbol, …) too. false: unknown or too many. */
bool top_parse_keys(const char *text, struct top_keys *keys);
/* Whether all fields are the same for a whole stack: then flat and cum are one. */
bool top_keys_of_sample(const struct top_keys *keys);

/*
 * Waits end in the scheduler, all of them; what counts as flat is the function that
 * called it.
 */
struct top *top_create(const struct profile *p, const struct top_keys *keys,
		       enum profile_column column);
void top_destroy(struct top *t);

/*
 * Functions called by, or calling, those that "function" names: in ->cum the
 * column of the samples in which each stands next to it. Callers are those of the outermost
 * occurrence in a stack, callees those of the innermost, so that they add up
 * to ->total, the samples with it in their stack. NULL value: nothing stands
 * there (the root, or the function itself ran).
 */
enum top_side { TOP_CALLERS, TOP_CALLEES };
struct top *top_around(const struct profile *p, const char *function, enum top_side side,
		       enum profile_column column);
/* The name in the profile that text means: equal, equal up to "(", or the only one with it. */
const char *top_find_function(const struct profile *p, const char *text);
/* Whether this kernel function is one of those by which a thread gives up its CPU. */
bool top_is_scheduler(const char *function);

#endif
