/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_MAPS_H
#define TICKPROF_KMOD_MAPS_H

#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct mm_struct;
struct tickprof_file;

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

/* The mapping that address lies in, or NULL. At most 12 steps. */
static inline const struct tickprof_map *tickprof_maps_find(const struct tickprof_maps *maps,
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

struct tickprof_maps *tickprof_maps_read(struct mm_struct *mm, u64 memory);
void tickprof_maps_put_rcu(struct tickprof_maps *maps);
void tickprof_maps_forget(struct tickprof_maps *maps, u64 start, u64 end);

#endif
