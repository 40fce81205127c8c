// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sample: who runs, where, called by whom.
 *
 * Context: hard irq, on the sampler's CPU; "current" is the interrupted task.
 * Stacks and tasks are written once: a slot, chosen by hash, remembers where in
 * the ring an equal record may stand; it is compared there word by word before
 * it is referred to, so a hash collision or an overwritten record costs a
 * second copy and never a wrong stack.
 * Bounds: depth frames each way; the comparison reads at most one record.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/irq_regs.h>

#include "arch.h"
#include "sample.h"
#include "space.h"
#include "stream.h"
#include "unwind.h"

/* Tasks of the kernel's own that carry a user's mm; not on every kernel. */
#ifndef PF_IO_WORKER
#define PF_IO_WORKER 0
#endif
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ULL	/* 2^64 / golden ratio (Knuth 6.4) */

/* The most that one tick writes: what the ring must be able to hold at once. */
u32 tickprof_sample_burst(u32 depth)
{
	return sizeof(struct tickprof_lost) + sizeof(struct tickprof_task) +
	       2 * (sizeof(struct tickprof_stack) + depth * sizeof(u64)) +
	       sizeof(struct tickprof_sample);
}

static u64 task_cgroup_id(struct task_struct *task)
{
#ifdef CONFIG_CGROUPS
	return cgroup_id(task_dfl_cgroup(task));
#else
	return 0;
#endif
}

/* Four loads; memcmp() would be a call. */
static bool same_comm(const char *a, const char *b)
{
	u64 x[2], y[2];

	BUILD_BUG_ON(TICKPROF_COMM_LEN != sizeof(x));
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

static bool same_task(const struct tickprof_task *t, struct task_struct *task, u64 cgroup)
{
	return t->hdr.type == TICKPROF_RECORD_TASK && t->tid == task->pid &&
	       t->exec_id == task->self_exec_id && t->cgroup == cgroup &&
	       t->start_time == task->group_leader->start_boottime &&
	       same_comm(t->comm, task->comm);
}

/* Out of line: a task is new once a lap of the ring. */
static noinline void fill_task(struct tickprof_task *t, struct task_struct *task, u64 cgroup)
{
	struct pid_namespace *ns = task_active_pid_ns(task);

	*t = (struct tickprof_task){
		.hdr = {
			.type = TICKPROF_RECORD_TASK,
			.flags = task->flags & PF_KTHREAD ? TICKPROF_TASK_KTHREAD : 0,
			.size = sizeof(*t),
		},
		.pid = task->tgid,
		.tid = task->pid,
		/* An exiting task may have no pid, hence no namespace, any more. */
		.ns_pid = ns ? task_tgid_nr_ns(task, ns) : 0,
		.ns_tid = ns ? task_pid_nr_ns(task, ns) : 0,
		.start_time = task->group_leader->start_boottime,
		.exec_id = task->self_exec_id,
		.cgroup = cgroup,
		.uid = from_kuid_munged(&init_user_ns, task_uid(task)),
		.ppid = task_tgid_nr(rcu_dereference(task->real_parent)),
	};
	memcpy(t->comm, task->comm, TICKPROF_COMM_LEN);
	memcpy(t->process, task->group_leader->comm, TICKPROF_COMM_LEN);
}

/* Position of a TASK record for current; false if it found no room. RCU read lock held. */
static bool put_task(struct tickprof_sampler *s, struct task_struct *task, u64 *position)
{
	struct tickprof_ring *ring = &s->ring;
	u64 *slot = &s->task_slot[task->pid & (TICKPROF_TASK_SLOTS - 1)];
	struct tickprof_task *t;
	u64 cgroup = task_cgroup_id(task);

	if (*slot && tickprof_ring_holds(ring, *slot - 1) &&
	    same_task(tickprof_ring_at(ring, *slot - 1), task, cgroup)) {
		*position = *slot - 1;
		return true;
	}
	t = tickprof_ring_reserve(ring, sizeof(*t));
	if (!t) {
		tickprof_lose(s, TICKPROF_RING_STACK, TICKPROF_COUNTER_LOST_STACKS);
		return false;
	}
	fill_task(t, task, cgroup);
	*position = tickprof_ring_position(ring, sizeof(*t));
	*slot = *position + 1;
	tickprof_count(s, TICKPROF_COUNTER_TASKS);
	return true;
}

/*
 * Whole records, header first, so that length, flags and count decide as well.
 * Both are 8-aligned and hold a 16-byte header before the frames.
 */
static bool same_record(const u64 *a, const u64 *b, u32 size)
{
	const u64 *end = a + size / sizeof(u64);

	for (; end - a >= 4; a += 4, b += 4)
		if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))
			return false;
	for (; a < end; a++, b++)
		if (*a != *b)
			return false;
	return true;
}

