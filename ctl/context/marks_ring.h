/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The spans that a process has marked: its ring, which include/tickprof/marks.h draws and
 * writes, in a mapping that is called TICKPROF_SPANS. The process writes while this reads,
 * and may write anything.
 *
 * Each number that its head gives out is read, or counted as missed; an entry is believed if
 * it was whole before it was copied and could not be overwritten until after. One that is
 * still being written is waited for, for two more reads.
 *
 * Memory: 64 KiB while it reads. Not thread-safe.
 */
#ifndef TICKPROF_MARKS_RING_H
#define TICKPROF_MARKS_RING_H

#include "capture/capture.h"
#include "memory.h"

enum { MARKS_ENTRIES_MAX = 1 << 16 };

/* Why an entry is not taken. */
enum mark_refusal {
	MARK_IDS,		/* zeros */
	MARK_TIMES,		/* ends before it begins, or in the future */
	MARK_CPU,		/* more than the time between */
	MARK_MALFORMED,		/* a thread of zero, an unknown flag, a length beyond the name */
	MARK_REFUSALS,
};

struct marks_counts {
	uint64_t taken;
	uint64_t overwritten;	/* before they were read */
	uint64_t unfinished;	/* being written for too long, or given up by the writer */
	uint64_t refused[MARK_REFUSALS];
	uint64_t before;	/* ended before it was asked for: counted by nobody else */
};

struct marks_ring {
	struct memory memory;	/* the caller's to close */
	uint64_t base;		/* address of the ring in it */
	uint64_t entries_at, opened;
	uint32_t nr_entries;
	uint64_t next;		/* number */
	uint64_t unsure;	/* overwritten before the first read: perhaps before "from" */
	unsigned int waits;	/* reads that ended at next, because it was not finished */
	struct marks_counts counts;
};

/* Is a mapping of this name, and not executable, one to look into? */
bool marks_ring_named(const char *path);

/* 0; -EAGAIN: it is not there yet; -EBADMSG: it is none; -EFAULT. There is nothing to close. */
int marks_ring_open(struct marks_ring *r, const struct memory *memory, uint64_t base);

struct marks_read {
	uint64_t from;		/* what ended before is passed over; ns of CLOCK_MONOTONIC */
	uint64_t budget;	/* entries to read at most */
	bool last;		/* there will be no further read: wait for nothing */
	void (*take)(void *arg, const struct capture_mark *mark);	/* checked */
	void *arg;
};

/*
 * What is new since the last time. 0; -EBADMSG: its head went back, so it is a ring no more;
 * -EFAULT: the memory is gone. What is left beyond the budget is for the next time, or, if
 * this was the last, counted as overwritten.
 */
int marks_ring_read(struct marks_ring *r, const struct marks_read *how);

/* As it is in a chunk of a capture, too: does it make sense? MARK_REFUSALS: it does. */
enum mark_refusal mark_check(const struct capture_mark *mark, uint64_t now);

#endif
