// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets: whom a session samples.
 *
 * Context: matching runs in hard irq; fork, exec and exit come from tracepoint
 * probes; adding and removing is process context under the session lock.
 * Memory: 512 KiB for process targets and as much for thread targets, each from
 * the first one named; under 4 KiB for the lists.
 * Races admitted: a task that forks while it is being named may leave that one
 * child out; the tool names processes before they run or while all it wants is
 * from now on.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/threads.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>

#include "target.h"

struct tickprof_target_lists {
	struct rcu_head rcu;
	u32 nr_cgroups;
	u32 nr_comms;
	u32 nr_uids;
	u64 cgroup[TICKPROF_TARGETS_MAX];
	kuid_t uid[TICKPROF_TARGETS_MAX];
	char comm[TICKPROF_TARGETS_MAX][TICKPROF_COMM_LEN];
};

#define TASK_BITMAP_BYTES (BITS_TO_LONGS(PID_MAX_LIMIT) * sizeof(long))

int tickprof_target_init(struct tickprof_targets *t)
{
	return zalloc_cpumask_var(&t->cpus, GFP_KERNEL) ? 0 : -ENOMEM;
}

/* The stream is no longer reachable from probes or timers. */
void tickprof_target_deinit(struct tickprof_targets *t)
{
	vfree(t->pids);
	vfree(t->tids);
	kfree(rcu_dereference_protected(t->lists, true));
	free_cpumask_var(t->cpus);
}

size_t tickprof_target_memory(const struct tickprof_targets *t)
{
	return (t->pids ? TASK_BITMAP_BYTES : 0) + (t->tids ? TASK_BITMAP_BYTES : 0) +
	       (rcu_access_pointer(t->lists) ? sizeof(struct tickprof_target_lists) : 0);
}

static bool match_cgroup(const struct tickprof_target_lists *l, struct task_struct *task)
{
#ifdef CONFIG_CGROUPS
	struct cgroup *cgroup = task_dfl_cgroup(task);
	u32 i;

	/* Bounded by the depth of the hierarchy. */
	for (; cgroup; cgroup = cgroup_parent(cgroup))
		for (i = 0; i < l->nr_cgroups; i++)
			if (cgroup_id(cgroup) == l->cgroup[i])
				return true;
#endif
	return false;
}

static bool match_comm(const struct tickprof_target_lists *l, const struct task_struct *task)
{
	u32 i;

	for (i = 0; i < l->nr_comms; i++)
		if (!strncmp(task->comm, l->comm[i], TICKPROF_COMM_LEN))
			return true;
	return false;
}

static bool match_uid(const struct tickprof_target_lists *l, const struct task_struct *task)
{
	u32 i;

	for (i = 0; i < l->nr_uids; i++)
		if (uid_eq(task_uid(task), l->uid[i]))
			return true;
	return false;
}

bool tickprof_target_match_lists(const struct tickprof_targets *t, struct task_struct *task)
{
	const struct tickprof_target_lists *l;
	unsigned long kinds = tickprof_target_kinds(t);
	bool match;

	rcu_read_lock();
	l = rcu_dereference(t->lists);
	match = l &&
		(!(kinds & BIT(TICKPROF_TARGET_UID)) || match_uid(l, task)) &&
		(!(kinds & BIT(TICKPROF_TARGET_COMM)) || match_comm(l, task)) &&
		(!(kinds & BIT(TICKPROF_TARGET_CGROUP)) || match_cgroup(l, task));
	rcu_read_unlock();
	return match;
}

void tickprof_target_fork(struct tickprof_targets *t, const struct task_struct *parent,
			  const struct task_struct *child)
{
	unsigned long kinds = tickprof_target_kinds(t);

	if (!t->inherit)
		return;
	if (kinds & BIT(TICKPROF_TARGET_PID) && child->tgid != parent->tgid &&
	    test_bit(parent->tgid, t->pids))
		set_bit(child->tgid, t->pids);
	if (kinds & BIT(TICKPROF_TARGET_TID) && test_bit(parent->pid, t->tids))
		set_bit(child->pid, t->tids);
}

