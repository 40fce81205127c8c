/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_HELD_H
#define TICKPROF_KMOD_HELD_H

#include <linux/atomic.h>
#include <linux/task_work.h>
#include <linux/tickprof.h>

struct pt_regs;
struct task_struct;
struct tickprof_config;
struct tickprof_context_record;
struct tickprof_held_pool;
struct tickprof_sampler;
struct tickprof_stream;

/* A sample without its record yet. The interrupted task is the one that writes it. */
struct tickprof_held {
	struct callback_head work;
	struct tickprof_held_pool *pool;
	struct tickprof_stream *stream;	/* once it is written */
	struct task_struct *task;
	struct tickprof_context_record *context;	/* NULL: in no span */
	u64 time;
	u64 ip;
	u32 cpu;
	u32 missed;
	u64 lent;			/* cycles that the rest of the walk may take */
	u64 spent;			/* those it took until it was switched out last */
	u64 since;			/* cycle counter when it was switched in, or began */
	bool walks;			/* is it under way? Set and cleared by the task */
	bool throttled;			/* it ended for want of cycles */
	struct tickprof_stack stack;	/* "depth" frames, room for the context: keep last */
};

/*
 * Around the time that a stream's timers run; process context, may sleep. 0 or
 * -ENOMEM. Streams that do not unwind by tables hold nothing.
 */
int tickprof_held_open(struct tickprof_stream *stream);
void tickprof_held_close(struct tickprof_stream *stream);

/*
 * Hard irq, in user mode at regs; the scratch stack of s ends at a page that is not
 * resident. False: not to be had, the sample is the caller's to write.
 */
bool tickprof_held_take(struct tickprof_sampler *s, const struct pt_regs *regs, u64 now);

/* Bytes that an open stream takes. */
size_t tickprof_held_memory(const struct tickprof_config *config);

/* Tasks that finish walks just now. */
extern atomic_t tickprof_held_walking;

/* sched_switch, while there are such tasks: their time goes on with them. */
void tickprof_held_switch(const struct task_struct *prev, const struct task_struct *next);

#endif
