// SPDX-License-Identifier: GPL-2.0-only
/* Marked spans on their way into the capture: see marks_queue.h. */
#include <stdlib.h>

#include "base/util.h"
#include "marks_queue.h"

enum { WAITING_MAX = 64 << 20 };

struct marks_batch {
	struct marks_batch *next;
	size_t nr, cap;
	struct {
		struct capture_marks head;
		struct capture_mark marks[];
	} *chunk;
};

static size_t batch_size(const struct marks_batch *b)
{
	return sizeof(*b->chunk) + b->nr * sizeof(b->chunk->marks[0]);
}

void marks_batch_add(struct marks_batch **batch, const struct capture_mark *mark)
{
	struct marks_batch *b = *batch;

	if (!b)
		*batch = b = xcalloc(1, sizeof(*b));
	if (b->nr == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->chunk = xrealloc(b->chunk, sizeof(*b->chunk) + b->cap * sizeof(*mark));
	}
	b->chunk->marks[b->nr++] = *mark;
}

void marks_batch_free(struct marks_batch *b)
{
	struct marks_batch *next;

	for (; b; b = next) {
		next = b->next;
		free(b->chunk);
		free(b);
	}
}

int marks_batch_write(struct marks_batch *first, struct capture_writer *w)
{
	struct marks_batch *b;
	int ret = 0;

	for (b = first; b && !ret; b = b->next)
		ret = capture_write_chunk(w, CAPTURE_MARKS, b->chunk, batch_size(b));
	marks_batch_free(first);
	return ret;
}

void marks_batch_tell(const struct marks_batch *first, marks_told *fn, void *arg)
{
	const struct marks_batch *b;
	size_t i;

	for (b = first; b; b = b->next)
		for (i = 0; i < b->nr; i++)
			fn(arg, &b->chunk->marks[i]);
}

void marks_queue_init(struct marks_queue *q)
{
	*q = (struct marks_queue) { 0 };
	q->last = &q->first;
}

size_t marks_queue_put(struct marks_queue *q, struct marks_batch **batch,
		       const struct capture_marks *head)
{
	struct marks_batch *b = *batch;
	size_t nr;

	*batch = NULL;
	if (!b)
		return 0;
	nr = b->nr;
	if (batch_size(b) > WAITING_MAX - q->waiting) {
		marks_batch_free(b);
		return nr;
	}
	b->chunk->head = *head;
	q->waiting += batch_size(b);
	*q->last = b;
	q->last = &b->next;
	return 0;
}

struct marks_batch *marks_queue_take(struct marks_queue *q)
{
	struct marks_batch *all = q->first;

	marks_queue_init(q);
	return all;
}