/* Position of a record equal to the scratch stack; false if it found no room. */
static bool put_stack(struct tickprof_sampler *s, u64 hash, u64 *position)
{
	struct tickprof_ring *ring = &s->ring;
	struct tickprof_stack *stack = &s->stack;
	u32 size = sizeof(*stack) + stack->nr * sizeof(u64);
	u64 *slot = &s->stack_slot[hash * HASH_MULTIPLIER >> (64 - ilog2(TICKPROF_STACK_SLOTS))];
	void *to;

	stack->hdr.size = size;
	if (*slot && tickprof_ring_holds(ring, *slot - 1) &&
	    same_record(tickprof_ring_at(ring, *slot - 1), (const u64 *)stack, size)) {
		tickprof_count(s, TICKPROF_COUNTER_STACK_HITS);
		*position = *slot - 1;
		return true;
	}
	to = tickprof_ring_reserve(ring, size);
	if (!to) {
		tickprof_lose(s, TICKPROF_RING_STACK, TICKPROF_COUNTER_LOST_STACKS);
		return false;
	}
	memcpy(to, stack, size);
	*position = tickprof_ring_position(ring, size);
	*slot = *position + 1;
	tickprof_count(s, TICKPROF_COUNTER_STACKS);
	return true;
}

static void start_stack(struct tickprof_sampler *s, u16 flags)
{
	s->stack.hdr = (struct tickprof_record){ .type = TICKPROF_RECORD_STACK, .flags = flags };
	s->stack.nr = 0;
}

static void count_cuts(struct tickprof_sampler *s, enum tickprof_counter depth,
		       enum tickprof_counter broken)
{
	u16 flags = s->stack.hdr.flags;

	if (likely(!(flags & ~TICKPROF_STACK_KERNEL)))
		return;
	if (flags & TICKPROF_STACK_DEPTH)
		tickprof_count(s, depth);
	if (flags & TICKPROF_STACK_BROKEN)
		tickprof_count(s, broken);
	if (flags & TICKPROF_STACK_FAULT)
		tickprof_count(s, TICKPROF_COUNTER_USER_FAULT);
	if (flags & TICKPROF_STACK_FALLBACK)
		tickprof_count(s, TICKPROF_COUNTER_USER_FALLBACK);
}

static bool put_kernel_stack(struct tickprof_sampler *s, struct pt_regs *regs, u64 *position)
{
	u64 hash;

	start_stack(s, TICKPROF_STACK_KERNEL);
	hash = tickprof_unwind_kernel(regs, &s->stack, s->config->depth);
	count_cuts(s, TICKPROF_COUNTER_KERNEL_DEPTH, TICKPROF_COUNTER_KERNEL_BROKEN);
	return put_stack(s, hash, position);
}

static u64 walk_user(struct tickprof_sampler *s, struct task_struct *task, struct pt_regs *regs)
{
	const struct tickprof_maps *maps;
	u64 hash;

	tickprof_count(s, TICKPROF_COUNTER_USER_STACKS);
	if (!s->rules)
		return tickprof_unwind_user(regs, &s->stack, s->config->depth);
	rcu_read_lock();
	maps = tickprof_space_maps(task->mm);
	if (unlikely(!maps))
		tickprof_count(s, TICKPROF_COUNTER_USER_NO_MAPS);
	hash = tickprof_unwind_tables(s->rules, maps, regs, &s->stack, s->config->depth);
	rcu_read_unlock();
	s->counter[TICKPROF_COUNTER_RULE_MISSES] = s->rules->misses;
	return hash;
}

/*
 * The user side of a task in user mode (regs are the user's) or in the kernel.
 * Returns 1 with a position, 0 if there is no stack to take, -1 if one found
 * no room. flags get what the sample says about it.
 */
