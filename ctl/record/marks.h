/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans that processes mark (include/tickprof/marks.h), while a recording runs: contexts.h tells
 * who publishes contexts, a thread finds and reads the rings of those that mark spans as well,
 * MARKS chunks take what was in them.
 *
 * A ring that is a file is held on to, so that what was marked before the process ended is read
 * after it. One that is not, or may not be opened, is read from the process's memory and goes
 * with that; this is counted. So is what was overwritten before it was read.
 *
 * The thread begins with the first such process. It reads every 50 ms, looks for new rings
 * ever more seldom (marks_watch.h), and rests nine times as long as a round took it: a tenth of
 * a CPU at most. Memory: 72 bytes a process that publishes, 300 and two descriptors a ring, of
 * each of which there are 4096 at most, and 64 MiB of spans not yet written.
 */
#ifndef TICKPROF_RECORD_MARKS_H
#define TICKPROF_RECORD_MARKS_H

#include "capture/capture.h"
#include "marks_place.h"
#include "marks_queue.h"

struct marks;

/* from: CLOCK_MONOTONIC ns; spans that ended before are left out. UINT64_MAX: not yet known. */
struct marks *marks_create(uint64_t from);
/* NULL is none, here and below. */
void marks_destroy(struct marks *m);
/* Now it is known. Nothing is read before. */
void marks_begin(struct marks *m, uint64_t from);

/*
 * This process may mark spans: look for its rings until it has one. From any thread. image: pid,
 * start_time, exec_id; the latter 0: not yet known.
 */
void marks_watch(struct marks *m, const struct capture_process *image);
/* These are its rings. Those that are known already are no longer taken. */
void marks_add(struct marks *m, const struct capture_process *image,
	       const struct marks_mapping *rings, unsigned int nr);

/* The last read of every ring. What is found from here on is not read. */
void marks_stop(struct marks *m);
/* MARKS chunks of what was read since the last call. 0 or -errno. */
int marks_write(struct marks *m, struct capture_writer *w);
/* marks_write() tells fn of each span as well, from now on; its thread's. */
void marks_tell(struct marks *m, marks_told *fn, void *arg);

struct marks_stats {
	uint64_t held;			/* rings, just now */
	uint64_t rings;			/* that had spans in the time asked for, or lost some */
	uint64_t taken;
	uint64_t overwritten, unfinished, refused;	/* as in marks_ring.h */
	uint64_t left_out;		/* beyond the memory for those not yet written */
	uint64_t gone;			/* rings whose process took them along before the end */
	uint64_t broken;		/* rings that are none, or ceased to be */
	uint64_t too_many;		/* rings, or processes to look at, beyond the limit */
	uint64_t cpu_ns;		/* of the thread */
};

/* After the stop, or in between. */
void marks_stats(struct marks *m, struct marks_stats *out);
/* A line about it, after the stop and unless -q; nothing if there was nothing. */
void marks_report(struct marks *m);

#endif
