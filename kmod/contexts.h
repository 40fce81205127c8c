/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_CONTEXTS_H
#define TICKPROF_KMOD_CONTEXTS_H

#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/tickprof.h>

struct mm_struct;
struct netlink_ext_ack;

/* Where the threads of a process keep their context; drawn in the UAPI header. */
struct tickprof_context_location {
	u32 kind;		/* enum tickprof_context_kind */
	u32 module;
	s64 offset;
	s32 vector_at;
	s32 count_at;
	u32 stride;
	bool any_key;
	u8 keys[TICKPROF_CONTEXT_KEYS];
};

/* The program image that it is for. */
struct tickprof_context_image {
	u32 pid;
	u64 start_time;
	u64 exec_id;
};

struct tickprof_context_place {
	struct hlist_node node;		/* by mm under RCU, or free */
	struct mm_struct *mm;		/* mmgrab()ed; NULL: free */
	struct tickprof_context_location location;
};

/* The processes of one session whose location is known. */
struct tickprof_contexts {
	raw_spinlock_t lock;		/* guards buckets and the free places */
	struct mutex writers;		/* process context: one at a time */
	u32 bits;
	struct hlist_head free;
	struct hlist_head *bucket;
	struct tickprof_context_place *place;
	u32 capacity;
};

struct tickprof_contexts *tickprof_contexts_create(u32 capacity);
void tickprof_contexts_destroy(struct tickprof_contexts *t);
size_t tickprof_contexts_memory(u32 capacity);
int tickprof_contexts_set(struct tickprof_contexts *t, const struct tickprof_context_image *image,
			  const struct tickprof_context_location *location,
			  struct netlink_ext_ack *extack);
void tickprof_contexts_copy(struct tickprof_contexts *t, struct mm_struct *from,
			    struct mm_struct *to);
void tickprof_contexts_sweep(struct tickprof_contexts *t);

/* Under RCU or with interrupts off, or with the lock. NULL: not known. */
static inline struct tickprof_context_place *
tickprof_contexts_find(const struct tickprof_contexts *t, const struct mm_struct *mm)
{
	struct tickprof_context_place *place;

	hlist_for_each_entry_rcu(place, &t->bucket[hash_ptr(mm, t->bits)], node,
				 lockdep_is_held(&t->lock) || rcu_read_lock_sched_held())
		if (place->mm == mm)
			return place;
	return NULL;
}

/*
 * Is this place, which was once found, still that of mm? Then its location may be
 * read. Under RCU or with interrupts off. A place is free for a grace period before
 * it is another one's, and never leaves memory before the table does.
 */
static inline bool tickprof_contexts_is(const struct tickprof_context_place *place,
					const struct mm_struct *mm)
{
	/* Pairs with the release in add_place(). */
	return smp_load_acquire(&place->mm) == mm;
}

#endif
