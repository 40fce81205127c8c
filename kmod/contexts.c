// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where processes keep the context of their threads, as the tool has told: a table
 * of fixed size a session, by address space, so that exec forgets by itself and
 * the threads of a process have one entry.
 *
 * Context: find under RCU, hard irq; copy from the fork tracepoint, preemption off,
 * allocates nothing; the rest process context, one at a time ("writers").
 * An entry's mm_struct is held, but never its memory, so that no other one takes
 * its address. Who is gone is looked for once a second, and when the table is full.
 * A place is given to another process after a grace period.
 * Memory: about 100 bytes a process, and the mm_struct of those that ended within
 * the last second.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "contexts.h"

static u32 bits_for(u32 capacity)
{
	return max(1, ilog2(roundup_pow_of_two(capacity)));
}

size_t tickprof_contexts_memory(u32 capacity)
{
	return sizeof(struct tickprof_contexts) +
	       (sizeof(struct hlist_head) << bits_for(capacity)) +
	       capacity * sizeof(struct tickprof_context_place);
}

/* NULL: no memory. */
struct tickprof_contexts *tickprof_contexts_create(u32 capacity)
{
	struct tickprof_contexts *t = kzalloc(sizeof(*t), GFP_KERNEL);
	u32 i;

	if (!t)
		return NULL;
	raw_spin_lock_init(&t->lock);
	mutex_init(&t->writers);
	t->bits = bits_for(capacity);
	t->capacity = capacity;
	t->bucket = kvcalloc(1U << t->bits, sizeof(*t->bucket), GFP_KERNEL);
	t->place = kvcalloc(capacity, sizeof(*t->place), GFP_KERNEL);
	if (!t->bucket || !t->place) {
		kvfree(t->bucket);
		kvfree(t->place);
		kfree(t);
		return NULL;
	}
	for (i = 0; i < capacity; i++)
		hlist_add_head(&t->place[i].node, &t->free);
	return t;
}

/* No tick and no probe knows it any more. Takes NULL, too. */
void tickprof_contexts_destroy(struct tickprof_contexts *t)
{
	u32 i;

	if (!t)
		return;
	for (i = 0; i < t->capacity; i++)
		if (t->place[i].mm)
			mmdrop(t->place[i].mm);
	kvfree(t->bucket);
	kvfree(t->place);
	kfree(t);
}

/* Lock held. False: no place is free. The caller's mm is held once more. */
static bool add_place(struct tickprof_contexts *t, struct mm_struct *mm,
		      const struct tickprof_context_location *location)
{
	struct tickprof_context_place *place;

	if (hlist_empty(&t->free))
		return false;
	place = hlist_entry(t->free.first, struct tickprof_context_place, node);
	hlist_del(&place->node);
	mmgrab(mm);
	place->location = *location;
	/* Pairs with the acquire in tickprof_contexts_is(). */
	smp_store_release(&place->mm, mm);
	hlist_add_head_rcu(&place->node, &t->bucket[hash_ptr(mm, t->bits)]);
	return true;
}

/* A place out of the table and behind a grace period. "writers" held. */
static void free_place(struct tickprof_contexts *t, struct tickprof_context_place *place)
{
	struct mm_struct *mm = place->mm;
	unsigned long irq;

	/* First, since somebody else may have the mm_struct's memory next. */
	WRITE_ONCE(place->mm, NULL);
	mmdrop(mm);
	raw_spin_lock_irqsave(&t->lock, irq);
	hlist_add_head(&place->node, &t->free);
	raw_spin_unlock_irqrestore(&t->lock, irq);
}

/* The first in this bucket whose memory is gone, taken out; NULL: none. */
static struct tickprof_context_place *take_dead(struct tickprof_contexts *t, u32 bucket)
{
	struct tickprof_context_place *place, *found = NULL;
	unsigned long irq;

	raw_spin_lock_irqsave(&t->lock, irq);
	hlist_for_each_entry(place, &t->bucket[bucket], node) {
		if (atomic_read(&place->mm->mm_users))
			continue;
		hlist_del_rcu(&place->node);
		found = place;
		break;
	}
	raw_spin_unlock_irqrestore(&t->lock, irq);
	return found;
}

#define SWEEP_BATCH	32	/* places a grace period */

