// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which file's code lies where in the address spaces that are sampled: an array
 * for each, kept by the module itself, so that the tick need not wait for a tool
 * that reads /proc too late.
 *
 * An address space becomes known when the mmap hook meets it, or a fork: the task
 * itself reads its mappings before it is back in user mode (space_later.c). What ran
 * before a tick meets: its mm is put into one of a few places ("asked") and a work
 * item reads it; so it is done for tasks that cannot do it themselves. Whatever the
 * hook sees it takes out of the array at once, where it stood, and has the array
 * read anew. munmap is not seen: what it leaves behind is an entry that no program
 * counter meets until something else is mapped there, which the hook sees.
 *
 * Context: tickprof_space_maps() hard irq; tickprof_space_mapped() from a kprobe;
 * tickprof_space_forked() from a tracepoint; the rest process context.
 * Locks: mmap_lock, then "writers", then the store's. An array is read and put in
 * place under one hold of mmap_lock, so it is never older than the one it replaces.
 * Memory: 32 bytes a mapping, SPACES_MAX spaces at most; not charged to the task's
 * cgroup, which did not ask for it. An mm_struct is held, but never its memory, until
 * its last user has gone; that is looked for whenever the work runs, once a second
 * and after SWEEP_NEW new ones.
 * Limits: an executable mapping that mremap() moves is lost until the next one.
 */
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "maps.h"
#include "process.h"
#include "space.h"
#include "store.h"

#define SPACES_MAX	4096
#define SPACE_BITS	10
#define ASKED_BITS	6
#define SWEEP_PERIOD	HZ
#define SWEEP_NEW	128	/* or after so many new ones: an mm is a few pages */

struct space {
	struct hlist_node hash;		/* RCU, by mm */
	struct mm_struct *mm;		/* mmgrab()ed */
	struct tickprof_maps __rcu *maps;
	struct rcu_head rcu;
	bool changed;			/* the hook has seen a mapping since maps was read */
};

static struct hlist_head spaces[1 << SPACE_BITS];
static struct mm_struct *asked[1 << ASKED_BITS];

static DEFINE_MUTEX(writers);		/* guards spaces but "changed", and these: */
static u32 nr_spaces;
static u32 nr_new;			/* since the work item last looked for dead ones */
static u64 spaces_memory;
static bool active;			/* users; also read without the lock */

static DEFINE_MUTEX(users_lock);
static unsigned int users;

static void work_pass(struct work_struct *work);
static DECLARE_DELAYED_WORK(pass, work_pass);

/* Whoever has just execed or mapped runs on: the work must not wait for it. */
static void kick_pass(struct irq_work *work)
{
	mod_delayed_work(system_highpri_wq, &pass, 0);
}

static struct irq_work kick;

/* Any context. */
void tickprof_space_kick(void)
{
	irq_work_queue(&kick);
}

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
			tickprof_maps_forget(maps, vma->vm_start, vma->vm_end);
		WRITE_ONCE(space->changed, true);
		if (!tickprof_space_later(current))
			tickprof_space_kick();
	} else if (tickprof_process_unwound(current) && !tickprof_space_later(current)) {
		ask(vma->vm_mm);
	}
	rcu_read_unlock();
}

/* A child that shares the mm needs nothing; one that finds no slot its first tick asks for. */
void tickprof_space_forked(struct task_struct *child)
{
	if (READ_ONCE(active) && child->mm && child->mm != current->mm &&
	    tickprof_process_unwound(child))
		tickprof_space_later(child);
}

static void replace_maps(struct space *space, struct tickprof_maps *maps)
{
	struct tickprof_maps *old = rcu_dereference_protected(space->maps,
							      lockdep_is_held(&writers));

	rcu_assign_pointer(space->maps, maps);
	spaces_memory += maps ? maps->bytes : 0;
	if (!old)
		return;
	spaces_memory -= old->bytes;
	tickprof_maps_put_rcu(old);
}

/* The space of mm, made if there is none. NULL: no memory, too many, or nobody wants it any more. */
static struct space *get_space(struct mm_struct *mm)
{
	struct space *space;

