/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_RING_H
#define TICKPROF_KMOD_RING_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/tickprof.h>

struct vm_area_struct;

/* What a record that finds no room is counted as. */
enum tickprof_ring_kind {
	TICKPROF_RING_SAMPLE,
	TICKPROF_RING_EVENT,
	TICKPROF_RING_STACK,
	TICKPROF_RING_KINDS,
};

/*
 * The module's side of one CPU's ring. All but "reader" is private to the CPU
 * that owns it, with interrupts off; the shared pages are never read back
 * except for the data, which user space maps read-only.
 */
struct tickprof_ring {
	u8	*data;
	u64	head;		/* written, perhaps not yet published */
	u64	tail;		/* the reader's position as last seen */
	u64	size;
	u64	wake_at;	/* head that calls for the next wake-up */
	u64	watermark;
	u64	published;	/* head that the reader sees */
	u64	urgent;		/* the reader is wanted until it has read up to here */
	u64	hold;		/* records this close to head are referred to again */
	u64	lost[TICKPROF_RING_KINDS];	/* since the last LOST record */
	bool	any_lost;
	bool	bad_tail;	/* the last reservation met a tail out of range */
	struct tickprof_ring_reader	*reader;
	struct tickprof_ring_writer	*writer;
};

int tickprof_ring_init(struct tickprof_ring *ring, u32 cpu, u32 size, u32 watermark,
		       u32 burst);
void tickprof_ring_deinit(struct tickprof_ring *ring);
size_t tickprof_ring_memory(u32 size);
int tickprof_ring_mmap(struct tickprof_ring *ring, struct vm_area_struct *vma,
		       unsigned long pgoff);
bool tickprof_ring_readable(const struct tickprof_ring *ring);

void *tickprof_ring_reserve_slow(struct tickprof_ring *ring, u32 size);
void tickprof_ring_write_lost(struct tickprof_ring *ring, u64 now);

/*
 * Room for a record of size bytes (a multiple of 8), or NULL: the caller counts
 * it with tickprof_ring_lose(). What was reserved becomes visible at commit.
 * Hard irq or interrupts off, on the ring's own CPU.
 */
static inline void *tickprof_ring_reserve(struct tickprof_ring *ring, u32 size)
{
	u64 at = ring->head & (ring->size - 1);

	if (unlikely(at + size > ring->size ||
		     ring->head + size - ring->tail > ring->size))
		return tickprof_ring_reserve_slow(ring, size);
	ring->head += size;
	return ring->data + at;
}

static inline void tickprof_ring_lose(struct tickprof_ring *ring,
				      enum tickprof_ring_kind kind)
{
	ring->lost[kind]++;
	ring->any_lost = true;
}

/* Position of the record that tickprof_ring_reserve() returned last. */
static inline u64 tickprof_ring_position(const struct tickprof_ring *ring, u32 size)
{
	return ring->head - size;
}

/*
 * Does the ring hold, unchanged, what was written at this position, and will it
 * while the tick at hand writes the rest of its records?
 */
static inline bool tickprof_ring_holds(const struct tickprof_ring *ring, u64 position)
{
	return ring->head - position <= ring->hold;
}

static inline const void *tickprof_ring_at(const struct tickprof_ring *ring, u64 position)
{
	return ring->data + (position & (ring->size - 1));
}

/* Publish everything reserved. Returns true if the reader is to be woken. */
static inline bool tickprof_ring_commit(struct tickprof_ring *ring)
{
	ring->published = ring->head;
	/* <B> in the UAPI header: the reader's load_acquire of head. */
	smp_store_release(&ring->writer->head, ring->head);
	if (likely(ring->head < ring->wake_at))
		return false;
	ring->wake_at = ring->head + ring->watermark;
	return true;
}

#endif
