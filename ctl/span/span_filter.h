/* SPDX-License-Identifier: GPL-2.0-only */
/* Which traces of a model are asked for. */
#ifndef TICKPROF_SPAN_FILTER_H
#define TICKPROF_SPAN_FILTER_H

#include "span.h"

/*
 * A trace fits if one of its spans is of the service and of the name and lasts at
 * least "over"; without service and name, if the trace itself lasts that long.
 */
struct span_filter {
	const char *service, *name;	/* the whole text, or a pattern of the shell's; NULL: any */
	uint64_t over;			/* ns */
	uint64_t slowest;		/* so many of those that fit; 0: all */
};

bool span_filter_span(const struct span_model *m, const struct span_filter *f,
		      const struct span *s);
bool span_filter_trace(const struct span_model *m, const struct span_filter *f,
		       const struct span_trace *t);

struct span_selection {
	uint32_t *traces;		/* numbers, the longest first */
	size_t nr;
	size_t nr_fit;			/* with those that ->slowest left out */
};

/* Of a model that span_model_link() has been through. */
void span_select(const struct span_model *m, const struct span_filter *f,
		 struct span_selection *out);
void span_selection_deinit(struct span_selection *s);

/*
 * The trace that text names: its id in any spelling, or the first digits of one
 * alone. 0: none; *several tells which.
 */
uint32_t span_find_trace(const struct span_model *m, const char *text, bool *several);

#endif
