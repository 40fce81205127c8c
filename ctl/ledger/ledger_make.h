/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that make a ledger share. */
#ifndef TICKPROF_LEDGER_MAKE_H
#define TICKPROF_LEDGER_MAKE_H

#include "base/hash.h"
#include "ledger.h"
#include "span/span_threads.h"

struct ledger_private {
	size_t cap_segments, cap_threads;
	struct hash thread_index;
	uint32_t first_resource;	/* from here on: of spans that nobody told of */
	uint8_t *seen;			/* by span: some record names it */
	struct span_threads *by_thread;	/* options.join_by_thread; else NULL */
};

/* Contexts to spans, spans for those that nobody told of; the model is linked. */
void ledger_join(struct ledger *l);
/* All records, in the order of time, into segments. */
void ledger_threads(struct ledger *l);

/* A span's time; all there is if it makes no sense. */
uint64_t ledger_start(const struct ledger *l, uint32_t span);
uint64_t ledger_end(const struct ledger *l, uint32_t span);
/* The parent, if it was current in the same process before; 0: there is none such. */
uint32_t ledger_parent_here(const struct ledger *l, uint32_t span);

/* Cut to the span's time; what is cut off counts as outside. span 0 is left alone. */
void ledger_add(struct ledger *l, const struct ledger_segment *s);

/* That a thread was in a span (0: in none) at a time. */
struct ledger_sight {
	uint64_t time;
	uint32_t span;
	uint32_t flags;
};

/* A stretch from the first to the last of nr sights that the thread ran, but for short waits. */
struct ledger_gap {
	const struct ledger_sight *sights;
	size_t nr;
	bool unknown;			/* nobody saw its begin: the first sight is none */
	uint32_t thread;
	uint64_t blocked, queued;	/* short waits in it */
};

void ledger_gap(struct ledger *l, const struct ledger_gap *g);

/* Sums of the spans, from the segments, which are sorted here. */
void ledger_sum(struct ledger *l);
/* Then: how long spans ran that were marked. */
void ledger_marks(struct ledger *l);

#endif
