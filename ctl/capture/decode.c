// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring records → samples and waits whose task, stacks and contexts are resolved (see decode.h).
 *
 * A reference is a distance in the ring, so each CPU's stream keeps a direct
 * table of "what began at this position": 8 bytes for each 8 bytes of the
 * furthest reach any of its samples has, at most 64 MB for the largest ring. The
 * entry repeats the position it stands for, so a reference to a place where no
 * such record began finds nothing rather than a wrong stack.
 *
 * The capture's checksums were right, so a record that makes no sense was
 * written that way; it is counted, and a size that cannot be followed ends its
 * chunk. Work is linear in the size of the capture whatever it holds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "decode.h"
#include "record_check.h"

enum entry_kind { ENTRY_NONE, ENTRY_STACK, ENTRY_TASK, ENTRY_CONTEXT };

#define ENTRY_KIND_SHIFT	30
#define ENTRY_ID_MASK		((1u << ENTRY_KIND_SHIFT) - 1)

struct entry {
	uint32_t position;	/* in units of 8, low bits */
	uint32_t id;		/* interned number and kind */
};

struct stream {
	uint32_t cpu;
	uint32_t reach;		/* largest distance of a reference, bytes */
	uint64_t bytes;		/* in all its chunks */
	uint64_t next;		/* position expected */
	size_t *chunks;
	size_t nr_chunks, cap_chunks;
};

struct decode {
	const struct capture_chunk *chunks;
	size_t nr_chunks;
	struct stream *streams;
	size_t nr_streams, cap_streams;
	struct hash by_cpu;
	struct decode_stack *stacks;
	size_t nr_stacks, cap_stacks;
	struct hash stack_index;
	const struct tickprof_task **tasks;
	size_t nr_tasks, cap_tasks;
	struct hash task_index;
	struct decode_context *contexts;
	size_t nr_contexts, cap_contexts;
	struct hash context_index;
	struct entry *entries;	/* of the stream being read */
	size_t cap_entries;
	uint32_t entry_mask;
	struct decode_stats stats;
};

static struct stream *stream_of(struct decode *d, uint32_t cpu)
{
	struct hash_slot *slot = hash_find(&d->by_cpu, hash_u64(0, cpu), id,
					   d->streams[id - 1].cpu == cpu);

	if (!slot->id) {
		GROW(d->streams, d->cap_streams, d->nr_streams + 1);
		d->streams[d->nr_streams++] = (struct stream) { .cpu = cpu };
		slot->id = d->nr_streams;
	}
	return &d->streams[slot->id - 1];
}

struct decode *decode_create(const struct capture *c)
{
	struct decode *d = xcalloc(1, sizeof(*d));
	size_t i;

	d->chunks = capture_chunks(c, &d->nr_chunks);
	for (i = 0; i < d->nr_chunks; i++) {
		const struct capture_chunk *chunk = &d->chunks[i];
		struct stream *s;

		if (chunk->type != CAPTURE_RING)
			continue;
		s = stream_of(d, chunk->cpu);
		GROW(s->chunks, s->cap_chunks, s->nr_chunks + 1);
		s->chunks[s->nr_chunks++] = i;
		s->bytes += chunk->size;
	}
	return d;
}

void decode_destroy(struct decode *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->nr_streams; i++)
		free(d->streams[i].chunks);
	free(d->streams);
	hash_deinit(&d->by_cpu);
	free(d->stacks);
	hash_deinit(&d->stack_index);
	free(d->tasks);
	hash_deinit(&d->task_index);
	free(d->contexts);
	hash_deinit(&d->context_index);
	free(d->entries);
	free(d);
}

enum walk { WALK_EVENTS, WALK_SAMPLES, WALK_END };

/*
 * The record at *at of a chunk, which moves past it; NULL at the chunk's end.
 * Errors count in the first pass only, or they would count twice.
 */
