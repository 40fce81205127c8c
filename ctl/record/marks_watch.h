/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that may come to mark spans: when each is to be looked at for its ring. At once, and
 * again after an eighth of the time that it is known, at least 5 ms, at most 30 s.
 *
 * Not thread-safe. Memory: 72 bytes a process, 4096 at most.
 */
#ifndef TICKPROF_MARKS_WATCH_H
#define TICKPROF_MARKS_WATCH_H

#include "capture/capture.h"

struct watched_process {
	struct watched_process *next;
	struct capture_process image;	/* pid, start_time, exec_id */
	uint64_t since, due;
	unsigned int broken;		/* mappings that look like rings and are none, so far */
};

struct marks_watch {
	struct watched_process *first;
	size_t nr;
};

/* Times are ns of one clock. False: there are too many. */
bool marks_watch_add(struct marks_watch *w, const struct capture_process *image, uint64_t now);
/* One that is due now; NULL: none. */
struct watched_process *marks_watch_due(struct marks_watch *w, uint64_t now);
/* It was looked at; there was no ring yet. */
void marks_watch_again(struct watched_process *p, uint64_t now);
/* Of this image there is nothing more to learn. */
void marks_watch_drop(struct marks_watch *w, const struct capture_process *image);
/* The same, if it is still there. */
struct watched_process *marks_watch_find(struct marks_watch *w,
					 const struct capture_process *image);
/* When the next one is due; UINT64_MAX: none is. */
uint64_t marks_watch_next(const struct marks_watch *w);
void marks_watch_deinit(struct marks_watch *w);

#endif