	rcu_read_lock();
	space = find_space(mm);		/* which "writers" keeps */
	rcu_read_unlock();
	if (space || !active || nr_spaces >= SPACES_MAX)
		return space;
	space = kzalloc(sizeof(*space), GFP_KERNEL);
	if (!space)
		return NULL;
	mmgrab(mm);
	space->mm = mm;
	space->changed = true;
	hlist_add_head_rcu(&space->hash, bucket_of(mm));
	nr_spaces++;
	spaces_memory += sizeof(*space);
	if (++nr_new == SWEEP_NEW)
		mod_delayed_work(system_highpri_wq, &pass, 0);
	return space;
}

/* mmap_lock held for reading. */
static void fill_space(struct space *space)
{
	struct tickprof_maps *maps = tickprof_maps_read(space->mm, spaces_memory);

	if (!maps)
		return;
	WRITE_ONCE(space->changed, false);
	replace_maps(space, maps);
}

/* Task context; mmap_lock, of the task's own mm, held for reading. */
void tickprof_space_read(struct mm_struct *mm)
{
	struct space *space;

	mutex_lock(&writers);
	space = get_space(mm);
	if (space && READ_ONCE(space->changed))
		fill_space(space);
	mutex_unlock(&writers);
}

/* Returns false if it has to be tried again soon: who maps something right now may take long. */
static bool update_space(struct space *space)
{
	bool read;

	if (!READ_ONCE(space->changed) || !mmget_not_zero(space->mm))
		return true;
	read = mmap_read_trylock(space->mm);
	if (read) {
		fill_space(space);
		mmap_read_unlock(space->mm);
	}
	/* The last one takes the mappings down, files and all: not under a lock of ours. */
	mmput_async(space->mm);
	return read;
}

static void remove_space(struct space *space)
{
	hlist_del_rcu(&space->hash);
	replace_maps(space, NULL);
	mmdrop(space->mm);
	nr_spaces--;
	spaces_memory -= sizeof(*space);
	kfree_rcu(space, rcu);
}

static void add_asked(void)
{
	struct mm_struct *mm;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		mm = READ_ONCE(asked[i]) ? xchg(&asked[i], NULL) : NULL;
		if (!mm)
			continue;
		get_space(mm);
		mmdrop(mm);
	}
}

/* Returns false if some space has to be tried again soon. */
static bool update_bucket(struct hlist_head *bucket)
{
	struct hlist_node *next;
	struct space *space;
	bool done = true;

	hlist_for_each_entry_safe(space, next, bucket, hash) {
		if (!atomic_read(&space->mm->mm_users))
			remove_space(space);
		else
			done &= update_space(space);
	}
	return done;
}

/* The lock is given up between buckets: somebody may wait to go back to user mode. */
static void work_pass(struct work_struct *work)
{
	bool done = true;
	size_t i;

	mutex_lock(&writers);
	nr_new = 0;
	add_asked();
	for (i = 0; i < ARRAY_SIZE(spaces); i++) {
		done &= update_bucket(&spaces[i]);
		mutex_unlock(&writers);
		cond_resched();
		mutex_lock(&writers);
	}
	if (active)
		queue_delayed_work(system_highpri_wq, &pass, done ? SWEEP_PERIOD : 1);
	mutex_unlock(&writers);
	tickprof_store_reap_files();
}

static void set_active(bool is)
{
	mutex_lock(&writers);
	WRITE_ONCE(active, is);
	mutex_unlock(&writers);
}

void tickprof_space_get(void)
{
	mutex_lock(&users_lock);
	if (!users++) {
		set_active(true);
		queue_delayed_work(system_highpri_wq, &pass, SWEEP_PERIOD);
	}
	mutex_unlock(&users_lock);
}

static void stop_work(void)
{
	irq_work_sync(&kick);
	cancel_delayed_work_sync(&pass);
}

/*
 * The last one forgets all spaces. No session that asks in its ticks runs any
 * more; after the grace period neither does a hook that saw "active". Who reads
 * his own space from here on finds that nobody wants it.
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
	set_active(false);
	synchronize_rcu();
	stop_work();
	mutex_lock(&writers);
	add_asked();
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		hlist_for_each_entry_safe(space, next, &spaces[i], hash)
			remove_space(space);
	mutex_unlock(&writers);
	rcu_barrier();
	tickprof_store_reap_files();
	mutex_unlock(&users_lock);
}

u64 tickprof_space_memory(void)
{
	return READ_ONCE(spaces_memory);
}

void __init tickprof_space_init(void)
{
	init_irq_work(&kick, kick_pass);
}

/* Unloading, after tickprof_later_exit(): someone may have kicked after the last put. */
void tickprof_space_exit(void)
{
	stop_work();
}
