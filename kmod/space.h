/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_SPACE_H
#define TICKPROF_KMOD_SPACE_H

#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct mm_struct;
struct tickprof_file;
struct vm_area_struct;

/* An executable mapping; end becomes start once another mapping has taken its place. */
struct tickprof_map {
	u64 start;
	u64 end;
	u64 offset;			/* in the file, of start */
	struct tickprof_file *file;	/* a reference */
};

/* Those of one address space by address: replaced whole, read under RCU. */
struct tickprof_maps {
	struct rcu_head rcu;
	u64 id;				/* of this array as it is now; no other ever has it */
	u32 nr;
	u32 bytes;
	struct tickprof_map map[];
};

/* Hard irq, or under RCU. NULL: not known yet, and asked for. */
const struct tickprof_maps *tickprof_space_maps(struct mm_struct *mm);

/* The mapping that address lies in, or NULL. At most 12 steps. */
static inline const struct tickprof_map *tickprof_space_find(const struct tickprof_maps *maps,
							     u64 address)
{
	const struct tickprof_map *map = maps->map;
	u32 nr = maps->nr;

	while (nr > 1) {
		u32 half = nr / 2;

		map = map[half].start <= address ? map + half : map;
		nr -= half;
	}
	return nr && address >= map->start && address < READ_ONCE(map->end) ? map : NULL;
}

/* The mmap hook: preemption is off, mmap_lock is held for writing by the task. */
void tickprof_space_mapped(const struct vm_area_struct *vma);

void tickprof_space_init(void);
/* Around a session that unwinds by tables; process context, may sleep. */
void tickprof_space_get(void);
void tickprof_space_put(void);

/* Bytes held, and address spaces known. */
u64 tickprof_space_memory(void);

#endif
