// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the module hooks into the kernel: tracepoints, looked up by name since
 * they are not exported as symbols, and one kprobe. Attached while at least one
 * session runs.
 *
 * Context: get and put are process context and sleep. The kernel takes
 * cpus_read_lock() to patch its code, and a reader of that lock waits for a
 * pending CPU hotplug, so neither may be called with it held, nor with a lock
 * that a hotplug callback takes.
 * What a kernel lacks costs a feature bit, never the module.
 * A probe may take fewer arguments than its tracepoint passes: sched_switch
 * got prev_state in 5.18, sched_process_exit group_dead in 6.16.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/tickprof.h>
#include <linux/tracepoint.h>

#include "compat/task_state.h"
#include "context.h"
#include "held.h"
#include "later.h"
#include "mapping.h"
#include "probe.h"
#include "process.h"
#include "space.h"
#include "timer.h"
#include "wait.h"

static DEFINE_MUTEX(users_lock);
static unsigned int users;
static unsigned int wait_users;		/* those of them that want waits */

static void on_switch(void *data, bool preempt, struct task_struct *prev,
		      struct task_struct *next TICKPROF_SWITCH_STATE)
{
	if (unlikely(is_idle_task(prev)))
		tickprof_timer_leave_idle();
	if (unlikely(atomic_read(&tickprof_held_walking)))
		tickprof_held_switch(prev, next);
	if (tickprof_wait_concerns(prev, next))
		tickprof_wait_switch(prev, next, preempt, tickprof_switch_state(prev));
}

static void on_waking(void *data, struct task_struct *task)
{
	if (tickprof_wait_concerns(task, task))
		tickprof_wait_waking(task);
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	tickprof_process_fork(parent, child);
	tickprof_space_forked(child);
	tickprof_context_fork(child);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_tid,
		    struct linux_binprm *bprm)
{
	tickprof_process_exec(task, old_tid);
}

static void on_exit(void *data, struct task_struct *task)
{
	tickprof_wait_exit(task);
	tickprof_process_exit(task);
}

static void on_rename(void *data, struct task_struct *task, const char *comm)
{
	tickprof_process_rename(task, comm);
}

static struct {
	const char *name;
	void *probe;
	u32 feature;
	struct tracepoint *tp;
	bool attached;
	bool waits;			/* attached only while somebody wants waits */
} hooks[] = {
	{ "sched_process_fork", on_fork, TICKPROF_FEATURE_PROCESS },
	{ "sched_process_exec", on_exec, TICKPROF_FEATURE_PROCESS },
	{ "sched_process_exit", on_exit, TICKPROF_FEATURE_PROCESS },
	{ "task_rename", on_rename, TICKPROF_FEATURE_PROCESS },
	{ "sched_switch", on_switch, TICKPROF_FEATURE_IDLE_STOP | TICKPROF_FEATURE_WAITS },
	{ "sched_waking", on_waking, TICKPROF_FEATURE_WAITS, .waits = true },
};

/*
 * perf's own hook, called for every new mapping and for those that become
 * executable, whether perf runs or not. Not an ABI: its absence is survivable.
 */
static int on_mmap(struct kprobe *kp, struct pt_regs *regs)
{
	const struct vm_area_struct *vma = (void *)regs_get_kernel_argument(regs, 0);

	tickprof_space_mapped(vma);
	tickprof_mapping_hook(vma);
	return 0;
}

static struct kprobe mmap_hook = {
	.symbol_name = "perf_event_mmap",
	.pre_handler = on_mmap,
};
static bool mmap_hook_usable, mmap_hook_attached, mmap_hook_stays;

#define DETACH_TRIES	6	/* 63 ms in all */

static void find_hook(struct tracepoint *tp, void *data)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(tp->name, hooks[i].name))
			hooks[i].tp = tp;
}

/*
 * Without memory the kernel may fail to take a kprobe out, which it tells by the
 * lost address (kernel/kprobes.c, unregister_kprobes()). One that stays after
 * all tries is used by the next session; without one, it finds nobody who wants
 * its events. The module then stays, since the kernel would go on calling it.
 */
