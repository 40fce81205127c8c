// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which file's code lies where in the address spaces that are sampled: an array
 * for each, kept by the module itself, so that the tick need not wait for a tool
 * that reads /proc too late.
 *
 * An address space becomes known when a tick or the mmap hook meets it: its mm is
 * put into one of a few places ("asked") and a work item reads its mappings under
 * mmap_lock. Whatever the hook sees afterwards it takes out of the array at once,
 * where it stood, and has the array read anew. munmap is not seen: what it leaves
 * behind is an entry that no program counter meets until something else is mapped
 * there, which the hook sees.
 *
 * Context: tickprof_space_maps() hard irq; tickprof_space_mapped() from a kprobe;
 * the rest process context.
 * Memory: 32 bytes a mapping, at most MAPS_MAX a space and SPACES_MAX spaces. An
 * mm_struct is held, but never its memory, until its last user has gone; that is
 * looked for whenever the work runs, and once a second.
 * Limits: an executable mapping that mremap() moves is lost until the next one.
 */
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "arch.h"
#include "memory.h"
#include "process.h"
#include "space.h"
#include "store.h"

#define MAPS_MAX	4096
#define SPACES_MAX	4096
#define SPACE_BITS	10
#define ASKED_BITS	6
#define SWEEP_PERIOD	HZ

struct space {
	struct hlist_node hash;		/* RCU, by mm */
	struct mm_struct *mm;		/* mmgrab()ed */
	struct tickprof_maps __rcu *maps;
	struct rcu_head rcu;
	bool changed;			/* the hook has seen a mapping since maps was read */
};

static struct hlist_head spaces[1 << SPACE_BITS];
static struct mm_struct *asked[1 << ASKED_BITS];
static u32 nr_spaces;
static u64 memory;
static atomic64_t last_id;

static DEFINE_MUTEX(users_lock);
static unsigned int users;
static bool active;			/* users, for those who take no lock */

static void work_pass(struct work_struct *work);
static DECLARE_DELAYED_WORK(pass, work_pass);

/* Whoever has just execed or mapped runs on: the work must not wait for it. */
static void kick_pass(struct irq_work *work)
{
	mod_delayed_work(system_highpri_wq, &pass, 0);
}

static struct irq_work kick;

static struct hlist_head *bucket_of(const struct mm_struct *mm)
{
	return &spaces[hash_ptr(mm, SPACE_BITS)];
}

/* Under RCU. */
static struct space *find_space(const struct mm_struct *mm)
{
	struct space *space;

	hlist_for_each_entry_rcu(space, bucket_of(mm), hash)
		if (space->mm == mm)
			return space;
	return NULL;
}

/* One place a hash: if another mm waits there, the next tick asks again. */
static void ask(struct mm_struct *mm)
{
	struct mm_struct **place = &asked[hash_ptr(mm, ASKED_BITS)];

	if (READ_ONCE(*place))
		return;
	mmgrab(mm);
	if (cmpxchg(place, NULL, mm)) {
		mmdrop(mm);	/* never the last: mm is the current task's */
		return;
	}
	irq_work_queue(&kick);
}

const struct tickprof_maps *tickprof_space_maps(struct mm_struct *mm)
{
	const struct space *space = find_space(mm);

	if (likely(space))
		return rcu_dereference(space->maps);
	ask(mm);
	return NULL;
}

/* Readers of the array take what they had looked up in it for void. */
static void renew_id(struct tickprof_maps *maps)
{
	/* Pairs with the acquire in unwind_tables.c: what the id stands for comes first. */
	smp_store_release(&maps->id, atomic64_inc_return(&last_id));
}

/* Entries become empty, and keep their references, while others read the array. */
static void forget_range(struct tickprof_maps *maps, u64 start, u64 end)
{
	u32 i;

	for (i = 0; i < maps->nr; i++)
		if (maps->map[i].start < end && start < maps->map[i].end)
			WRITE_ONCE(maps->map[i].end, maps->map[i].start);
	renew_id(maps);
}

