// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process events: fork, exec, exit and renaming, so that a process which is gone
 * before the tool looks is still resolved; new mappings (mapping.c) go the same
 * way.
 *
 * Context: called from tracepoint probes and a kprobe (probe.c) in the context
 * of the task concerned; from 7.x on tracepoint probes may be preempted. Every
 * write happens with interrupts off on the CPU at hand, which makes probes and
 * tick one writer of its ring.
 */
#include <linux/cred.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "arch.h"
#include "process.h"
#include "stream.h"

/* A file that may have no unwind table yet: until it has one its frames are guessed. */
static bool is_urgent(const struct tickprof_stream *stream, const struct tickprof_record *record)
{
	return stream->config.flags & TICKPROF_F_TABLES && record->type == TICKPROF_RECORD_MMAP;
}

/* record: NULL for one that could not be made, which counts as lost. */
static void write_event(struct tickprof_stream *stream, const void *record, u32 size, u64 now)
{
	struct tickprof_sampler *s;
	unsigned long irq;
	bool urgent;
	void *to;

	local_irq_save(irq);
	s = stream->sampler[smp_processor_id()];
	if (s->ring.any_lost)
		tickprof_ring_write_lost(&s->ring, now);
	to = record ? tickprof_ring_reserve(&s->ring, size) : NULL;
	if (to) {
		memcpy(to, record, size);
		tickprof_count(s, TICKPROF_COUNTER_EVENTS);
		tickprof_add(s, TICKPROF_COUNTER_BYTES, size);
	} else {
		tickprof_lose(s, TICKPROF_RING_EVENT, TICKPROF_COUNTER_LOST_EVENTS);
	}
	urgent = to && is_urgent(stream, to);
	if (urgent)
		WRITE_ONCE(s->ring.urgent, s->ring.head);
	if (tickprof_ring_commit(&s->ring) || urgent)
		irq_work_queue(&s->wake);
	local_irq_restore(irq);
}

/* Is the task a target, as far as task targets go, of a stream with this flag? */
static bool is_wanted(const struct tickprof_stream *stream, u32 flag,
		      const struct task_struct *task)
{
	return stream->config.flags & flag && tickprof_target_match_event(&stream->targets, task);
}

/* The same of any running stream. */
static bool is_wanted_by_any(u32 flag, const struct task_struct *task)
{
	struct tickprof_stream *stream;
	bool wanted = false;

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		wanted |= is_wanted(stream, flag, task);
	rcu_read_unlock();
	return wanted;
}

/* Does any running stream want events of this task? */
bool tickprof_process_wanted(const struct task_struct *task)
{
	return is_wanted_by_any(TICKPROF_F_EVENTS, task);
}

/* Does any running stream that unwinds by tables sample this task? */
bool tickprof_process_unwound(const struct task_struct *task)
{
	return is_wanted_by_any(TICKPROF_F_TABLES, task);
}

/* To every running stream that wants events of this task. */
void tickprof_process_announce(const struct task_struct *task, const void *record, u32 size,
			       u64 now)
{
	struct tickprof_stream *stream;

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		if (is_wanted(stream, TICKPROF_F_EVENTS, task))
			write_event(stream, record, size, now);
	rcu_read_unlock();
}

#define EVENT(TYPE, noun) \
	.hdr = { .type = TICKPROF_RECORD_##TYPE, .size = sizeof(struct tickprof_##noun) }

void tickprof_process_fork(struct task_struct *parent, struct task_struct *child)
{
	struct tickprof_stream *stream;
	u64 now = ktime_get_mono_fast_ns();
	struct tickprof_fork record = {
		EVENT(FORK, fork),
		.time = now,
		.parent_pid = parent->tgid,
		.parent_tid = parent->pid,
		.pid = child->tgid,
		.tid = child->pid,
		.parent_start_time = parent->group_leader->start_boottime,
		.start_time = child->group_leader->start_boottime,
		.exec_id = parent->self_exec_id,
	};

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		tickprof_target_fork(&stream->targets, parent, child);
	rcu_read_unlock();
	tickprof_process_announce(child, &record, sizeof(record), now);
}

void tickprof_process_exec(struct task_struct *task, pid_t old_tid)
{
	struct tickprof_stream *stream;
	u64 now = ktime_get_mono_fast_ns();
	struct tickprof_exec record = {
		EVENT(EXEC, exec),
		.time = now,
		.pid = task->tgid,
		.tid = task->pid,
		.start_time = task->group_leader->start_boottime,
		.exec_id = task->self_exec_id,
		.vdso = task->mm ? tickprof_arch_vdso(task->mm) : 0,
	};

	memcpy(record.comm, task->comm, TICKPROF_COMM_LEN);
	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		tickprof_target_exec(&stream->targets, task, old_tid);
	rcu_read_unlock();
	tickprof_process_announce(task, &record, sizeof(record), now);
}

void tickprof_process_exit(struct task_struct *task)
{
	struct tickprof_stream *stream;
	u64 now = ktime_get_mono_fast_ns();
	bool group_dead = !atomic_read(&task->signal->live);
	struct tickprof_exit record = {
		EVENT(EXIT, exit),
		.time = now,
		.pid = task->tgid,
		.tid = task->pid,
	};

	tickprof_process_announce(task, &record, sizeof(record), now);
	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		tickprof_target_exit(&stream->targets, task, group_dead);
	rcu_read_unlock();
}

void tickprof_process_rename(struct task_struct *task, const char *comm)
{
	u64 now = ktime_get_mono_fast_ns();
	struct tickprof_comm record = {
		EVENT(COMM, comm),
		.time = now,
		.pid = task->tgid,
		.tid = task->pid,
	};

	strscpy_pad(record.comm, comm, TICKPROF_COMM_LEN);
	tickprof_process_announce(task, &record, sizeof(record), now);
}