static int put_user_stack(struct tickprof_sampler *s, struct task_struct *task,
			  struct pt_regs *regs, bool user, u64 *position, u16 *flags)
{
	u64 hash = 0;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)) {
		*flags |= TICKPROF_SAMPLE_KTHREAD;
		return 0;
	}
	if (task->flags & PF_EXITING || !task->mm) {
		*flags |= TICKPROF_SAMPLE_EXITING;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
		return 0;
	}
	if (!user) {
		regs = task_pt_regs(task);
		/*
		 * A task that has not yet been in user mode, or one that execs: it has
		 * the new address space and still the old program's registers until
		 * the loader, shortly before its end, sets start_code.
		 */
		if (!user_mode(regs) || !READ_ONCE(task->mm->start_code))
			return 0;
	}
	start_stack(s, 0);
	if (!user)
		hash = s->stack.ip[s->stack.nr++] = instruction_pointer(regs) |
			(s->rules ? (u64)TICKPROF_HOW_REGS << TICKPROF_FRAME_SHIFT : 0);
	if (unlikely(tickprof_arch_compat(regs))) {
		*flags |= TICKPROF_SAMPLE_COMPAT;
		tickprof_count(s, TICKPROF_COUNTER_USER_SKIPPED);
	} else {
		hash ^= walk_user(s, task, regs);
		count_cuts(s, TICKPROF_COUNTER_USER_DEPTH, TICKPROF_COUNTER_USER_BROKEN);
	}
	return put_stack(s, hash, position) ? 1 : -1;
}

static bool excluded(const struct tickprof_sampler *s, bool user)
{
	return s->config->flags & (user ? TICKPROF_F_EXCLUDE_USER : TICKPROF_F_EXCLUDE_KERNEL);
}

static void write_sample(struct tickprof_sampler *s, struct task_struct *task,
			 struct pt_regs *regs, u64 now)
{
	struct tickprof_ring *ring = &s->ring;
	bool user = user_mode(regs);
	u64 at_task, at_kernel = 0, at_user = 0, at;
	bool has_task, has_kernel = false, has_user = false;
	struct tickprof_sample *sample;
	u16 flags = user ? TICKPROF_SAMPLE_USER : 0;
	int taken;

	rcu_read_lock();
	has_task = put_task(s, task, &at_task);
	rcu_read_unlock();
	if (!has_task)
		goto lost;
	if (!user && s->config->flags & TICKPROF_F_KSTACK) {
		has_kernel = put_kernel_stack(s, regs, &at_kernel);
		if (!has_kernel)
			flags |= TICKPROF_SAMPLE_NOSTACK;
	}
	if (is_idle_task(task)) {
		flags |= TICKPROF_SAMPLE_IDLE | TICKPROF_SAMPLE_KTHREAD;
	} else if (s->config->flags & TICKPROF_F_USTACK) {
		taken = put_user_stack(s, task, regs, user, &at_user, &flags);
		has_user = taken > 0;
		if (taken < 0)
			flags |= TICKPROF_SAMPLE_NOSTACK;
	}
	sample = tickprof_ring_reserve(ring, sizeof(*sample));
	if (!sample)
		goto lost;
	at = tickprof_ring_position(ring, sizeof(*sample));
	*sample = (struct tickprof_sample){
		.hdr = {
			.type = TICKPROF_RECORD_SAMPLE,
			.flags = flags,
			.size = sizeof(*sample),
		},
		.time = now,
		.ip = instruction_pointer(regs),
		.task = at - at_task,
		.kstack = has_kernel ? at - at_kernel : 0,
		.ustack = has_user ? at - at_user : 0,
		.missed = s->missed,
	};
	s->missed = 0;
	tickprof_count(s, TICKPROF_COUNTER_SAMPLES);
	return;
lost:
	tickprof_lose(s, TICKPROF_RING_SAMPLE, TICKPROF_COUNTER_LOST_SAMPLES);
}

/* now: CLOCK_MONOTONIC ns. Returns true if the ring's reader is to be woken. */
bool tickprof_sample_take(struct tickprof_sampler *s, u64 now)
{
	struct pt_regs *regs = get_irq_regs();
	struct task_struct *task = current;
	u64 before = s->ring.head;
	bool wake;

	if (unlikely(!regs)) {
		tickprof_count(s, TICKPROF_COUNTER_NO_REGS);
		return false;
	}
	if (unlikely(excluded(s, user_mode(regs))) || !tickprof_target_match(&s->stream->targets, task)) {
		tickprof_count(s, TICKPROF_COUNTER_FILTERED);
		return false;
	}
	if (unlikely(s->ring.any_lost))
		tickprof_ring_write_lost(&s->ring, now);
	write_sample(s, task, regs, now);
	wake = tickprof_ring_commit(&s->ring);
	s->counter[TICKPROF_COUNTER_BYTES] += s->ring.head - before;
	return wake;
}