/* A process that was waited for joins; a thread that execs takes over its leader's number. */
void tickprof_target_exec(struct tickprof_targets *t, const struct task_struct *task,
			  pid_t old_tid)
{
	if (READ_ONCE(t->await_exec) == task->tgid) {
		set_bit(task->tgid, t->pids);
		WRITE_ONCE(t->await_exec, 0);
	}
	if (tickprof_target_kinds(t) & BIT(TICKPROF_TARGET_TID) && old_tid != task->pid) {
		if (test_bit(old_tid, t->tids))
			set_bit(task->pid, t->tids);
		else
			clear_bit(task->pid, t->tids);
	}
}

/* Numbers are used again: what was named must not match its successor. */
void tickprof_target_exit(struct tickprof_targets *t, const struct task_struct *task,
			  bool group_dead)
{
	unsigned long kinds = tickprof_target_kinds(t);

	if (kinds & BIT(TICKPROF_TARGET_PID) && group_dead) {
		clear_bit(task->tgid, t->pids);
		if (READ_ONCE(t->await_exec) == task->tgid)
			WRITE_ONCE(t->await_exec, 0);
	}
	if (kinds & BIT(TICKPROF_TARGET_TID))
		clear_bit(task->pid, t->tids);
}

/* A task named by the sender's pid namespace, as the initial one counts it. */
static pid_t resolve_task(u64 id, bool process, struct netlink_ext_ack *extack)
{
	struct task_struct *task;
	pid_t nr = -1;

	rcu_read_lock();
	task = id <= PID_MAX_LIMIT ? pid_task(find_vpid(id), PIDTYPE_PID) : NULL;
	if (task && (!process || thread_group_leader(task)))
		nr = task->pid;
	rcu_read_unlock();
	if (nr >= 0)
		return nr;
	if (process)
		NL_SET_ERR_MSG(extack, "no process with this pid");
	else
		NL_SET_ERR_MSG(extack, "no thread with this tid");
	return -ESRCH;
}

/*
 * What follows adds or removes one target: 0, 1 for one that was there already,
 * or an error.
 *
 * The process must not be able to exec yet, or it may do so unseen.
 */
static int change_exec(struct tickprof_targets *t, pid_t nr, bool add,
		       struct netlink_ext_ack *extack)
{
	if (add && t->await_exec) {
		NL_SET_ERR_MSG(extack, "the session awaits the exec of another process");
		return -EBUSY;
	}
	if (!add && t->await_exec != nr) {
		NL_SET_ERR_MSG(extack, "the session has no such target");
		return -ENOENT;
	}
	WRITE_ONCE(t->await_exec, add ? nr : 0);
	return 0;
}

static int change_task(struct tickprof_targets *t, const struct tickprof_target *target,
		       bool add, struct netlink_ext_ack *extack)
{
	bool process = target->kind != TICKPROF_TARGET_TID;
	unsigned long **map = process ? &t->pids : &t->tids;
	pid_t nr = resolve_task(target->id, process, extack);

	if (nr < 0)
		return nr;
	if (!*map && !add)
		goto absent;
	if (!*map) {
		*map = vzalloc(TASK_BITMAP_BYTES);
		if (!*map)
			return -ENOMEM;
	}
	if (target->kind == TICKPROF_TARGET_EXEC)
		return change_exec(t, nr, add, extack);
	if (add)
		return test_and_set_bit(nr, *map);
	if (test_and_clear_bit(nr, *map))
		return 0;
absent:
	NL_SET_ERR_MSG(extack, "the session has no such target");
	return -ENOENT;
}

static int change_cpu(struct tickprof_targets *t, const struct tickprof_target *target,
		      bool add, struct netlink_ext_ack *extack)
{
	if (target->id >= nr_cpu_ids || !cpu_possible(target->id)) {
		NL_SET_ERR_MSG(extack, "no such CPU on this machine");
		return -ENODEV;
	}
	if (add)
		return cpumask_test_and_set_cpu(target->id, t->cpus);
	if (!cpumask_test_and_clear_cpu(target->id, t->cpus)) {
		NL_SET_ERR_MSG(extack, "the session has no such target");
		return -ENOENT;
	}
	return 0;
}

