/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What came before and after each sample and wait in its thread.
 *
 * A thread's running time is known from one record of it to the next, and a wait closes the
 * account of all since the wait before. So for a trace's own time to be told in full, beside
 * its records those next to them in the thread are needed, and the wait that follows.
 *
 * Where between two records a thread went from one trace to another is not known. For the
 * question which traces are slow all that it ran there counts for both: who is in doubt is kept.
 *
 * Memory: 112 bytes a thread, at most so many; the one longest unseen goes first.
 */
#ifndef TICKPROF_KEEP_THREADS_H
#define TICKPROF_KEEP_THREADS_H

#include "keep_traces.h"

enum { KEEP_THREAD_BYTES = 112, KEEP_AROUND_MAX = 6 };

/* A sample or a wait that waits for its verdict. */
struct keep_item {
	uint64_t time;			/* of the record, ns, as all here */
	uint64_t begin;			/* WAIT: it left its CPU; else the same */
	uint64_t start;			/* WAIT: since when its account is */
	uint32_t at;			/* bytes into its span */
	uint32_t tid;			/* 0: not known */
	uint32_t trace;			/* its own; held. 0: none */
	uint32_t thread;		/* place in the table; 0: none */
	struct keep_trace_ref before, after;	/* of the record next to it in its thread */
	struct keep_around *around;	/* WAIT: of the others since the wait before; or NULL */
	bool wait, end;			/* end: of its thread */
	bool open;			/* it had not ended when recording did */
	bool nowhere;			/* of a trace for which there was no room */
	bool linked;
};

struct keep_around {
	uint32_t nr;			/* above KEEP_AROUND_MAX: there were more */
	struct keep_trace_ref traces[KEEP_AROUND_MAX];
};

struct keep_threads;

/* Places for so many threads. */
struct keep_threads *keep_threads_create(uint32_t max, struct keep_traces *traces,
					 struct capture_keep *counts);
void keep_threads_destroy(struct keep_threads *t);
/* The next in the order of time. It stays where it is until keep_threads_leave(). */
void keep_threads_link(struct keep_threads *t, struct keep_item *item);
void keep_threads_leave(struct keep_threads *t, struct keep_item *item);
/* Whether one next to it, or one that it closes the account of, is of a slow trace. */
bool keep_threads_beside_slow(const struct keep_threads *t, const struct keep_item *item);

#endif
