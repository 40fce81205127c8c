// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executable mappings of one address space as an array by address.
 *
 * Context: tickprof_maps_forget() from a kprobe, under RCU; the rest process context.
 * Memory: 32 bytes a mapping, at most MAPS_MAX; those beyond, in the order of
 * addresses, are not known.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "arch.h"
#include "maps.h"
#include "memory.h"
#include "store.h"

#define MAPS_MAX	4096

static atomic64_t last_id;

/* Readers of the array take what they had looked up in it for void. */
static void renew_id(struct tickprof_maps *maps)
{
	/* Pairs with the acquire in unwind_tables.c: what the id stands for comes first. */
	smp_store_release(&maps->id, atomic64_inc_return(&last_id));
}

/* Under RCU. Entries become empty, and keep their references, while others read the array. */
void tickprof_maps_forget(struct tickprof_maps *maps, u64 start, u64 end)
{
	u32 i;

	for (i = 0; i < maps->nr; i++)
		if (maps->map[i].start < end && start < maps->map[i].end)
			WRITE_ONCE(maps->map[i].end, maps->map[i].start);
	renew_id(maps);
}

static void put_maps(struct tickprof_maps *maps)
{
	u32 i;

	for (i = 0; i < maps->nr; i++)
		tickprof_store_put_file(maps->map[i].file);
	kvfree(maps);
}

static void put_maps_rcu(struct rcu_head *rcu)
{
	put_maps(container_of(rcu, struct tickprof_maps, rcu));
}

/* Once nobody reads the array any more. Callers wait for the last ones with rcu_barrier(). */
void tickprof_maps_put_rcu(struct tickprof_maps *maps)
{
	call_rcu(&maps->rcu, put_maps_rcu);
}

static bool has_code(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_EXEC &&
	       (vma->vm_file || vma->vm_start == tickprof_arch_vdso(mm));
}

/* mmap_lock held. */
static u32 count_maps(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	u32 nr = 0;

	for (vma = find_vma(mm, 0); vma && nr < MAPS_MAX; vma = find_vma(mm, vma->vm_end))
		nr += has_code(mm, vma);
	return nr;
}

/* mmap_lock held. False: no memory for one of them. */
static bool fill_maps(struct tickprof_maps *maps, struct mm_struct *mm, u32 nr)
{
	struct vm_area_struct *vma;
	struct tickprof_map *map;

	for (vma = find_vma(mm, 0); vma && maps->nr < nr; vma = find_vma(mm, vma->vm_end)) {
		if (!has_code(mm, vma))
			continue;
		map = &maps->map[maps->nr];
		*map = (struct tickprof_map){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.offset = vma->vm_file ? (u64)vma->vm_pgoff << PAGE_SHIFT : 0,
			.file = vma->vm_file ? tickprof_store_get_file(vma->vm_file) :
					       tickprof_store_get_vdso(),
		};
		if (!map->file)
			return false;
		maps->nr++;
	}
	return true;
}

/*
 * mmap_lock held for reading, which keeps the hook away. memory: bytes that all
 * arrays hold already. NULL: no memory.
 */
struct tickprof_maps *tickprof_maps_read(struct mm_struct *mm, u64 memory)
{
	u32 nr = count_maps(mm);
	u32 bytes = struct_size((struct tickprof_maps *)NULL, map, nr);
	struct tickprof_maps *maps;

	if (!tickprof_memory_tables_allow(memory + bytes))
		return NULL;
	maps = kvzalloc(bytes, GFP_KERNEL);
	if (!maps)
		return NULL;
	maps->bytes = bytes;
	if (!fill_maps(maps, mm, nr)) {
		put_maps(maps);
		return NULL;
	}
	renew_id(maps);
	return maps;
}