void tickprof_space_mapped(const struct vm_area_struct *vma)
{
	struct tickprof_maps *maps;
	struct space *space;

	if (!READ_ONCE(active) || !(vma->vm_flags & VM_EXEC) || vma->vm_mm != current->mm)
		return;
	rcu_read_lock();
	space = find_space(vma->vm_mm);
	if (space) {
		maps = rcu_dereference(space->maps);
		if (maps)
			forget_range(maps, vma->vm_start, vma->vm_end);
		WRITE_ONCE(space->changed, true);
		irq_work_queue(&kick);
	} else if (tickprof_process_unwound(current)) {
		ask(vma->vm_mm);
	}
	rcu_read_unlock();
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

/* mmap_lock held for reading, which keeps the hook away. NULL: no memory. */
static struct tickprof_maps *read_maps(struct mm_struct *mm)
{
	u32 nr = count_maps(mm);
	u32 bytes = struct_size((struct tickprof_maps *)NULL, map, nr);
	struct tickprof_maps *maps;

	if (!tickprof_memory_tables_allow(memory + bytes))
		return NULL;
	maps = kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
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

static void replace_maps(struct space *space, struct tickprof_maps *maps)
{
	struct tickprof_maps *old = rcu_dereference_protected(space->maps, true);

	rcu_assign_pointer(space->maps, maps);
	memory += maps ? maps->bytes : 0;
	if (!old)
		return;
	memory -= old->bytes;
	call_rcu(&old->rcu, put_maps_rcu);
}

/* Returns false if it has to be tried again soon: who maps something right now may take long. */
static bool update_space(struct space *space)
{
	struct tickprof_maps *maps;

	if (!READ_ONCE(space->changed) || !mmget_not_zero(space->mm))
		return true;
	if (!mmap_read_trylock(space->mm)) {
		mmput(space->mm);
		return false;
	}
	maps = read_maps(space->mm);
	if (maps) {
		WRITE_ONCE(space->changed, false);
		replace_maps(space, maps);
	}
	mmap_read_unlock(space->mm);
	mmput(space->mm);
	return true;
}

/* Takes over a reference on mm. */
static void add_space(struct mm_struct *mm)
{
	struct space *space;
	bool known;

	rcu_read_lock();
	known = find_space(mm);
	rcu_read_unlock();
	if (known || nr_spaces >= SPACES_MAX)
		goto drop;
	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		goto drop;
	space->mm = mm;
	space->changed = true;
	hlist_add_head_rcu(&space->hash, bucket_of(mm));
	nr_spaces++;
	memory += sizeof(*space);
	return;
drop:
	mmdrop(mm);
}

static void remove_space(struct space *space)
{
	hlist_del_rcu(&space->hash);
	replace_maps(space, NULL);
	mmdrop(space->mm);
	nr_spaces--;
	memory -= sizeof(*space);
	kfree_rcu(space, rcu);
}

static void add_asked(void)
{
	struct mm_struct *mm;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		mm = READ_ONCE(asked[i]) ? xchg(&asked[i], NULL) : NULL;
		if (mm)
			add_space(mm);
	}
}

/* The only writer of the spaces: one work item, or put() after that was cancelled. */
static void work_pass(struct work_struct *work)
{
	struct hlist_node *next;
	struct space *space;
	bool again = false;
	size_t i;

	add_asked();
	for (i = 0; i < ARRAY_SIZE(spaces); i++) {
		hlist_for_each_entry_safe(space, next, &spaces[i], hash) {
			if (!atomic_read(&space->mm->mm_users))
				remove_space(space);
			else if (!update_space(space))
				again = true;
		}
		cond_resched();
	}
	tickprof_store_reap_files();
	queue_delayed_work(system_highpri_wq, &pass, again ? 1 : SWEEP_PERIOD);
}

void tickprof_space_get(void)
{
	mutex_lock(&users_lock);
	if (!users++) {
		WRITE_ONCE(active, true);
		queue_delayed_work(system_highpri_wq, &pass, SWEEP_PERIOD);
	}
	mutex_unlock(&users_lock);
}

/*
 * The last one forgets all spaces. No session that asks in its ticks runs any
 * more; after the grace period neither does a hook that saw "active".
 */
void tickprof_space_put(void)
{
	struct hlist_node *next;
	struct space *space;
	size_t i;

	mutex_lock(&users_lock);
	if (--users) {
		mutex_unlock(&users_lock);
		return;
	}
	WRITE_ONCE(active, false);
	synchronize_rcu();
	irq_work_sync(&kick);
	cancel_delayed_work_sync(&pass);
	add_asked();
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		hlist_for_each_entry_safe(space, next, &spaces[i], hash)
			remove_space(space);
	rcu_barrier();
	tickprof_store_reap_files();
	mutex_unlock(&users_lock);
}

u64 tickprof_space_memory(void)
{
	return READ_ONCE(memory);
}

void __init tickprof_space_init(void)
{
	init_irq_work(&kick, kick_pass);
}
