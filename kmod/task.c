// SPDX-License-Identifier: GPL-2.0-only
/*
 * TASK records: who a sample or a wait belongs to.
 *
 * Context: hard irq or interrupts off, on the sampler's CPU. A task is written
 * once a lap of the ring: a slot, chosen by its number, remembers where; what
 * stands there is compared before it is referred to.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "stream.h"
#include "task.h"

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

/*
 * Position of a TASK record that names this task, which is current or about to
 * be; false if it found no room (counted). RCU read lock held, interrupts off,
 * on the sampler's CPU.
 */
bool tickprof_task_put(struct tickprof_sampler *s, struct task_struct *task, u64 *position)
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
