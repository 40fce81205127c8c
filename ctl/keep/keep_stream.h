/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU's records as they go into the capture when some are left out: a ring of its own,
 * without holes. STACK, TASK and CONTEXT records wait until the first record that is kept
 * refers to them, and distances are told anew: none is longer than two rings, nor than
 * TICKPROF_RING_MAX. So a reader finds nothing unusual, and what was dropped costs no room,
 * nor do its stacks.
 *
 * Memory: keep_refs.h, and the records that were not flushed yet.
 */
#ifndef TICKPROF_KEEP_STREAM_H
#define TICKPROF_KEEP_STREAM_H

#include "keep_refs.h"

struct keep_stream {
	struct keep_refs refs;
	uint64_t position;		/* of data[0] in the ring that is written */
	uint8_t *data;
	size_t size, cap;
};

void keep_stream_init(struct keep_stream *s, uint64_t ring_size);
void keep_stream_deinit(struct keep_stream *s);
/* A STACK, TASK or CONTEXT, of which the position in the ring that is read is given. */
void keep_stream_refer(struct keep_stream *s, uint64_t position, const struct tickprof_record *r);
/* A SAMPLE or WAIT that record_check() has seen, and is kept. */
void keep_stream_sight(struct keep_stream *s, uint64_t position, const struct tickprof_record *r);
/* Any other, as it is. */
void keep_stream_copy(struct keep_stream *s, const struct tickprof_record *r);
/* What was in ->data is written. */
void keep_stream_flushed(struct keep_stream *s);

/* The distances in a SAMPLE or WAIT, and what they lead to. How many. */
enum { KEEP_DISTANCES_MAX = 5 };
struct keep_distance {
	uint16_t at;			/* bytes into the record */
	uint16_t type;			/* of the record meant */
};
size_t keep_distances(const struct tickprof_record *r, const struct keep_distance **out);

#endif