/* Add to, or remove from, an array of nr elements; find() says where it stands. */
static int change_list(void *array, u32 *nr, size_t elem, const void *value, bool add,
		       struct netlink_ext_ack *extack)
{
	u8 *at = array;
	u32 i;

	for (i = 0; i < *nr && memcmp(at, value, elem); i++)
		at += elem;
	if (add) {
		if (i < *nr)
			return 1;
		if (i == TICKPROF_TARGETS_MAX) {
			NL_SET_ERR_MSG(extack, "too many targets of this kind (64)");
			return -E2BIG;
		}
		memcpy(at, value, elem);
		++*nr;
		return 0;
	}
	if (i == *nr) {
		NL_SET_ERR_MSG(extack, "the session has no such target");
		return -ENOENT;
	}
	--*nr;
	memmove(at, at + elem, (*nr - i) * elem);
	return 0;
}

static int change_lists(struct tickprof_targets *t, const struct tickprof_target *target,
			bool add, struct netlink_ext_ack *extack)
{
	struct tickprof_target_lists *old = rcu_dereference_protected(t->lists, true);
	struct tickprof_target_lists *new;
	kuid_t uid;
	int err = -EINVAL;

	new = old ? kmemdup(old, sizeof(*old), GFP_KERNEL) : kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	switch (target->kind) {
	case TICKPROF_TARGET_CGROUP:
		err = change_list(new->cgroup, &new->nr_cgroups, sizeof(u64), &target->id,
				  add, extack);
		break;
	case TICKPROF_TARGET_COMM:
		err = change_list(new->comm, &new->nr_comms, TICKPROF_COMM_LEN, target->comm,
				  add, extack);
		break;
	default:
		uid = make_kuid(current_user_ns(), target->id);
		if (target->id > U32_MAX || !uid_valid(uid)) {
			NL_SET_ERR_MSG(extack, "not a user id");
			break;
		}
		err = change_list(new->uid, &new->nr_uids, sizeof(uid), &uid, add, extack);
	}
	if (err) {	/* or nothing to change */
		kfree(new);
		return err;
	}
	rcu_assign_pointer(t->lists, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static int change(struct tickprof_targets *t, const struct tickprof_target *target,
		  bool add, struct netlink_ext_ack *extack)
{
	switch (target->kind) {
	case TICKPROF_TARGET_PID:
	case TICKPROF_TARGET_TID:
	case TICKPROF_TARGET_EXEC:
		return change_task(t, target, add, extack);
	case TICKPROF_TARGET_CPU:
		return change_cpu(t, target, add, extack);
	case TICKPROF_TARGET_CGROUP:
		if (!IS_ENABLED(CONFIG_CGROUPS)) {
			NL_SET_ERR_MSG(extack, "this kernel has no cgroups");
			return -EOPNOTSUPP;
		}
		fallthrough;
	case TICKPROF_TARGET_COMM:
	case TICKPROF_TARGET_UID:
		return change_lists(t, target, add, extack);
	default:
		NL_SET_ERR_MSG(extack, "unknown kind of target");
		return -EINVAL;
	}
}

int tickprof_target_add(struct tickprof_targets *t, const struct tickprof_target *target,
			struct netlink_ext_ack *extack)
{
	int ret = change(t, target, true, extack);
	unsigned long kind;

	if (ret < 0)
		return ret;
	kind = target->kind == TICKPROF_TARGET_EXEC ? TICKPROF_TARGET_PID : target->kind;
	/* Bitmap and list are there before a kind says so; the matchers acquire. */
	smp_store_release(&t->kinds, t->kinds | BIT(kind));
	t->nr += !ret;
	return 0;
}

/*
 * A kind that has narrowed once goes on narrowing when its last target is
 * removed: the session then matches nobody instead of suddenly everybody.
 */
int tickprof_target_del(struct tickprof_targets *t, const struct tickprof_target *target,
			struct netlink_ext_ack *extack)
{
	int err = change(t, target, false, extack);

	/* One that a fork had added was never counted. */
	if (!err && t->nr)
		t->nr--;
	return err;
}
