// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring records → samples and waits whose task and stacks are resolved (see decode.h).
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

enum entry_kind { ENTRY_NONE, ENTRY_STACK, ENTRY_TASK };

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
	free(d->entries);
	free(d);
}

static const uint32_t record_min_size[__TICKPROF_RECORD_MAX] = {
	[TICKPROF_RECORD_PAD] = sizeof(struct tickprof_record),
	[TICKPROF_RECORD_SAMPLE] = sizeof(struct tickprof_sample),
	[TICKPROF_RECORD_STACK] = sizeof(struct tickprof_stack),
	[TICKPROF_RECORD_TASK] = sizeof(struct tickprof_task),
	[TICKPROF_RECORD_FORK] = sizeof(struct tickprof_fork),
	[TICKPROF_RECORD_EXEC] = sizeof(struct tickprof_exec),
	[TICKPROF_RECORD_MMAP] = sizeof(struct tickprof_mmap) + 1,
	[TICKPROF_RECORD_COMM] = sizeof(struct tickprof_comm),
	[TICKPROF_RECORD_EXIT] = sizeof(struct tickprof_exit),
	[TICKPROF_RECORD_LOST] = sizeof(struct tickprof_lost),
	[TICKPROF_RECORD_WAIT] = sizeof(struct tickprof_wait),
};

/* All that a wait tells of lies between boot and its time, one after the other. */
static bool wait_valid(const struct tickprof_wait *r)
{
	const uint64_t parts[] = {
		r->blocked, r->queued, r->ran, r->short_blocked, r->short_queued,
	};
	uint64_t left = r->time;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i] > left)
			return false;
		left -= parts[i];
	}
	return r->time <= INT64_MAX;
}

/* Whether the strings and counts inside a record of a known type hold. */
static bool record_valid(const struct tickprof_record *r)
{
	const struct tickprof_stack *stack = (const void *)r;
	const struct tickprof_mmap *map = (const void *)r;

	if (r->size < record_min_size[r->type])
		return false;
	switch (r->type) {
	case TICKPROF_RECORD_STACK:
		return stack->nr <= (r->size - sizeof(*stack)) / sizeof(stack->ip[0]);
	case TICKPROF_RECORD_MMAP:
		return map->build_id_size <= TICKPROF_BUILD_ID_MAX &&
		       map->addr + map->len >= map->addr &&
		       memchr(map->path, '\0', r->size - sizeof(*map));
	case TICKPROF_RECORD_WAIT:
		return wait_valid((const void *)r);
	}
	return true;
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
		else if (record_valid(r))
			return r;
		else
			d->stats.errors += count;
	}
	if (*at != chunk->size && count)
		d->stats.errors++;
	return NULL;
}

static void note_reach(struct stream *s, uint32_t task, uint32_t kstack, uint32_t ustack)
{
	uint32_t reach = task;

	if (kstack > reach)
		reach = kstack;
	if (ustack > reach)
		reach = ustack;
	if (reach > s->reach && reach <= TICKPROF_RING_MAX)
		s->reach = reach;
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
			const struct tickprof_sample *sample = (const void *)r;
			const struct tickprof_wait *wait = (const void *)r;

			switch (r->type) {
			case TICKPROF_RECORD_SAMPLE:
				if (s)
					note_reach(s, sample->task, sample->kstack, sample->ustack);
				break;
			case TICKPROF_RECORD_WAIT:
				if (s)
					note_reach(s, wait->task, wait->kstack, wait->ustack);
				break;
			case TICKPROF_RECORD_LOST:
				note_lost(d, (const void *)r);
				break;
			case TICKPROF_RECORD_PAD:
			case TICKPROF_RECORD_STACK:
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

static void chunk_samples(struct decode *d, const struct capture_chunk *chunk,
			  decode_sample_fn *fn, decode_wait_fn *wait_fn, void *ctx)
{
	const struct tickprof_record *r;
	struct decode_sample sample = { .cpu = chunk->cpu };
	struct decode_wait wait = { .cpu = chunk->cpu };
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
		case TICKPROF_RECORD_SAMPLE:
			sample.record = (const void *)r;
			sample.task = resolve(d, position, sample.record->task, ENTRY_TASK);
			sample.kstack = resolve(d, position, sample.record->kstack, ENTRY_STACK);
			sample.ustack = resolve(d, position, sample.record->ustack, ENTRY_STACK);
			fn(ctx, &sample);
			break;
		case TICKPROF_RECORD_WAIT:
			wait.record = (const void *)r;
			wait.task = resolve(d, position, wait.record->task, ENTRY_TASK);
			wait.kstack = resolve(d, position, wait.record->kstack, ENTRY_STACK);
			wait.ustack = resolve(d, position, wait.record->ustack, ENTRY_STACK);
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

const struct decode_stats *decode_stats(const struct decode *d)
{
	return &d->stats;
}