static const struct tickprof_record *next_record(struct decode *d, enum walk walk,
						 const struct capture_chunk *chunk,
						 uint64_t *at)
{
	bool count = walk == WALK_EVENTS;

	while (chunk->size - *at >= sizeof(struct tickprof_record)) {
		const struct tickprof_record *r =
			(const void *)((const char *)chunk->payload + *at);

		if (r->size < sizeof(*r) || r->size % 8 || r->size > chunk->size - *at)
			break;
		*at += r->size;
		d->stats.records += count;
		if (!r->type || r->type >= __TICKPROF_RECORD_MAX)
			d->stats.unknown += count;
		else if (record_check(r))
			return r;
		else
			d->stats.errors += count;
	}
	if (*at != chunk->size && count)
		d->stats.errors++;
	return NULL;
}

static void note_reach(struct stream *s, uint32_t distance)
{
	if (distance > s->reach && distance <= TICKPROF_RING_MAX)
		s->reach = distance;
}

static uint32_t sample_context(const struct tickprof_sample *r)
{
	return r->hdr.flags & TICKPROF_SAMPLE_CONTEXT ?
	       ((const struct tickprof_sample_context *)r)->context : 0;
}

/* Captures of ABI 1 have waits without. */
static uint32_t waker_context(const struct tickprof_wait *r)
{
	return r->hdr.size >= sizeof(*r) ? r->waker_context : 0;
}

static void note_references(struct stream *s, const struct tickprof_record *r)
{
	const struct tickprof_sample *sample = (const void *)r;
	const struct tickprof_wait *wait = (const void *)r;

	if (r->type == TICKPROF_RECORD_SAMPLE) {
		note_reach(s, sample->task);
		note_reach(s, sample->kstack);
		note_reach(s, sample->ustack);
		note_reach(s, sample_context(sample));
	} else {
		note_reach(s, wait->task);
		note_reach(s, wait->kstack);
		note_reach(s, wait->ustack);
		note_reach(s, wait->context);
		note_reach(s, waker_context(wait));
	}
}

static void note_lost(struct decode *d, const struct tickprof_lost *lost)
{
	d->stats.lost_samples += lost->samples;
	d->stats.lost_events += lost->events;
	d->stats.lost_stacks += lost->stacks;
}

void decode_events(struct decode *d, decode_event_fn *fn, void *ctx)
{
	size_t i;

	for (i = 0; i < d->nr_chunks; i++) {
		const struct capture_chunk *chunk = &d->chunks[i];
		const struct tickprof_record *r;
		struct stream *s = NULL;
		uint64_t at = 0;

		if (chunk->type == CAPTURE_RING) {
			s = stream_of(d, chunk->cpu);
			if (s->next && s->next != chunk->position)
				d->stats.gaps++;
			s->next = chunk->position + chunk->size;
		} else if (chunk->type != CAPTURE_EVENTS) {
			continue;
		}
		while ((r = next_record(d, WALK_EVENTS, chunk, &at))) {
			switch (r->type) {
			case TICKPROF_RECORD_SAMPLE:
			case TICKPROF_RECORD_WAIT:
				if (s)
					note_references(s, r);
				break;
			case TICKPROF_RECORD_LOST:
				note_lost(d, (const void *)r);
				break;
			case TICKPROF_RECORD_PAD:
			case TICKPROF_RECORD_STACK:
			case TICKPROF_RECORD_CONTEXT:
				break;
			default:
				fn(ctx, r, !s);
			}
		}
	}
}

