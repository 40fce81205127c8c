/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hot path knows of a session: its configuration, its targets and, a
 * CPU, one sampler with timer, ring and caches. A stream is on the list of
 * running ones from START to STOP; probes walk that list under RCU.
 */
#ifndef TICKPROF_KMOD_STREAM_H
#define TICKPROF_KMOD_STREAM_H

#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/wait.h>

#include "ring.h"
#include "target.h"

#define TICKPROF_STACK_SLOTS	1024	/* powers of two */
#define TICKPROF_TASK_SLOTS	256

struct tickprof_blocked_cache;
struct tickprof_context_cache;
struct tickprof_contexts;
struct tickprof_held_pool;
struct tickprof_rule_cache;
struct tickprof_waiters;

struct tickprof_config {
	u32 rate;		/* Hz */
	u32 flags;		/* TICKPROF_F_* */
	u32 ring_size;
	u32 watermark;
	u32 depth;
	u32 throttle;		/* permille */
	u32 throttle_share;	/* the same in 1/1024 */
	u32 wait_min;		/* ns */
	u32 wait_tasks;
	u32 contexts;
	u64 period;		/* ns */
	bool sleep_idle;	/* do not re-arm on an idle CPU */
};

/*
 * Owned by its CPU with interrupts off. Counters are read from elsewhere
 * without a lock: 64-bit, single writer, so a reader is at most behind.
 */
struct tickprof_sampler {
	struct hrtimer timer;
	struct tickprof_stream *stream;
	const struct tickprof_config *config;
	u32 cpu;
	u32 random;		/* xorshift state, never 0 */
	u32 missed;		/* ticks missed since the last sample */
	bool idle_stopped;	/* the timer sleeps until this CPU leaves idle */
	bool halted;		/* and is not to be woken: stopped, or the CPU goes */
	s64 credit;		/* cycles the sampler may still take */
	u64 credited;		/* cycle counter when credit was last added to */
	struct tickprof_ring ring;
	struct irq_work wake;
	struct tickprof_rule_cache *rules;	/* F_TABLES only */
	struct tickprof_blocked_cache *blocked;	/* F_WAITS only */
	struct tickprof_context_cache *context;	/* F_CONTEXT only */
	u64 counter[TICKPROF_COUNTER_MAX + 1];
	/* Position + 1 of a STACK or TASK that the ring may still hold; 0: none. */
	u64 stack_slot[TICKPROF_STACK_SLOTS];
	u64 task_slot[TICKPROF_TASK_SLOTS];
	struct tickprof_stack stack;	/* scratch, "depth" frames follow: keep last */
};

struct tickprof_stream {
	struct list_head running;	/* RCU, in tickprof_streams */
	struct list_head waiting;	/* likewise in tickprof_waiting, if F_WAITS */
	struct tickprof_config config;
	struct tickprof_targets targets;
	struct tickprof_sampler **sampler;	/* by CPU number, nr_cpu_ids of them */
	struct tickprof_waiters *waiters;	/* F_WAITS only */
	struct tickprof_contexts *contexts;	/* F_CONTEXT only */
	struct tickprof_held_pool *held;	/* while timers run */
	wait_queue_head_t wait;
};

/* Streams between START and STOP: changed under the session lock, read under RCU. */
extern struct list_head tickprof_streams;
extern struct list_head tickprof_waiting;	/* those of them that want waits */

/* Races with those who read counters elsewhere, as it may; KCSAN is told. */
static inline void tickprof_add(struct tickprof_sampler *s, enum tickprof_counter c, u64 n)
{
	data_race(s->counter[c] += n);
}

static inline void tickprof_count(struct tickprof_sampler *s, enum tickprof_counter c)
{
	tickprof_add(s, c, 1);
}

/* Count a record that found no room. counter: its cause if the ring was merely full. */
static inline void tickprof_lose(struct tickprof_sampler *s, enum tickprof_ring_kind kind,
				 enum tickprof_counter counter)
{
	tickprof_ring_lose(&s->ring, kind);
	tickprof_count(s, s->ring.bad_tail ? TICKPROF_COUNTER_BAD_TAIL : counter);
}

#endif
