/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the time of each span went: the records of all threads, joined to the spans that
 * the threads were in. A thread's records tell of all its time, a blocked one cannot change
 * its span, and so
 *
 *	wall = running + runnable + blocked
 *
 * for a span whose work was done in one thread. What a thread ran between two waits is the
 * span's that it was in at both; if these differ, the spans' own start and end tell where
 * one gave way to another. Only where neither does, the time is shared out by halves, and
 * counted as "about".
 *
 * A span that nobody told of is known by its ids alone: it lasts from the first to the last
 * sight of it.
 *
 * Times are CLOCK_MONOTONIC, ns, unless they are a span's own, which count from 1970.
 * Memory: 72 bytes for each stretch of a thread's time in one span, 410 for each span.
 * Profile and model must outlive the ledger. Not thread-safe.
 */
#ifndef TICKPROF_LEDGER_H
#define TICKPROF_LEDGER_H

#include "profile/profile.h"
#include "span/span.h"

struct ledger_time {
	uint64_t running, queued;		/* ns */
	uint64_t blocked[PROFILE_WAIT_STATES];	/* by state; short: waits without a record */
	uint64_t io, fault;			/* of blocked */
	uint64_t waits, faults;			/* numbers */
};

enum ledger_flag {
	LEDGER_BY_THREAD = 1 << 0,	/* joined by thread and time, not by id */
	LEDGER_SAMPLE = 1 << 1,		/* a sample: it lasts no time */
};

/* A stretch of a thread's time in one span, within the span's own time. */
struct ledger_segment {
	uint64_t start, end;
	uint64_t blocked, queued;	/* of it; a wait is blocked first. Else the thread ran */
	uint64_t about;			/* of it: may be another span's */
	uint32_t span, thread;
	uint32_t entry;			/* profile sample: index + 1; 0: it ran */
	uint32_t flags;
};

struct ledger_thread {
	uint32_t task;			/* its labels */
};

/* How it is known how long a span ran. */
enum ledger_basis {
	LEDGER_BY_SAMPLES,	/* estimated: samples times the period */
	LEDGER_BY_WAITS,	/* exact: its threads' time less their waits */
	LEDGER_BY_MARKS,	/* exact: its thread's own clock, at the span's begin and end */
	LEDGER_BASES,
};

struct ledger_span {
	struct ledger_time self;	/* while it was the thread's current one */
	struct ledger_time total;	/* with its children in the threads that it was in itself */
	enum ledger_basis basis;	/* of running, in self and total */
	uint64_t about;			/* ns of self that may be another span's */
	uint64_t outside;		/* ns of its threads before its start or after its end */
	uint64_t samples;
	uint32_t first, nr;		/* segments, index from 0 */
	uint32_t threads;
	bool by_thread;			/* some of it was joined so */
};

struct ledger {
	const struct profile *p;
	struct span_model *m;
	uint64_t offset;		/* a span's time - CLOCK_MONOTONIC */
	uint32_t nr_told;		/* spans from here on are known by their ids alone */
	struct ledger_segment *segments;	/* by span, then start */
	size_t nr_segments;
	struct ledger_thread *threads;	/* [0] is none */
	size_t nr_threads;
	struct ledger_span *spans;	/* by number in the model */
	uint32_t *of_context;		/* by profile context: span; [0] is none */
	uint64_t by_thread;		/* records joined so */
	struct ledger_private *private;
};

struct ledger_options {
	bool join_by_thread;	/* what has no ids: by attribute thread.id */
};

/*
 * p: of options.each, without a time window. Spans that the model lacks are added to it,
 * and it is linked.
 */
struct ledger *ledger_create(const struct profile *p, struct span_model *m,
			     const struct ledger_options *o);
void ledger_destroy(struct ledger *l);

/* Known by the sight of its ids alone. */
static inline bool ledger_is_sight(const struct ledger *l, uint32_t span)
{
	return span >= l->nr_told;
}

uint64_t ledger_blocked(const struct ledger_time *t);
/* Of a span's wall time what total does not tell; with several threads this may be too little. */
uint64_t ledger_unseen(const struct ledger *l, uint32_t span);

/* "samples", "waits" or "marks". */
const char *ledger_basis_name(enum ledger_basis basis);

/*
 * Shares of a trace's time: each moment is one, the first that holds for any of its threads. In
 * a capture without waits running is how long its spans ran, but no more than the whole.
 */
struct ledger_shares {
	uint64_t running, queued, blocked, unseen;	/* ns */
	uint32_t spans, threads;			/* that were seen here */
};

void ledger_shares(const struct ledger *l, uint32_t trace, struct ledger_shares *out);

/* The part of a span's time that one thread had. */
struct ledger_part {
	uint32_t thread;
	struct ledger_time time;
};

/* Of the span itself, the longest first; the array is the caller's to free. */
struct ledger_part *ledger_parts(const struct ledger *l, uint32_t span, size_t *nr);

/* One place that a span waited or ran at. */
struct ledger_stack {
	uint32_t entry;		/* a profile sample that has it: index */
	uint8_t state;		/* of waits */
	uint64_t weight;	/* ns blocked; samples */
	uint64_t nr;		/* waits; samples */
};

enum ledger_what {
	LEDGER_WAITS,
	LEDGER_ENDS,		/* waits that nothing in the trace explains: see ledger_fault() */
	LEDGER_SAMPLES,
};

/* The heaviest first; the array is the caller's. */
struct ledger_stack *ledger_stacks(const struct ledger *l, uint32_t span, enum ledger_what what,
				   size_t *nr);

enum { LEDGER_PATH_MAX = 4, LEDGER_BLAME_MAX = 3 };

/* A function under which most of what is left falls, and how it was called. */
struct ledger_blame_row {
	const char *path[LEDGER_PATH_MAX];	/* it, its caller, and so on */
	size_t nr_path;				/* 0: without a name */
	const char *site;			/* where in kernel or C library it waited; "" */
	uint8_t state;				/* of the heaviest stack */
	uint64_t weight;
};

struct ledger_blame {
	struct ledger_blame_row rows[LEDGER_BLAME_MAX];
	size_t nr;
	uint64_t total;		/* rows and what they leave out */
};

void ledger_blame(const struct ledger *l, const struct ledger_stack *stacks, size_t nr,
		  struct ledger_blame *out);

struct ledger_waker {
	uint32_t pid, tid;	/* 0: an interrupt */
	const char *name;
	uint32_t context;	/* the waker's span, as the profile's context; 0: none */
	uint64_t blocked;	/* ns that it ended */
	uint64_t waits;
};

/*
 * What most of a trace's time went to: of all its spans the longest time of their own that
 * they ran, were queued, or waited for what is not in the trace. A wait that another span of
 * the trace ended, and one while a child of the span was under way, is theirs to explain.
 */
struct ledger_fault {
	uint32_t span;			/* 0: nothing is known */
	const char *what;		/* "running", "queued", "blocked" */
	uint64_t ns;
	struct ledger_blame blame;	/* of what it waited for, or its samples */
};

void ledger_fault(const struct ledger *l, uint32_t trace, struct ledger_fault *out);

/* Who ended a span's waits, the longest first; the array is the caller's. */
struct ledger_waker *ledger_wakers(const struct ledger *l, uint32_t span, size_t *nr);

#endif