static uint32_t intern_stack(struct decode *d, const struct tickprof_stack *r)
{
	uint64_t h = hash_u64(r->nr, r->hdr.flags);
	struct hash_slot *slot;
	uint32_t i;

	for (i = 0; i < r->nr; i++)
		h = hash_u64(h, r->ip[i]);
	slot = hash_find(&d->stack_index, h, id,
			 d->stacks[id - 1].nr == r->nr &&
			 d->stacks[id - 1].flags == r->hdr.flags &&
			 !memcmp(d->stacks[id - 1].ip, r->ip, r->nr * sizeof(r->ip[0])));
	if (!slot->id) {
		GROW(d->stacks, d->cap_stacks, d->nr_stacks + 1);
		d->stacks[d->nr_stacks++] = (struct decode_stack) {
			.ip = r->ip, .nr = r->nr, .flags = r->hdr.flags,
		};
		slot->id = d->nr_stacks;
	}
	return slot->id;
}

static uint32_t intern_task(struct decode *d, const struct tickprof_task *r)
{
	struct hash_slot *slot;

	slot = hash_find(&d->task_index, hash_bytes(0, r, sizeof(*r)), id,
			 !memcmp(d->tasks[id - 1], r, sizeof(*r)));
	if (!slot->id) {
		GROW(d->tasks, d->cap_tasks, d->nr_tasks + 1);
		d->tasks[d->nr_tasks++] = r;
		slot->id = d->nr_tasks;
	}
	return slot->id;
}

/* The attributes without what is left of them behind a cut or the padding. */
static struct decode_context context_of(const struct tickprof_thread_context *r)
{
	uint32_t size = r->hdr.size - sizeof(*r) - TICKPROF_CONTEXT_PADDING(r->hdr.flags), at = 0;

	while (size - at >= 2 && size - at - 2 >= r->attrs[at + 1])
		at += 2 + r->attrs[at + 1];
	return (struct decode_context) {
		.trace_id = r->trace_id, .span_id = r->span_id, .attrs = r->attrs, .size = at,
		.trace_flags = r->hdr.flags & TICKPROF_CONTEXT_TRACE_FLAGS,
		.cut = at < size || r->hdr.flags & TICKPROF_CONTEXT_CUT,
	};
}

static uint32_t intern_context(struct decode *d, const struct tickprof_thread_context *r)
{
	const struct decode_context c = context_of(r);
	uint64_t h = hash_u64(hash_seed(), c.trace_flags << 1 | c.cut);
	const struct decode_context *g;
	struct hash_slot *slot;

	/* The ids stand in front of the attributes. */
	h = hash_bytes(h, r->trace_id, offsetof(struct tickprof_thread_context, attrs) + c.size -
		       offsetof(struct tickprof_thread_context, trace_id));
	slot = hash_find(&d->context_index, h, id, ({
		g = &d->contexts[id - 1];
		g->trace_flags == c.trace_flags && g->cut == c.cut && g->size == c.size &&
		!memcmp(g->trace_id, c.trace_id, sizeof(r->trace_id)) &&
		!memcmp(g->span_id, c.span_id, sizeof(r->span_id)) &&
		!memcmp(g->attrs, c.attrs, c.size); }));
	if (!slot->id) {
		GROW(d->contexts, d->cap_contexts, d->nr_contexts + 1);
		d->contexts[d->nr_contexts++] = c;
		slot->id = d->nr_contexts;
	}
	return slot->id;
}

static void remember(struct decode *d, uint64_t position, enum entry_kind kind, uint32_t id)
{
	uint32_t unit = position / 8;

	d->entries[unit & d->entry_mask] = (struct entry) {
		.position = unit,
		.id = kind << ENTRY_KIND_SHIFT | id,
	};
}

static uint32_t resolve(struct decode *d, uint64_t position, uint32_t distance,
			enum entry_kind kind)
{
	uint32_t unit = (position - distance) / 8;
	struct entry e;

	if (!distance)
		return 0;
	e = d->entries[unit & d->entry_mask];
	if (distance % 8 || distance > position || e.position != unit ||
	    e.id >> ENTRY_KIND_SHIFT != kind) {
		d->stats.unresolved++;
		return 0;
	}
	return e.id & ENTRY_ID_MASK;
}

