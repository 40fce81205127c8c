/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_WAITERS_H
#define TICKPROF_KMOD_WAITERS_H

#include <linux/hash.h>
#include <linux/spinlock.h>
#include <linux/tickprof.h>

#include "context.h"

struct task_struct;
struct tickprof_config;

/*
 * A thread whose waits are written. Changed by the scheduler's own events of
 * this thread alone, which never run side by side, but for the waker's part.
 */
struct tickprof_waiter {
	struct task_struct *task;	/* a name, not a reference; NULL: free */
	u32 tid;
	u32 cpu;		/* whose sampler saw it last */
	u64 since;		/* ns: when it began to run, or to wait */
	u64 ran;		/* ns, not told yet; likewise: */
	u64 short_blocked;
	u64 short_queued;
	u32 short_nr;
	bool waits;		/* else it runs */
	u8 state;		/* enum tickprof_wait_state */
	u16 flags;		/* of the record to come */
	/* The waker's part, under the thread's pi_lock. */
	u64 woken;		/* ns; 0: never */
	u32 waker_pid;
	u32 waker_tid;
	bool waker_irq;
	char waker_comm[TICKPROF_COMM_LEN];
	bool waker_in_span;
	struct tickprof_thread_context waker_context;
	/* The span that it waits in, if any. */
	bool has_context;
	struct tickprof_context_record *context;	/* behind the frames; NULL: none is wanted */
	/* The user stack that it waits with, if any, or the last one of a wait; its frames follow. */
	bool has_stack;
	struct tickprof_known *known;	/* behind the context; NULL: there are no tables */
	u64 hash;
	struct tickprof_stack stack;	/* keep last */
};

#define TICKPROF_WAITER_WAYS	8	/* places of a hash value */

struct tickprof_waiter_place {
	struct task_struct *task;	/* NULL: free */
	u32 index;
};

struct tickprof_waiters {
	raw_spinlock_t lock;		/* guards coming and going */
	u32 capacity;
	u32 bits;			/* log2 of the number of hash values */
	u32 stride;			/* bytes a waiter */
	u32 context_at;			/* bytes from a waiter to its context; 0: it has none */
	u32 known_at;			/* likewise to what is known of its stack */
	u32 nr_free;
	bool refused;			/* some thread found no place since the reset */
	u64 from;			/* ns: no waiter was known before */
	struct tickprof_waiter_place *place;
	u32 *free;			/* a stack of indices */
	u8 *waiter;
};

struct tickprof_waiters *tickprof_waiters_create(const struct tickprof_config *config);
void tickprof_waiters_destroy(struct tickprof_waiters *t);
size_t tickprof_waiters_memory(const struct tickprof_config *config);
void tickprof_waiters_reset(struct tickprof_waiters *t, u64 from);
struct tickprof_waiter *tickprof_waiters_add(struct tickprof_waiters *t, struct task_struct *task,
					     u64 since, u8 state);
void tickprof_waiters_remove(struct tickprof_waiters *t, struct tickprof_waiter *w);

static inline struct tickprof_waiter *tickprof_waiters_at(const struct tickprof_waiters *t,
							  u32 index)
{
	return (void *)(t->waiter + (size_t)index * t->stride);
}

static inline struct tickprof_waiter_place *
tickprof_waiters_places(const struct tickprof_waiters *t, const struct task_struct *task)
{
	return t->place + (size_t)hash_ptr(task, t->bits) * TICKPROF_WAITER_WAYS;
}

/* The waiter of this thread, or NULL. Interrupts off. */
static inline struct tickprof_waiter *tickprof_waiters_find(const struct tickprof_waiters *t,
							    const struct task_struct *task)
{
	const struct tickprof_waiter_place *place = tickprof_waiters_places(t, task);
	unsigned int i;

	for (i = 0; i < TICKPROF_WAITER_WAYS; i++)
		/* Pairs with the release in tickprof_waiters_add(). */
		if (smp_load_acquire(&place[i].task) == task)
			return tickprof_waiters_at(t, READ_ONCE(place[i].index));
	return NULL;
}

#endif
