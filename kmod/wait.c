// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits, exactly: from a thread's switch out, over its waking, to its switch in.
 *
 * At the switch out the user stack is walked, or recognised as that of the last
 * wait (unwind_known.c), since only then is its memory the current one; it is kept
 * with the thread. At the switch in the kernel stack is walked, which has not
 * changed meanwhile, and one record is written into the ring of the CPU that the
 * thread runs on again. Short waits have no record: they cost the walk of the user
 * stack alone.
 *
 * Context: sched_switch, under the run-queue lock, and sched_waking, under the
 * thread's pi_lock, interrupts off, or, where a thread wakes itself, with preemption
 * off only: no allocation, no lock but the table's innermost one, no waking
 * (irq_work). Start and stop are process context.
 * Events of one thread follow each other: its switch in comes after the waking,
 * and after the switch out on the other CPU, which the scheduler orders by
 * on_cpu and the run-queue lock. A waking may come while the thread still is on
 * its way out; then it was runnable all along.
 * Bounds: two walks a switch; a session knows A_WAIT_TASKS threads at once.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>
#include <asm/syscall.h>

#include "compat/task_state.h"
#include "context.h"
#include "stack.h"
#include "stream.h"
#include "task.h"
#include "unwind.h"
#include "wait.h"
#include "waiters.h"

/* The state that the scheduler acts on; TASK_RUNNING: it only lost its CPU. */
static u8 state_of(const struct task_struct *prev, bool preempt, unsigned int state)
{
	/* With a signal pending a thread that wants to sleep stays runnable. */
	if (preempt || !state || !tickprof_task_state(prev))
		return TICKPROF_WAIT_PREEMPTED;
	if (TASK_RTLOCK_WAIT && state & TASK_RTLOCK_WAIT)
		return TICKPROF_WAIT_LOCK;
	if (state & __TASK_TRACED)
		return TICKPROF_WAIT_TRACED;
	if (state & __TASK_STOPPED)
		return TICKPROF_WAIT_STOPPED;
	if (state & TASK_PARKED)
		return TICKPROF_WAIT_PARKED;
	if ((state & TASK_IDLE) == TASK_IDLE)
		return TICKPROF_WAIT_IDLE;
	if (state & TASK_UNINTERRUPTIBLE)
		return TICKPROF_WAIT_DISK;
	return TICKPROF_WAIT_SLEEPING;
}

static u16 flags_of(struct task_struct *prev, u8 state)
{
	u16 flags = prev->in_iowait ? TICKPROF_WAIT_IO : 0;
	struct pt_regs *regs;

	if (state == TICKPROF_WAIT_PREEMPTED || prev->flags & PF_KTHREAD || !prev->mm)
		return flags;
	regs = task_pt_regs(prev);
	if (user_mode(regs) && syscall_get_nr(prev, regs) == -1)
		flags |= TICKPROF_WAIT_FAULT;
	return flags;
}

/*
 * A thread that this session has not seen before. since: when what it is about
 * to end began, running or waiting, as far as the session can know: a place
 * among the targets, or in the table, may have come later than the start.
 */
static struct tickprof_waiter *first_sight(struct tickprof_sampler *s, struct task_struct *task,
					   u64 now, bool *born)
{
	struct tickprof_waiters *t = s->stream->waiters;
	bool certain = !READ_ONCE(t->refused) &&
		       !(tickprof_target_kinds(&s->stream->targets) & TICKPROF_TARGET_LISTS);
	struct tickprof_waiter *w;

	if (task->flags & PF_EXITING)
		return NULL;
	*born = certain && task->start_time > READ_ONCE(t->from);
	w = tickprof_waiters_add(t, task, *born ? task->start_time : certain ? READ_ONCE(t->from) : now,
				 TICKPROF_WAIT_RUNNING);
	if (!w)
		tickprof_count(s, TICKPROF_COUNTER_UNKNOWN_WAITS);
	return w;
}

/* The user stack of current goes with it. */
static void keep_stack(struct tickprof_sampler *s, struct tickprof_waiter *w)
{
	w->has_stack = s->config->flags & TICKPROF_F_USTACK &&
		       tickprof_stack_take_blocking(s, w->known, &w->stack, &w->hash, &w->flags);
}