static void stream_start(struct decode *d, const struct stream *s)
{
	uint32_t nr = 64;

	while (nr <= s->reach / 8 && nr < s->bytes / 8)
		nr *= 2;
	GROW(d->entries, d->cap_entries, nr);
	d->entry_mask = nr - 1;
	memset(d->entries, 0, nr * sizeof(*d->entries));
}

static struct decode_sample resolve_sample(struct decode *d, uint32_t cpu, uint64_t position,
					   const struct tickprof_sample *r)
{
	return (struct decode_sample) {
		.record = r, .cpu = cpu,
		.task = resolve(d, position, r->task, ENTRY_TASK),
		.kstack = resolve(d, position, r->kstack, ENTRY_STACK),
		.ustack = resolve(d, position, r->ustack, ENTRY_STACK),
		.context = resolve(d, position, sample_context(r), ENTRY_CONTEXT),
	};
}

static struct decode_wait resolve_wait(struct decode *d, uint32_t cpu, uint64_t position,
				       const struct tickprof_wait *r)
{
	return (struct decode_wait) {
		.record = r, .cpu = cpu,
		.task = resolve(d, position, r->task, ENTRY_TASK),
		.kstack = resolve(d, position, r->kstack, ENTRY_STACK),
		.ustack = resolve(d, position, r->ustack, ENTRY_STACK),
		.context = resolve(d, position, r->context, ENTRY_CONTEXT),
		.waker_context = resolve(d, position, waker_context(r), ENTRY_CONTEXT),
	};
}

static void chunk_samples(struct decode *d, const struct capture_chunk *chunk,
			  decode_sample_fn *fn, decode_wait_fn *wait_fn, void *ctx)
{
	const struct tickprof_record *r;
	struct decode_sample sample;
	struct decode_wait wait;
	uint64_t at = 0;

	while ((r = next_record(d, WALK_SAMPLES, chunk, &at))) {
		uint64_t position = chunk->position + at - r->size;

		switch (r->type) {
		case TICKPROF_RECORD_STACK:
			remember(d, position, ENTRY_STACK, intern_stack(d, (const void *)r));
			break;
		case TICKPROF_RECORD_TASK:
			remember(d, position, ENTRY_TASK, intern_task(d, (const void *)r));
			break;
		case TICKPROF_RECORD_CONTEXT:
			remember(d, position, ENTRY_CONTEXT, intern_context(d, (const void *)r));
			break;
		case TICKPROF_RECORD_SAMPLE:
			sample = resolve_sample(d, chunk->cpu, position, (const void *)r);
			fn(ctx, &sample);
			break;
		case TICKPROF_RECORD_WAIT:
			wait = resolve_wait(d, chunk->cpu, position, (const void *)r);
			wait_fn(ctx, &wait);
			break;
		}
	}
}

void decode_samples(struct decode *d, decode_sample_fn *fn, decode_wait_fn *wait_fn, void *ctx)
{
	size_t i, n;

	for (i = 0; i < d->nr_streams; i++) {
		const struct stream *s = &d->streams[i];

		stream_start(d, s);
		for (n = 0; n < s->nr_chunks; n++)
			chunk_samples(d, &d->chunks[s->chunks[n]], fn, wait_fn, ctx);
	}
}

uint32_t decode_nr_stacks(const struct decode *d)
{
	return d->nr_stacks;
}

const struct decode_stack *decode_stack(const struct decode *d, uint32_t id)
{
	return &d->stacks[id - 1];
}

const struct tickprof_task *decode_task(const struct decode *d, uint32_t id)
{
	return d->tasks[id - 1];
}

uint32_t decode_nr_contexts(const struct decode *d)
{
	return d->nr_contexts;
}

const struct decode_context *decode_context(const struct decode *d, uint32_t id)
{
	return &d->contexts[id - 1];
}

const struct decode_stats *decode_stats(const struct decode *d)
{
	return &d->stats;
}
