/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_TARGET_H
#define TICKPROF_KMOD_TARGET_H

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/tickprof.h>
#include <linux/uidgid.h>
#include <asm/barrier.h>

struct netlink_ext_ack;
struct tickprof_target_lists;

/*
 * Whom a session samples. "kinds" has a bit for each kind that narrows; without
 * any, everything matches. Tasks are bitmaps over all possible pids, so that a
 * fork inherits by setting a bit: no allocation, no lock, no limit, and the
 * tick pays one load. The short lists are replaced whole under RCU.
 */
struct tickprof_targets {
	unsigned long kinds;		/* BIT(enum tickprof_target_kind) */
	unsigned long *pids;		/* by process, NULL until one is named */
	unsigned long *tids;		/* by thread, likewise */
	struct tickprof_target_lists __rcu *lists;
	cpumask_var_t cpus;		/* timers run on these; all if TARGET_CPU is not set */
	u32 await_exec;			/* process that joins pids at its exec; 0: none */
	bool inherit;
	u32 nr;				/* targets named by TARGET_ADD */
};

struct tickprof_target {
	enum tickprof_target_kind kind;
	u64 id;
	char comm[TICKPROF_COMM_LEN];
};

int tickprof_target_init(struct tickprof_targets *t);
void tickprof_target_deinit(struct tickprof_targets *t);
size_t tickprof_target_memory(const struct tickprof_targets *t);
int tickprof_target_add(struct tickprof_targets *t, const struct tickprof_target *target,
			struct netlink_ext_ack *extack);
int tickprof_target_del(struct tickprof_targets *t, const struct tickprof_target *target,
			struct netlink_ext_ack *extack);

bool tickprof_target_match_lists(const struct tickprof_targets *t, struct task_struct *task);

#define TICKPROF_TARGET_TASKS	(BIT(TICKPROF_TARGET_PID) | BIT(TICKPROF_TARGET_TID))
#define TICKPROF_TARGET_LISTS	(BIT(TICKPROF_TARGET_CGROUP) | BIT(TICKPROF_TARGET_COMM) | \
				 BIT(TICKPROF_TARGET_UID))

/* Which kinds narrow; what they need is there. Any context. */
static inline unsigned long tickprof_target_kinds(const struct tickprof_targets *t)
{
	/* Pairs with the release in tickprof_target_add(). */
	return smp_load_acquire(&t->kinds);
}

/* Is the task named by pid or tid? kinds: what tickprof_target_kinds() has just said. */
static inline bool tickprof_target_names(const struct tickprof_targets *t, unsigned long kinds,
					 const struct task_struct *task)
{
	return (kinds & BIT(TICKPROF_TARGET_PID) && test_bit(task->tgid, t->pids)) ||
	       (kinds & BIT(TICKPROF_TARGET_TID) && test_bit(task->pid, t->tids));
}

/* Is the task among those named by pid or tid, or is nobody named? Any context. */
static inline bool tickprof_target_match_task(const struct tickprof_targets *t,
					      const struct task_struct *task)
{
	unsigned long kinds = tickprof_target_kinds(t);

	return !(kinds & TICKPROF_TARGET_TASKS) || tickprof_target_names(t, kinds, task);
}

/*
 * Of two tasks, is one perhaps among them? False is certain. For the scheduler's
 * events, nearly all of which concern others.
 */
static inline bool tickprof_target_may_match(const struct tickprof_targets *t,
					     const struct task_struct *a,
					     const struct task_struct *b)
{
	unsigned long kinds = tickprof_target_kinds(t);

	return !(kinds & TICKPROF_TARGET_TASKS) || tickprof_target_names(t, kinds, a) ||
	       tickprof_target_names(t, kinds, b);
}

/* Do events of this task matter? Also while it is building what it will exec. */
static inline bool tickprof_target_match_event(const struct tickprof_targets *t,
					       const struct task_struct *task)
{
	return tickprof_target_match_task(t, task) || READ_ONCE(t->await_exec) == task->tgid;
}

/* Should a tick that hit "current" be sampled? Hard irq. */
static inline bool tickprof_target_match(const struct tickprof_targets *t,
					 struct task_struct *task)
{
	unsigned long kinds = tickprof_target_kinds(t);

	if (likely(!(kinds & (TICKPROF_TARGET_TASKS | TICKPROF_TARGET_LISTS))))
		return true;
	if (!tickprof_target_match_task(t, task))
		return false;
	return !(kinds & TICKPROF_TARGET_LISTS) || tickprof_target_match_lists(t, task);
}

void tickprof_target_fork(struct tickprof_targets *t, const struct task_struct *parent,
			  const struct task_struct *child);
void tickprof_target_exec(struct tickprof_targets *t, const struct task_struct *task,
			  pid_t old_tid);
void tickprof_target_exit(struct tickprof_targets *t, const struct task_struct *task,
			  bool group_dead);

#endif