static void leave(struct tickprof_sampler *s, struct task_struct *prev, bool preempt,
		  unsigned int state, u64 now)
{
	struct tickprof_waiter *w = tickprof_waiters_find(s->stream->waiters, prev);
	bool born;

	if (!w)
		w = first_sight(s, prev, now, &born);
	if (!w)
		return;
	w->ran += now - w->since;
	w->since = now;
	w->waits = true;
	w->tid = prev->pid;
	w->cpu = s->cpu;
	w->state = state_of(prev, preempt, state);
	w->flags = flags_of(prev, w->state);
	keep_stack(s, w);
	w->has_context = s->context && tickprof_context_take(s, w->context);
}

static void put_stacks(struct tickprof_sampler *s, struct tickprof_waiter *w,
		       struct task_struct *blocked, u64 at[2], bool has[2], u16 *flags)
{
	u64 hash;

	has[0] = has[1] = false;
	if (blocked && s->config->flags & TICKPROF_F_KSTACK &&
	    !(s->config->flags & TICKPROF_F_EXCLUDE_KERNEL)) {
		hash = tickprof_stack_take_blocked(s, blocked, &s->stack);
		has[0] = tickprof_stack_put(s, &s->stack, hash, &at[0]);
		if (!has[0])
			*flags |= TICKPROF_SAMPLE_NOSTACK;
	}
	if (w->has_stack) {
		has[1] = tickprof_stack_put_blocking(s, w->known, &w->stack, w->hash, &at[1]);
		if (!has[1])
			*flags |= TICKPROF_SAMPLE_NOSTACK;
	}
}

/* Did the wake-up that is known end this wait? */
static bool was_woken(const struct tickprof_waiter *w)
{
	return w->state != TICKPROF_WAIT_PREEMPTED && w->woken;
}

/* The waiter's, and its waker's. */
static void put_contexts(struct tickprof_sampler *s, struct tickprof_waiter *w, u64 at[2],
			 bool has[2], u16 *flags)
{
	const bool waker = w->waker_in_span && was_woken(w);

	has[0] = w->has_context && tickprof_context_put(s, &w->context->context, &at[0]);
	has[1] = waker && tickprof_context_put(s, &w->waker_context, &at[1]);
	if (has[0] != w->has_context || has[1] != waker)
		*flags |= TICKPROF_SAMPLE_NOSTACK;
}

static void put_waker(struct tickprof_wait *record, struct tickprof_waiter *w)
{
	if (!was_woken(w))
		return;
	record->waker_pid = w->waker_pid;
	record->waker_tid = w->waker_tid;
	memcpy(record->waker_comm, w->waker_comm, TICKPROF_COMM_LEN);
	if (w->waker_irq)
		record->hdr.flags |= TICKPROF_WAIT_IRQ;
}

/*
 * One record into the sampler's ring: the wait of these lengths, with stacks if
 * "blocked" is the thread, which does not run. False: it found no room, which
 * is counted, and the sums stay for the next one. RCU read lock held.
 */
static bool write_wait(struct tickprof_sampler *s, struct tickprof_waiter *w,
		       struct task_struct *task, struct task_struct *blocked,
		       u64 now, const u64 length[2])
{
	u64 before = s->ring.head, at_task, at_stack[2], at_context[2], at;
	struct tickprof_wait *record = NULL;
	bool has[2], in_span[2];

	if (unlikely(s->ring.any_lost))
		tickprof_ring_write_lost(&s->ring, now);
	if (tickprof_task_put(s, task, &at_task)) {
		put_stacks(s, w, blocked, at_stack, has, &w->flags);
		put_contexts(s, w, at_context, in_span, &w->flags);
		record = tickprof_ring_reserve(&s->ring, sizeof(*record));
	}
	if (record) {
		at = tickprof_ring_position(&s->ring, sizeof(*record));
		*record = (struct tickprof_wait){
			.hdr = {
				.type = TICKPROF_RECORD_WAIT,
				.flags = w->flags,
				.size = sizeof(*record),
			},
			.time = now,
			.blocked = length[0],
			.queued = length[1],
			.ran = w->ran,
			.short_blocked = w->short_blocked,
			.short_queued = w->short_queued,
			.short_nr = w->short_nr,
			.state = w->state,
			.task = at - at_task,
			.kstack = has[0] ? at - at_stack[0] : 0,
			.ustack = has[1] ? at - at_stack[1] : 0,
			.context = in_span[0] ? at - at_context[0] : 0,
			.waker_context = in_span[1] ? at - at_context[1] : 0,
		};
		put_waker(record, w);
		w->ran = w->short_blocked = w->short_queued = w->short_nr = 0;
		tickprof_count(s, TICKPROF_COUNTER_WAITS);
	} else {
		tickprof_lose(s, TICKPROF_RING_SAMPLE, TICKPROF_COUNTER_LOST_WAITS);
	}
	tickprof_add(s, TICKPROF_COUNTER_BYTES, s->ring.head - before);
	return record;
}

