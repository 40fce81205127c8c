// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process events: fork, exec, exit, renaming and new executable mappings, so
 * that a process which is gone before the tool looks is still resolved.
 *
 * Context: called from tracepoint probes and a kprobe (probe.c) in the context
 * of the task concerned; from 7.x on tracepoint probes may be preempted. Every
 * write happens with interrupts off on the CPU at hand, which makes probes and
 * tick one writer of its ring.
 * Memory: one page a CPU for paths, which only the mapping probe uses, with
 * preemption off.
 * Limits: munmap is not seen; a mapping ends when another one covers it.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "arch.h"
#include "build_id.h"
#include "compat/file_path.h"
#include "process.h"
#include "stream.h"

struct mapping_buffer {
	struct tickprof_mmap record;
	char path[PATH_MAX];
};

static struct mapping_buffer __percpu *buffers;

static void write_event(struct tickprof_stream *stream, const void *record, u32 size, u64 now)
{
	struct tickprof_sampler *s;
	unsigned long irq;
	void *to;

	local_irq_save(irq);
	s = stream->sampler[smp_processor_id()];
	if (s->ring.any_lost)
		tickprof_ring_write_lost(&s->ring, now);
	to = tickprof_ring_reserve(&s->ring, size);
	if (to) {
		memcpy(to, record, size);
		tickprof_count(s, TICKPROF_COUNTER_EVENTS);
		s->counter[TICKPROF_COUNTER_BYTES] += size;
	} else {
		tickprof_lose(s, TICKPROF_RING_EVENT, TICKPROF_COUNTER_LOST_EVENTS);
	}
	if (tickprof_ring_commit(&s->ring))
		irq_work_queue(&s->wake);
	local_irq_restore(irq);
}

static bool wants_events(const struct tickprof_stream *stream, const struct task_struct *task)
{
	return stream->config.flags & TICKPROF_F_EVENTS &&
	       tickprof_target_match_event(&stream->targets, task);
}

/* Does any running stream want events of this task? */
static bool anybody_wants_events(const struct task_struct *task)
{
	struct tickprof_stream *stream;
	bool wanted = false;

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		wanted |= wants_events(stream, task);
	rcu_read_unlock();
	return wanted;
}

/* To every running stream that wants events of this task. */
static void announce(const struct task_struct *task, const void *record, u32 size, u64 now)
{
	struct tickprof_stream *stream;

	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		if (wants_events(stream, task))
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
	announce(child, &record, sizeof(record), now);
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
	announce(task, &record, sizeof(record), now);
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

	announce(task, &record, sizeof(record), now);
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
	announce(task, &record, sizeof(record), now);
}

/* The file's name in its own mount namespace; returns bytes with the NUL. */
static size_t fill_path(struct tickprof_mmap *record, char *buffer, const struct file *file)
{
	static const char too_long[] = "//toolong", deleted[] = " (deleted)";
	const struct path *path = tickprof_file_path(file);
	char *name = d_path(path, buffer, PATH_MAX);
	size_t len;

	if (IS_ERR(name)) {
		record->hdr.flags |= TICKPROF_MMAP_PATH_CUT;
		memcpy(buffer, too_long, sizeof(too_long));
		return sizeof(too_long);
	}
	len = strlen(name);
	if (d_unlinked(path->dentry)) {
		record->hdr.flags |= TICKPROF_MMAP_DELETED;
		if (len >= sizeof(deleted) && !strcmp(name + len - sizeof(deleted) + 1, deleted))
			len -= sizeof(deleted) - 1;
	}
	memmove(buffer, name, len);
	buffer[len] = '\0';
	return len + 1;
}

static u32 fill_mapping(struct mapping_buffer *buffer, struct vm_area_struct *vma, u64 now)
{
	struct tickprof_mmap *record = &buffer->record;
	const struct inode *inode;
	size_t len = 1;

	*record = (struct tickprof_mmap){
		.hdr = { .type = TICKPROF_RECORD_MMAP },
		.time = now,
		.pid = current->tgid,
		.tid = current->pid,
		.start_time = current->group_leader->start_boottime,
		.exec_id = current->self_exec_id,
		.addr = vma->vm_start,
		.len = vma->vm_end - vma->vm_start,
	};
	buffer->path[0] = '\0';
	if (vma->vm_file) {
		inode = file_inode(vma->vm_file);
		record->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		record->inode = inode->i_ino;
		record->dev_major = MAJOR(inode->i_sb->s_dev);
		record->dev_minor = MINOR(inode->i_sb->s_dev);
		record->build_id_size = tickprof_build_id_read(vma->vm_file, record->build_id);
		len = fill_path(record, buffer->path, vma->vm_file);
	}
	memset(buffer->path + len, 0, round_up(len, 8) - len);
	record->hdr.size = sizeof(*record) + round_up(len, 8);
	return record->hdr.size;
}

/* Preemption is off: the caller is a kprobe handler. */
void tickprof_process_mmap(struct vm_area_struct *vma)
{
	struct mapping_buffer *buffer;
	u64 now;

	if (!(vma->vm_flags & VM_EXEC) || vma->vm_mm != current->mm ||
	    !anybody_wants_events(current))
		return;
	now = ktime_get_mono_fast_ns();
	buffer = this_cpu_ptr(buffers);
	announce(current, buffer, fill_mapping(buffer, vma, now), now);
}

int tickprof_process_init(void)
{
	BUILD_BUG_ON(offsetof(struct mapping_buffer, path) != sizeof(struct tickprof_mmap));
	buffers = __alloc_percpu(sizeof(*buffers), 8);
	return buffers ? 0 : -ENOMEM;
}

void tickprof_process_exit_module(void)
{
	free_percpu(buffers);
}
