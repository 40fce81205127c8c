/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marked spans that were read from rings and are not yet in the capture: a batch is a MARKS chunk,
 * the spans of one read of one ring.
 *
 * Not thread-safe. Memory: 64 MiB of batches in the queue at most.
 */
#ifndef TICKPROF_MARKS_QUEUE_H
#define TICKPROF_MARKS_QUEUE_H

#include "capture/capture.h"

struct marks_batch;

struct marks_queue {
	struct marks_batch *first, **last;
	size_t waiting;			/* bytes */
};

/* *batch: NULL, or what was added to before. */
void marks_batch_add(struct marks_batch **batch, const struct capture_mark *mark);
/* It and those after it, as marks_queue_take() gives them; NULL is none. 0 or -errno. Frees them. */
int marks_batch_write(struct marks_batch *first, struct capture_writer *w);
typedef void marks_told(void *arg, const struct capture_mark *mark);
/* Calls fn for each span of the same. */
void marks_batch_tell(const struct marks_batch *first, marks_told *fn, void *arg);
void marks_batch_free(struct marks_batch *first);

void marks_queue_init(struct marks_queue *q);
/*
 * Takes *batch, which is NULL afterwards; it was NULL if nothing was read. Returns how many spans
 * had no room and were freed.
 */
size_t marks_queue_put(struct marks_queue *q, struct marks_batch **batch,
		       const struct capture_marks *head);
/* All of it: the caller's. NULL: it was empty. */
struct marks_batch *marks_queue_take(struct marks_queue *q);

#endif
