/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_CONTEXT_H
#define TICKPROF_KMOD_CONTEXT_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct task_struct;
struct tickprof_context_place;
struct tickprof_sampler;
struct tickprof_stream;

#define TICKPROF_CONTEXT_SLOTS	256	/* a power of two */

/* A CONTEXT record of any size. */
struct tickprof_context_record {
	struct tickprof_thread_context context;
	u8 attrs[TICKPROF_CONTEXT_KEPT_MAX];
};

/* One a CPU and session with F_CONTEXT. */
struct tickprof_context_cache {
	const struct tickprof_context_place *last;	/* found by the tick or switch before; NULL: none */
	struct tickprof_context_record record;	/* scratch, as is: */
	u64 attrs[DIV_ROUND_UP(TICKPROF_CONTEXT_ATTRS_MAX, sizeof(u64))];
	/* Position + 1 of a CONTEXT that the ring may still hold; 0: none. */
	u64 slot[TICKPROF_CONTEXT_SLOTS];
};

bool tickprof_context_sample(struct tickprof_sampler *s, u64 *position, u16 *flags);
bool tickprof_context_take(struct tickprof_sampler *s, struct tickprof_context_record *to);
bool tickprof_context_take_waker(const struct tickprof_stream *stream,
				 struct tickprof_thread_context *to);
bool tickprof_context_put(struct tickprof_sampler *s, const struct tickprof_thread_context *context,
			  u64 *position);
void tickprof_context_fork(struct task_struct *child);

#endif