static void detach_mmap_hook(void)
{
	kprobe_opcode_t *addr = mmap_hook.addr;
	unsigned int try;

	for (try = 0; try < DETACH_TRIES; try++) {
		unregister_kprobe(&mmap_hook);
		mmap_hook_attached = !mmap_hook.addr;
		if (!mmap_hook_attached)
			return;
		mmap_hook.addr = addr;
		msleep(1 << try);
	}
	if (!mmap_hook_stays) {
		pr_err("tickprof: no memory to remove a kprobe: the module cannot be unloaded\n");
		__module_get(THIS_MODULE);
	}
	mmap_hook_stays = true;
}

static bool try_mmap_hook(void)
{
	/* register_kprobe() does not ask lockdown itself. */
	if (security_locked_down(LOCKDOWN_KPROBES) || register_kprobe(&mmap_hook))
		return false;
	detach_mmap_hook();
	return true;
}

/* At module load: which TICKPROF_FEATURE_* do the hooks of this kernel give? */
u32 tickprof_probe_init(void)
{
	u32 features = TICKPROF_FEATURE_PROCESS | TICKPROF_FEATURE_IDLE_STOP |
		       TICKPROF_FEATURE_WAITS;
	size_t i;

	for_each_kernel_tracepoint(find_hook, NULL);
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!hooks[i].tp)
			features &= ~hooks[i].feature;
	mmap_hook_usable = try_mmap_hook();
	return features | (mmap_hook_usable ? TICKPROF_FEATURE_MMAP : 0);
}

/* waits: only what they alone want. When this returns no probe of these runs any more. */
static void detach_tracepoints(bool waits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].attached || (waits && !hooks[i].waits))
			continue;
		tracepoint_probe_unregister(hooks[i].tp, hooks[i].probe, NULL);
		hooks[i].attached = false;
	}
	tracepoint_synchronize_unregister();
}

/* When this returns no probe runs any more and none will; but see detach_mmap_hook(). */
static void detach(void)
{
	if (mmap_hook_attached)
		detach_mmap_hook();
	detach_tracepoints(false);
}

/* The module did not come to life after all: nothing of it may stay, however long that takes. */
void __init tickprof_probe_exit(void)
{
	while (mmap_hook_attached)
		detach_mmap_hook();
}

/* Those for waits, or all others. */
static int attach_tracepoints(bool waits)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hooks[i].tp || hooks[i].waits != waits)
			continue;
		err = tracepoint_probe_register(hooks[i].tp, hooks[i].probe, NULL);
		if (err)
			return err;
		hooks[i].attached = true;
	}
	return 0;
}

static int attach(void)
{
	int err = attach_tracepoints(false);

	if (err)
		goto error;
	if (mmap_hook_usable && !mmap_hook_attached) {
		/* A kprobe is registered from a clean slate each time. */
		mmap_hook.addr = NULL;
		mmap_hook.flags = 0;
		err = register_kprobe(&mmap_hook);
		if (err)
			goto error;
		mmap_hook_attached = true;
	}
	return 0;
error:
	detach();
	return err;
}

/* One more user of the probes; the first attaches them. On failure there is none more. */
int tickprof_probe_get(bool waits)
{
	int err = 0;

	mutex_lock(&users_lock);
	if (!users)
		err = attach();
	if (!err && waits && !wait_users) {
		err = attach_tracepoints(true);
		if (err && users)
			detach_tracepoints(true);
		else if (err)
			detach();
	}
	if (!err) {
		users++;
		wait_users += waits;
	}
	mutex_unlock(&users_lock);
	return err;
}

/*
 * The last one detaches them, and waits until none runs any more; and a while for what
 * they have left to tasks, or rmmod would be refused for that.
 */
void tickprof_probe_put(bool waits)
{
	bool last;

	mutex_lock(&users_lock);
	wait_users -= waits;
	last = !--users;
	if (last)
		detach();
	else if (waits && !wait_users)
		detach_tracepoints(true);
	mutex_unlock(&users_lock);
	if (last)
		tickprof_later_drain();
}