/*
 * length: blocked and queued. A waking that came before the wait did so on the
 * thread's way out, if the thread runs again; else it was that of another wait.
 */
static void measure(const struct tickprof_waiter *w, u64 now, bool open, u64 length[2])
{
	u64 runnable = w->since;

	if (w->state == TICKPROF_WAIT_BEFORE || (open && w->woken < w->since))
		runnable = w->state == TICKPROF_WAIT_PREEMPTED ? w->since : now;
	else if (w->state != TICKPROF_WAIT_PREEMPTED && w->state != TICKPROF_WAIT_NEW)
		runnable = clamp(READ_ONCE(w->woken), w->since, now);
	length[0] = runnable - w->since;
	length[1] = now - runnable;
}

static void add_short(struct tickprof_waiter *w, const u64 length[2])
{
	w->short_blocked += length[0];
	w->short_queued += length[1];
	w->short_nr++;
}

static void enter(struct tickprof_sampler *s, struct task_struct *next, u64 now)
{
	struct tickprof_waiter *w = tickprof_waiters_find(s->stream->waiters, next);
	u64 length[2];
	bool born;

	if (!w) {
		w = first_sight(s, next, now, &born);
		if (!w)
			return;
		w->waits = now > w->since;
		w->state = born ? TICKPROF_WAIT_NEW : TICKPROF_WAIT_BEFORE;
	}
	if (unlikely(!w->waits)) {
		w->since = now;
		return;
	}
	measure(w, now, false, length);
	if (length[0] + length[1] < s->config->wait_min) {
		tickprof_count(s, TICKPROF_COUNTER_SHORT_WAITS);
		add_short(w, length);
	} else {
		if (!write_wait(s, w, next, next, now, length))
			add_short(w, length);
		if (tickprof_ring_commit(&s->ring))
			irq_work_queue(&s->wake);
	}
	w->since = now;
	w->waits = false;
	w->has_stack = w->has_context = false;
}

static bool is_target(const struct tickprof_stream *stream, struct task_struct *task)
{
	return !is_idle_task(task) && tickprof_target_match(&stream->targets, task);
}

/* sched_switch: run-queue lock held, interrupts off; prev is current. */
void tickprof_wait_switch(struct task_struct *prev, struct task_struct *next, bool preempt,
			  unsigned int state)
{
	struct tickprof_stream *stream;

	rcu_read_lock();	/* of what records tell of a task, lockdep expects it */
	list_for_each_entry_rcu(stream, &tickprof_waiting, waiting) {
		bool leaves, enters;
		struct tickprof_sampler *s;
		u64 now, cycles;

		leaves = is_target(stream, prev);
		enters = is_target(stream, next);
		if (!leaves && !enters)
			continue;
		cycles = get_cycles();
		now = ktime_get_mono_fast_ns();
		s = stream->sampler[smp_processor_id()];
		if (leaves)
			leave(s, prev, preempt, state, now);
		if (enters)
			enter(s, next, now);
		tickprof_add(s, TICKPROF_COUNTER_WAIT_CYCLES, get_cycles() - cycles);
	}
	rcu_read_unlock();
}