/* "writers" held. */
static void sweep(struct tickprof_contexts *t)
{
	struct tickprof_context_place *dead[SWEEP_BATCH];
	u32 bucket = 0, nr, i;

	do {
		for (nr = 0; nr < SWEEP_BATCH && bucket < 1U << t->bits;) {
			dead[nr] = take_dead(t, bucket);
			if (dead[nr])
				nr++;
			else
				bucket++;
		}
		if (nr)
			synchronize_rcu();
		for (i = 0; i < nr; i++)
			free_place(t, dead[i]);
		cond_resched();
	} while (nr);
}

void tickprof_contexts_sweep(struct tickprof_contexts *t)
{
	mutex_lock(&t->writers);
	sweep(t);
	mutex_unlock(&t->writers);
}

/* "writers" held. Takes out what was known of mm. False: no place was free. */
static bool replace(struct tickprof_contexts *t, struct mm_struct *mm,
		    const struct tickprof_context_location *location)
{
	struct tickprof_context_place *old;
	unsigned long irq;
	bool added;

	raw_spin_lock_irqsave(&t->lock, irq);
	old = tickprof_contexts_find(t, mm);
	added = add_place(t, mm, location);
	/* Without a free place its own becomes one. */
	if (old)
		hlist_del_rcu(&old->node);
	raw_spin_unlock_irqrestore(&t->lock, irq);
	if (old) {
		synchronize_rcu();
		free_place(t, old);
	}
	return added;
}

/* "writers" held. False: the table is full of processes that live. */
static bool set(struct tickprof_contexts *t, struct mm_struct *mm,
		const struct tickprof_context_location *location)
{
	const struct tickprof_context_place *old;
	bool same;

	rcu_read_lock();
	old = tickprof_contexts_find(t, mm);
	same = old && !memcmp(&old->location, location, sizeof(*location));
	rcu_read_unlock();
	if (same || replace(t, mm, location))
		return true;
	sweep(t);
	return replace(t, mm, location);
}

/*
 * The memory of this very image, to be given back with mmput(); NULL: it is gone. While
 * a program execs it has new memory under the old exec_id until the loader, later,
 * sets start_code.
 */
static struct mm_struct *get_image(const struct tickprof_context_image *image)
{
	struct task_struct *leader, *thread;
	struct mm_struct *mm = NULL;

	rcu_read_lock();
	leader = pid_task(find_pid_ns(image->pid, &init_pid_ns), PIDTYPE_TGID);
	if (leader && leader->start_boottime == image->start_time)
		/* Not for_each_thread(): for lockdep it names a lock that modules may not. */
		list_for_each_entry_rcu(thread, &leader->signal->thread_head, thread_node) {
			mm = get_task_mm(thread);
			if (!mm)
				continue;	/* the leader may have ended before the others */
			if (thread->self_exec_id != image->exec_id || !READ_ONCE(mm->start_code)) {
				mmput_async(mm);
				mm = NULL;
			}
			break;
		}
	rcu_read_unlock();
	return mm;
}

/* 0; -ESRCH: the image is gone; -ENOSPC: too many processes. */
int tickprof_contexts_set(struct tickprof_contexts *t, const struct tickprof_context_image *image,
			  const struct tickprof_context_location *location,
			  struct netlink_ext_ack *extack)
{
	struct mm_struct *mm = get_image(image);
	bool done;

	if (!mm) {
		NL_SET_ERR_MSG(extack, "no such process, or it runs another program by now");
		return -ESRCH;
	}
	mutex_lock(&t->writers);
	done = set(t, mm, location);
	mutex_unlock(&t->writers);
	mmput(mm);
	if (done)
		return 0;
	NL_SET_ERR_MSG(extack, "more processes than A_CONTEXTS allows: ask for more");
	return -ENOSPC;
}

/* A child has what its parent has. Preemption off; "to" has no thread that runs. */
void tickprof_contexts_copy(struct tickprof_contexts *t, struct mm_struct *from,
			    struct mm_struct *to)
{
	const struct tickprof_context_place *place;
	unsigned long irq;

	raw_spin_lock_irqsave(&t->lock, irq);
	place = tickprof_contexts_find(t, from);
	if (place && !tickprof_contexts_find(t, to))
		add_place(t, to, &place->location);
	raw_spin_unlock_irqrestore(&t->lock, irq);
}
