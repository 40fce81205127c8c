// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces read by the very task that has just execed, mapped code or been
 * forked, before it goes (back) to user mode: the first instruction of a program
 * is walked by table already.
 *
 * Context: tickprof_space_later() comes from the mmap hook and the fork probe,
 * perhaps with preemption off: it allocates nothing and takes no lock. The rest is
 * task work (later.c): process context, no lock held.
 * Memory: SLOTS of 24 bytes. A task has one at most, however much it maps on its
 * way; one that finds none leaves the work to the worker of space.c.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "later.h"
#include "space.h"

#define SLOT_BITS	9
#define SLOTS		(1 << SLOT_BITS)
#define TRIES		8

static struct later {
	struct callback_head work;
	struct task_struct *task;	/* only compared; NULL: free */
} slots[SLOTS];

static struct later *slot_of(const struct task_struct *task, unsigned int try)
{
	return &slots[(hash_ptr(task, SLOT_BITS) + try) & (SLOTS - 1)];
}

/* Its own, or that of a child which does not yet run: nobody else sets or clears it. */
static bool is_waiting(const struct task_struct *task)
{
	unsigned int try;

	for (try = 0; try < TRIES; try++)
		if (READ_ONCE(slot_of(task, try)->task) == task)
			return true;
	return false;
}

static struct later *take_slot(struct task_struct *task)
{
	struct later *later;
	unsigned int try;

	for (try = 0; try < TRIES; try++) {
		later = slot_of(task, try);
		if (!READ_ONCE(later->task) && !cmpxchg(&later->task, NULL, task))
			return later;
	}
	return NULL;
}

static void give_back(struct later *later)
{
	smp_store_release(&later->task, NULL);	/* pairs with cmpxchg() in take_slot() */
}

static void read_own(struct callback_head *work)
{
	struct mm_struct *mm = current->mm;

	/* Who ends has none any more, but may leave one to other threads. */
	if (!mm || mmap_read_lock_killable(mm)) {
		tickprof_space_kick();
	} else {
		tickprof_space_read(mm);
		mmap_read_unlock(mm);
	}
	give_back(container_of(work, struct later, work));
	tickprof_later_done();
}

/*
 * task: the current one, or its new child. True: its address space will be read
 * before it runs in user mode.
 */
bool tickprof_space_later(struct task_struct *task)
{
	struct later *later;

	if (is_waiting(task))
		return true;
	later = take_slot(task);
	if (!later)
		return false;
	if (tickprof_later_add(task, &later->work, read_own))
		return true;
	give_back(later);
	return false;
}
