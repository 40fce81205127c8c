// SPDX-License-Identifier: GPL-2.0-only
/* Records of one CPU, some left out: see keep_stream.h. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keep_stream.h"

/* Leads nowhere, as the distance in the ring did: readers count it. */
enum { NO_DISTANCE = 1 };

/* Readers look no further back; the rest is for what else a record may refer to. */
enum { REACH = TICKPROF_RING_MAX - (1 << 20) };

#define DISTANCE(record, field, kind)	{ offsetof(struct record, field), TICKPROF_RECORD_##kind }

size_t keep_distances(const struct tickprof_record *r, const struct keep_distance **out)
{
	static const struct keep_distance sample[] = {
		DISTANCE(tickprof_sample, task, TASK),
		DISTANCE(tickprof_sample, kstack, STACK),
		DISTANCE(tickprof_sample, ustack, STACK),
		DISTANCE(tickprof_sample_context, context, CONTEXT),
	}, wait[] = {
		DISTANCE(tickprof_wait, task, TASK),
		DISTANCE(tickprof_wait, kstack, STACK),
		DISTANCE(tickprof_wait, ustack, STACK),
		DISTANCE(tickprof_wait, context, CONTEXT),
		DISTANCE(tickprof_wait, waker_context, CONTEXT),
	};

	if (r->type == TICKPROF_RECORD_SAMPLE) {
		*out = sample;
		return ARRAY_SIZE(sample) - !(r->flags & TICKPROF_SAMPLE_CONTEXT);
	}
	*out = wait;
	return ARRAY_SIZE(wait) - (r->size < sizeof(struct tickprof_wait));
}

void keep_stream_init(struct keep_stream *s, uint64_t ring_size)
{
	/* Where a reader's table is empty it says 0, so nothing begins there. */
	*s = (struct keep_stream) { .position = 8 };
	keep_refs_init(&s->refs, ring_size);
}

void keep_stream_deinit(struct keep_stream *s)
{
	keep_refs_deinit(&s->refs);
	free(s->data);
}

void keep_stream_refer(struct keep_stream *s, uint64_t position, const struct tickprof_record *r)
{
	keep_refs_add(&s->refs, position, r);
}

void keep_stream_copy(struct keep_stream *s, const struct tickprof_record *r)
{
	GROW(s->data, s->cap, s->size + r->size);
	memcpy(s->data + s->size, r, r->size);
	s->size += r->size;
}

static uint64_t here(const struct keep_stream *s)
{
	return s->position + s->size;
}

/* Where in the ring that is written it is, from now on at least. */
static uint64_t written_at(struct keep_stream *s, uint64_t position, uint16_t type)
{
	struct keep_ref *ref = keep_refs_find(&s->refs, position, type);

	if (!ref)
		return KEEP_REF_NOWHERE;
	if (ref->out == KEEP_REF_NOWHERE || here(s) - ref->out > REACH) {
		ref->out = here(s);
		keep_stream_copy(s, keep_refs_record(&s->refs, ref));
	}
	return ref->out;
}

void keep_stream_sight(struct keep_stream *s, uint64_t position, const struct tickprof_record *r)
{
	uint64_t outs[KEEP_DISTANCES_MAX], at;
	const struct keep_distance *d;
	const size_t nr = keep_distances(r, &d);
	uint32_t distance;
	size_t i;

	for (i = 0; i < nr; i++) {
		memcpy(&distance, (const char *)r + d[i].at, sizeof(distance));
		if (distance)
			outs[i] = written_at(s, position - distance, d[i].type);
	}
	at = s->size;
	keep_stream_copy(s, r);
	for (i = 0; i < nr; i++) {
		uint8_t *field = s->data + at + d[i].at;

		memcpy(&distance, field, sizeof(distance));
		if (!distance)
			continue;
		distance = outs[i] == KEEP_REF_NOWHERE ? NO_DISTANCE : s->position + at - outs[i];
		memcpy(field, &distance, sizeof(distance));
	}
}

void keep_stream_flushed(struct keep_stream *s)
{
	s->position += s->size;
	s->size = 0;
}
