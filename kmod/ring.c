// SPDX-License-Identifier: GPL-2.0-only
/*
 * The per-CPU ring that user space maps: one writer, one reader.
 *
 * Context: the writer is whoever runs on the ring's CPU with interrupts off, so
 * the tick and the tracepoint probes are one writer and nest nowhere. Creation,
 * mapping and destruction are process context.
 * Memory: two control pages and "size" bytes, one vmalloc area. A mapping holds
 * references on its pages, so a page outlives the ring if it must.
 * The layout, the protocol and both barriers are drawn in the UAPI header.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <asm/barrier.h>

#include "compat/vm_flags.h"
#include "ring.h"

/* burst: the most bytes that the writer reserves between two commits. */
int tickprof_ring_init(struct tickprof_ring *ring, u32 cpu, u32 size, u32 watermark,
		       u32 burst)
{
	u8 *area = vmalloc_user(tickprof_ring_memory(size));

	if (!area)
		return -ENOMEM;
	ring->reader = (void *)area;
	ring->writer = (void *)(area + PAGE_SIZE);
	ring->data = area + 2 * PAGE_SIZE;
	ring->size = size;
	ring->watermark = watermark;
	ring->wake_at = watermark;
	/* Each record may be preceded by padding shorter than itself. */
	ring->hold = size > 2 * burst ? size - 2 * burst : 0;
	ring->writer->size = size;
	ring->writer->cpu = cpu;
	ring->writer->abi = TICKPROF_ABI_VERSION;
	return 0;
}

void tickprof_ring_deinit(struct tickprof_ring *ring)
{
	vfree(ring->reader);
	ring->reader = NULL;
}

/* Bytes that a ring of this size takes. */
size_t tickprof_ring_memory(u32 size)
{
	return 2 * PAGE_SIZE + size;
}

/*
 * pgoff counts pages from the start of this ring. Only the shapes that the UAPI
 * header lists are accepted: a mapping that is short, long or shifted is a bug
 * in the caller, and a writable one of the data would let it forge what the
 * module compares new stacks with.
 */
int tickprof_ring_mmap(struct tickprof_ring *ring, struct vm_area_struct *vma,
		       unsigned long pgoff)
{
	unsigned long pages = vma_pages(vma);
	unsigned long data = ring->size >> PAGE_SHIFT;

	if (pgoff == 0) {
		if (pages != 1)
			return -EINVAL;
	} else {
		if (!(pgoff == 1 && pages == data + 1) && !(pgoff == 2 && pages == data))
			return -EINVAL;
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		tickprof_vm_flags_clear(vma, VM_MAYWRITE);
	}
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	tickprof_vm_flags_clear(vma, VM_MAYEXEC);
	tickprof_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	return remap_vmalloc_range(vma, ring->reader, pgoff);
}

/* For poll(): is the reader behind by the watermark, or wanted at once? Any context. */
bool tickprof_ring_readable(const struct tickprof_ring *ring)
{
	u64 head = READ_ONCE(ring->writer->head);
	u64 tail = READ_ONCE(ring->reader->tail);

	return head - tail >= ring->watermark || (s64)(READ_ONCE(ring->urgent) - tail) > 0;
}

/* The end of the ring is near, or the reader's position must be looked at again. */
void *tickprof_ring_reserve_slow(struct tickprof_ring *ring, u32 size)
{
	u64 at = ring->head & (ring->size - 1);
	u32 pad = at + size > ring->size ? ring->size - at : 0;
	struct tickprof_record *record;
	u64 tail;

	/* <A> in the UAPI header: the reader's store_release of tail. */
	tail = smp_load_acquire(&ring->reader->tail);
	ring->bad_tail = ring->published - tail > ring->size;
	if (unlikely(ring->bad_tail))
		return NULL;
	ring->tail = tail;
	if (ring->head + pad + size - tail > ring->size)
		return NULL;
	if (pad) {
		record = (void *)(ring->data + at);
		*record = (struct tickprof_record){
			.type = TICKPROF_RECORD_PAD, .size = pad,
		};
		at = 0;
		ring->head += pad;
	}
	ring->head += size;
	return ring->data + at;
}

/* Tell in-band what was lost, as soon as there is room again. */
void tickprof_ring_write_lost(struct tickprof_ring *ring, u64 now)
{
	struct tickprof_lost *lost = tickprof_ring_reserve(ring, sizeof(*lost));

	if (!lost)
		return;
	*lost = (struct tickprof_lost){
		.hdr = { .type = TICKPROF_RECORD_LOST, .size = sizeof(*lost) },
		.time = now,
		.samples = ring->lost[TICKPROF_RING_SAMPLE],
		.events = ring->lost[TICKPROF_RING_EVENT],
		.stacks = ring->lost[TICKPROF_RING_STACK],
	};
	memset(ring->lost, 0, sizeof(ring->lost));
	ring->any_lost = false;
}