/* sched_waking: preemption off, which is a read side of RCU; current wakes it. */
void tickprof_wait_waking(struct task_struct *task)
{
	struct tickprof_stream *stream;
	struct tickprof_waiter *w;

	list_for_each_entry_rcu(stream, &tickprof_waiting, waiting, rcu_read_lock_sched_held()) {
		if (!tickprof_target_match_task(&stream->targets, task))
			continue;
		w = tickprof_waiters_find(stream->waiters, task);
		if (!w)
			continue;
		WRITE_ONCE(w->woken, ktime_get_mono_fast_ns());
		w->waker_pid = current->tgid;
		w->waker_tid = current->pid;
		w->waker_irq = hardirq_count() || in_serving_softirq();
		memcpy(w->waker_comm, current->comm, TICKPROF_COMM_LEN);
		w->waker_in_span = stream->contexts && !w->waker_irq &&
				   tickprof_context_take_waker(stream, &w->waker_context);
	}
}

/* The last of a thread, while it runs; what it does until it is gone has no waits. */
void tickprof_wait_exit(struct task_struct *task)
{
	static const u64 none[2];
	struct tickprof_stream *stream;
	struct tickprof_waiter *w;
	struct tickprof_sampler *s;
	unsigned long irq;
	u64 now;

	local_irq_save(irq);
	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_waiting, waiting) {
		w = tickprof_waiters_find(stream->waiters, task);
		if (!w)
			continue;
		now = ktime_get_mono_fast_ns();
		s = stream->sampler[smp_processor_id()];
		w->ran += now - w->since;
		w->state = TICKPROF_WAIT_RUNNING;
		w->flags = TICKPROF_WAIT_END;
		w->has_stack = w->has_context = false;
		w->woken = 0;
		write_wait(s, w, task, NULL, now, none);
		if (tickprof_ring_commit(&s->ring))
			irq_work_queue(&s->wake);
		tickprof_waiters_remove(stream->waiters, w);
	}
	rcu_read_unlock();
	local_irq_restore(irq);
}

void tickprof_wait_start(struct tickprof_stream *stream)
{
	if (stream->waiters)
		tickprof_waiters_reset(stream->waiters, ktime_get_mono_fast_ns());
}

/* Threads that become targets now are known from now on. */
void tickprof_wait_retarget(struct tickprof_stream *stream)
{
	if (stream->waiters)
		WRITE_ONCE(stream->waiters->from, ktime_get_mono_fast_ns());
}

/* Of a wait as old as the session: the state that the thread is in now, unless it just left it. */
static void tell_state(struct tickprof_waiter *w, const struct task_struct *task)
{
	u8 state = state_of(task, false, tickprof_task_state(task));

	w->state = state == TICKPROF_WAIT_PREEMPTED ? w->state : state;
	w->flags = task->in_iowait ? TICKPROF_WAIT_IO : 0;
}

/* What a thread that has not ended does when the session stops. RCU read lock held. */
static void write_open(struct tickprof_sampler *s, struct tickprof_waiter *w,
		       struct task_struct *task, u64 now)
{
	u64 length[2] = { 0 };

	if (w->waits) {
		measure(w, now, true, length);
		if (w->woken < w->since)
			w->woken = 0;
		if (w->state == TICKPROF_WAIT_BEFORE)
			tell_state(w, task);
	} else {
		w->ran += now - w->since;
		w->state = TICKPROF_WAIT_RUNNING;
		w->flags = 0;
		w->woken = 0;
	}
	w->flags |= TICKPROF_WAIT_OPEN;
	write_wait(s, w, task, NULL, now, length);
}

/*
 * Neither probe nor tick writes to the stream's rings any more: this does, as
 * their only writer. A blocked thread may go on any time, so its kernel stack
 * is not walked.
 */
void tickprof_wait_stop(struct tickprof_stream *stream)
{
	struct tickprof_waiters *t = stream->waiters;
	struct task_struct *task;
	struct tickprof_sampler *s;
	struct tickprof_waiter *w;
	u64 now = ktime_get_mono_fast_ns();
	u32 i;

	for (i = 0; t && i < t->capacity; i++) {
		w = tickprof_waiters_at(t, i);
		if (!w->task)
			continue;
		s = stream->sampler[w->cpu];
		rcu_read_lock();
		task = pid_task(find_pid_ns(w->tid, &init_pid_ns), PIDTYPE_PID);
		if (task == w->task)
			write_open(s, w, task, now);
		else
			tickprof_lose(s, TICKPROF_RING_SAMPLE, TICKPROF_COUNTER_LOST_WAITS);
		rcu_read_unlock();
		if (tickprof_ring_commit(&s->ring))
			wake_up_interruptible(&stream->wait);
		cond_resched();
	}
}
