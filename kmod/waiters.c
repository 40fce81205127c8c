// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads that one session knows waits of: a table of fixed size, so that
 * nothing is allocated where the scheduler calls.
 *
 * A thread is found by the address of its task_struct, which nobody else has
 * from its first switch to its exit, where it is removed. Hash values have
 * eight places each, and there are four times as many places as waiters, so
 * that the table is full before a hash value is.
 *
 * Context: find, add and remove with interrupts off, under a run-queue lock or
 * a task's pi_lock; the lock here is the innermost. Create, destroy and reset
 * are process context, while no probe knows the table.
 * A waker may have found a waiter that is removed and given to another thread
 * meanwhile: it then writes itself down as the other one's waker, which the
 * true waker does again before that counts.
 * Memory: capacity * (about 180 bytes + 8 a frame of depth + 68, 300 with F_CONTEXT, 460 with F_TABLES).
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stream.h"
#include "unwind_known.h"
#include "waiters.h"

static u32 bits_for(u32 capacity)
{
	return max(1, ilog2(roundup_pow_of_two(capacity) * 4 / TICKPROF_WAITER_WAYS));
}

static size_t nr_places(u32 capacity)
{
	return (size_t)TICKPROF_WAITER_WAYS << bits_for(capacity);
}

static u32 context_at(const struct tickprof_config *config)
{
	return sizeof(struct tickprof_waiter) + config->depth * sizeof(u64);
}

static u32 known_at(const struct tickprof_config *config)
{
	u32 context = config->flags & TICKPROF_F_CONTEXT ? sizeof(struct tickprof_context_record) : 0;

	return context_at(config) + context;
}

static u32 stride_for(const struct tickprof_config *config)
{
	u32 known = config->flags & TICKPROF_F_TABLES ? sizeof(struct tickprof_known) : 0;

	return ALIGN(known_at(config) + known, SMP_CACHE_BYTES);
}

size_t tickprof_waiters_memory(const struct tickprof_config *config)
{
	u32 capacity = config->wait_tasks;

	return sizeof(struct tickprof_waiters) +
	       nr_places(capacity) * sizeof(struct tickprof_waiter_place) +
	       capacity * (sizeof(u32) + (size_t)stride_for(config));
}

void tickprof_waiters_destroy(struct tickprof_waiters *t)
{
	if (!t)
		return;
	kvfree(t->place);
	kvfree(t->free);
	kvfree(t->waiter);
	kfree(t);
}

/* NULL: no memory. */
struct tickprof_waiters *tickprof_waiters_create(const struct tickprof_config *config)
{
	struct tickprof_waiters *t = kzalloc(sizeof(*t), GFP_KERNEL);
	u32 capacity = config->wait_tasks;

	if (!t)
		return NULL;
	raw_spin_lock_init(&t->lock);
	t->capacity = capacity;
	t->bits = bits_for(capacity);
	t->stride = stride_for(config);
	t->context_at = config->flags & TICKPROF_F_CONTEXT ? context_at(config) : 0;
	t->known_at = config->flags & TICKPROF_F_TABLES ? known_at(config) : 0;
	t->place = kvcalloc(nr_places(capacity), sizeof(*t->place), GFP_KERNEL);
	t->free = kvcalloc(capacity, sizeof(*t->free), GFP_KERNEL);
	t->waiter = kvcalloc(capacity, t->stride, GFP_KERNEL);
	if (!t->place || !t->free || !t->waiter) {
		tickprof_waiters_destroy(t);
		return NULL;
	}
	return t;
}

/* Forgets all. from: ns, the session's start. */
void tickprof_waiters_reset(struct tickprof_waiters *t, u64 from)
{
	u32 i;

	memset(t->place, 0, nr_places(t->capacity) * sizeof(*t->place));
	for (i = 0; i < t->capacity; i++) {
		tickprof_waiters_at(t, i)->task = NULL;
		t->free[i] = i;
	}
	t->nr_free = t->capacity;
	t->refused = false;
	t->from = from;
}

/* "lock" held. Places are taken from the first on, but holes come as threads end. */
static struct tickprof_waiter_place *place_for(struct tickprof_waiters *t, struct task_struct *task)
{
	struct tickprof_waiter_place *place = tickprof_waiters_places(t, task), *free = NULL;
	unsigned int i;

	for (i = 0; i < TICKPROF_WAITER_WAYS; i++) {
		if (place[i].task == task)
			return &place[i];
		if (!place[i].task && !free)
			free = &place[i];
	}
	return t->nr_free ? free : NULL;
}

/*
 * The waiter of a thread that had none a moment ago: a new one, which since then, in ns, has
 * been in this state (enum tickprof_wait_state) and of which all else is zero, or what
 * tickprof_quiet_add() has just made. NULL: none is free.
 */
struct tickprof_waiter *tickprof_waiters_add(struct tickprof_waiters *t, struct task_struct *task,
					     u64 since, u8 state)
{
	struct tickprof_waiter_place *place;
	struct tickprof_waiter *w = NULL;

	raw_spin_lock(&t->lock);
	place = place_for(t, task);
	if (!place) {
		WRITE_ONCE(t->refused, true);
	} else if (place->task) {
		w = tickprof_waiters_at(t, place->index);
	} else {
		WRITE_ONCE(place->index, t->free[--t->nr_free]);
		w = tickprof_waiters_at(t, place->index);
		memset(w, 0, sizeof(*w));
		w->task = task;
		w->tid = task->pid;
		w->cpu = task_cpu(task);
		w->since = since;
		w->state = state;
		w->waits = state != TICKPROF_WAIT_RUNNING;
		w->context = t->context_at ? (void *)w + t->context_at : NULL;
		w->known = t->known_at ? (void *)w + t->known_at : NULL;
		if (w->known)
			tickprof_unwind_forget(w->known);
		/* Pairs with the acquire in tickprof_waiters_find(). */
		smp_store_release(&place->task, task);
	}
	raw_spin_unlock(&t->lock);
	return w;
}

void tickprof_waiters_remove(struct tickprof_waiters *t, struct tickprof_waiter *w)
{
	struct tickprof_waiter_place *place = tickprof_waiters_places(t, w->task);
	unsigned int i;

	raw_spin_lock(&t->lock);
	for (i = 0; i < TICKPROF_WAITER_WAYS; i++)
		if (place[i].task == w->task)
			break;
	/* A waiter always has a place. */
	if (!WARN_ON_ONCE(i == TICKPROF_WAITER_WAYS)) {
		WRITE_ONCE(place[i].task, NULL);
		t->free[t->nr_free++] = place[i].index;
		w->task = NULL;
	}
	raw_spin_unlock(&t->lock);
}
