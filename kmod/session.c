// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sessions: from open to release of /dev/tickprof.
 *
 *	NEW ── configure ──► STOPPED ── start ──► RUNNING ── stop ──► STOPPED …
 *
 * Context: process, under tickprof_session_lock.
 * Memory, a possible CPU: ring_size and two pages for the ring, about 12 KiB and
 * 8 bytes a frame of depth for the sampler, 24 KiB for rules with F_TABLES; with
 * F_WAITS a thread what waiters.c says, and 20 KiB a CPU; with F_CONTEXT a process
 * what contexts.c says, and 3 KiB a CPU; for stacks that are finished later what held.c says.
 *
 * Why teardown is safe, in its order:
 *  1. The stream leaves the list of running ones, and a grace period passes:
 *     no probe sees it, so none writes an event or re-arms a timer.
 *  2. Every timer is cancelled, which waits for a callback under way: no tick
 *     writes any more or queues a wake-up. A sample that it held meanwhile finds the
 *     stream for 100 ms more (held.c). Then waits under way are written.
 *  3. irq_work_sync() waits for wake-ups that are queued: nobody touches the
 *     wait queue.
 *  4. release() runs only when neither descriptor nor mapping is left, so no
 *     poll and no fault can come. Then memory goes.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "contexts.h"
#include "held.h"
#include "memory.h"
#include "netlink.h"
#include "probe.h"
#include "quiet.h"
#include "sampler.h"
#include "session.h"
#include "space.h"
#include "stats.h"
#include "timer.h"
#include "unwind.h"
#include "wait.h"
#include "waiters.h"

DEFINE_MUTEX(tickprof_session_lock);
LIST_HEAD(tickprof_sessions);
LIST_HEAD(tickprof_streams);
LIST_HEAD(tickprof_waiting);
u32 tickprof_features;

static u32 last_number;
static int hotplug_state;

/* Tell the multicast group of losses and throttling, at most once a second. */
static void watch(struct work_struct *work)
{
	struct tickprof_session *session =
		container_of(to_delayed_work(work), struct tickprof_session, watch);
	u64 sum[TICKPROF_COUNTER_MAX + 1], lost;

	tickprof_stats_sum(&session->stream, sum);
	lost = sum[TICKPROF_COUNTER_LOST_SAMPLES] + sum[TICKPROF_COUNTER_LOST_EVENTS] +
	       sum[TICKPROF_COUNTER_LOST_STACKS] + sum[TICKPROF_COUNTER_LOST_WAITS] +
	       sum[TICKPROF_COUNTER_BAD_TAIL];
	if (lost != session->lost_told)
		tickprof_netlink_notify(session, TICKPROF_EVENT_LOST);
	if (sum[TICKPROF_COUNTER_THROTTLED] != session->throttled_told)
		tickprof_netlink_notify(session, TICKPROF_EVENT_THROTTLED);
	if (session->stream.contexts)
		tickprof_contexts_sweep(session->stream.contexts);
	session->lost_told = lost;
	session->throttled_told = sum[TICKPROF_COUNTER_THROTTLED];
	schedule_delayed_work(&session->watch, HZ);
}

/* NULL: no memory. The caller may open the device and is to own the session. */
struct tickprof_session *tickprof_session_create(void)
{
	struct tickprof_session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	if (tickprof_target_init(&session->stream.targets)) {
		kfree(session);
		return NULL;
	}
	init_waitqueue_head(&session->stream.wait);
	INIT_DEFERRABLE_WORK(&session->watch, watch);
	mutex_init(&session->upload_lock);
	tickprof_store_init_users(&session->tables);
	session->owner_pid = task_tgid_nr(current);
	get_task_comm(session->owner_comm, current);
	mutex_lock(&tickprof_session_lock);
	session->number = ++last_number;
	list_add_tail(&session->all, &tickprof_sessions);
	mutex_unlock(&tickprof_session_lock);
	tickprof_netlink_notify(session, TICKPROF_EVENT_OPENED);
	return session;
}

/* What a session's configuration makes it hold. */
static u64 config_memory(const struct tickprof_config *config)
{
	u64 tables = 0;

	if (config->flags & TICKPROF_F_WAITS)
		tables += tickprof_waiters_memory(config);
	if (config->flags & TICKPROF_F_CONTEXT)
		tables += tickprof_contexts_memory(config->contexts);
	if (tickprof_features & TICKPROF_FEATURE_LATER)
		tables += tickprof_held_memory(config);
	return num_possible_cpus() * tickprof_sampler_memory(config) + tables;
}

static u64 memory_held(void)
{
	const struct tickprof_session *session;
	u64 held = 0;

	list_for_each_entry(session, &tickprof_sessions, all)
		held += tickprof_session_memory(session);
	return held + tickprof_store_memory() + tickprof_space_memory();
}

static void destroy_tables(struct tickprof_stream *stream)
{
	tickprof_waiters_destroy(stream->waiters);
	stream->waiters = NULL;
	tickprof_contexts_destroy(stream->contexts);
	stream->contexts = NULL;
}

/* Of threads with waits and of processes with contexts, where they are wanted. */
static int create_tables(struct tickprof_stream *stream, const struct tickprof_config *config,
			 struct netlink_ext_ack *extack)
{
	if (config->flags & TICKPROF_F_WAITS) {
		stream->waiters = tickprof_waiters_create(config);
		if (!stream->waiters) {
			NL_SET_ERR_MSG(extack, "no memory for threads with waits: ask for fewer");
			return -ENOMEM;
		}
	}
	if (config->flags & TICKPROF_F_CONTEXT) {
		stream->contexts = tickprof_contexts_create(config->contexts);
		if (!stream->contexts) {
			destroy_tables(stream);
			NL_SET_ERR_MSG(extack, "no memory for contexts: ask for fewer processes");
			return -ENOMEM;
		}
	}
	return 0;
}

/* Rings and samplers come into being here, once in a session's life. */
int tickprof_session_configure(struct tickprof_session *session,
			       const struct tickprof_config *config,
			       struct netlink_ext_ack *extack)
{
	struct tickprof_stream *stream = &session->stream;
	struct tickprof_sampler **samplers;
	int err;

	if (session->state != TICKPROF_STATE_NEW) {
		NL_SET_ERR_MSG(extack, "session is configured already: open another");
		return -EBUSY;
	}
	stream->config = *config;
	stream->config.period = div_u64(NSEC_PER_SEC, config->rate);
	stream->config.throttle_share = config->throttle * 1024 / 1000;
	stream->config.sleep_idle = tickprof_features & TICKPROF_FEATURE_IDLE_STOP &&
				    !(config->flags & TICKPROF_F_IDLE);
	stream->targets.inherit = config->flags & TICKPROF_F_INHERIT;
	err = tickprof_memory_charge(memory_held(), config_memory(config), extack);
	if (err)
		return err;
	err = create_tables(stream, config, extack);
	if (err)
		return err;
	samplers = tickprof_sampler_create_all(stream);
	if (!samplers) {
		destroy_tables(stream);
		NL_SET_ERR_MSG(extack, "no memory for the rings: ask for smaller ones");
		return -ENOMEM;
	}
	/* Pairs with the acquire in tickprof_session_ring(), which takes no lock. */
	smp_store_release(&stream->sampler, samplers);
	session->state = TICKPROF_STATE_STOPPED;
	return 0;
}

/* The hotplug callbacks take the session lock inside cpus_write_lock(). */
static void lock_with_cpus(void)
{
	cpus_read_lock();
	mutex_lock(&tickprof_session_lock);
}

static void unlock_with_cpus(void)
{
	mutex_unlock(&tickprof_session_lock);
	cpus_read_unlock();
}

static int may_start(const struct tickprof_session *session, struct netlink_ext_ack *extack)
{
	if (session->state == TICKPROF_STATE_NEW) {
		NL_SET_ERR_MSG(extack, "session is not configured yet");
		return -EINVAL;
	}
	if (session->state == TICKPROF_STATE_RUNNING) {
		NL_SET_ERR_MSG(extack, "session runs already");
		return -EALREADY;
	}
	return 0;
}

/* What START took, once no tick and no probe of this session runs any more. */
static void put_hooks(struct tickprof_session *session)
{
	tickprof_probe_put(session->stream.config.flags & TICKPROF_F_WAITS);
	if (session->stream.config.flags & TICKPROF_F_TABLES)
		tickprof_space_put();
}

static int open_held(struct tickprof_stream *stream, struct netlink_ext_ack *extack)
{
	int err = 0;

	if (tickprof_features & TICKPROF_FEATURE_LATER)
		err = tickprof_held_open(stream);
	if (err)
		NL_SET_ERR_MSG(extack, "no memory for samples that wait for a page");
	return err;
}

/* Probes are attached and detached outside all locks of ours: see probe.c. */
int tickprof_session_start(struct tickprof_session *session, struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&tickprof_session_lock);
	err = may_start(session, extack);
	mutex_unlock(&tickprof_session_lock);
	if (err)
		return err;
	err = tickprof_probe_get(session->stream.config.flags & TICKPROF_F_WAITS);
	if (err) {
		NL_SET_ERR_MSG(extack, "cannot attach to the kernel's tracepoints");
		return err;
	}
	if (session->stream.config.flags & TICKPROF_F_TABLES)
		tickprof_space_get();
	lock_with_cpus();
	/* Somebody who shares the descriptor may have been faster. */
	err = may_start(session, extack);
	if (!err)
		err = open_held(&session->stream, extack);
	if (!err) {
		tickprof_wait_start(&session->stream);
		list_add_tail_rcu(&session->stream.running, &tickprof_streams);
		if (session->stream.waiters)
			list_add_tail_rcu(&session->stream.waiting, &tickprof_waiting);
		tickprof_timer_start(&session->stream);
		session->state = TICKPROF_STATE_RUNNING;
		schedule_delayed_work(&session->watch, HZ);
		tickprof_netlink_notify(session, TICKPROF_EVENT_STARTED);
	}
	unlock_with_cpus();
	if (err)
		put_hooks(session);
	return err;
}

/* cpus_read_lock() and the session lock held. False: it did not run. */
static bool stop_running(struct tickprof_session *session)
{
	if (session->state != TICKPROF_STATE_RUNNING)
		return false;
	list_del_rcu(&session->stream.running);
	if (session->stream.waiters)
		list_del_rcu(&session->stream.waiting);
	synchronize_rcu();
	tickprof_timer_stop(&session->stream);
	tickprof_held_close(&session->stream);
	tickprof_wait_stop(&session->stream);
	cancel_delayed_work_sync(&session->watch);
	session->state = TICKPROF_STATE_STOPPED;
	wake_up_interruptible(&session->stream.wait);
	tickprof_netlink_notify(session, TICKPROF_EVENT_STOPPED);
	return true;
}

/* Rings keep what they hold. */
int tickprof_session_stop(struct tickprof_session *session, struct netlink_ext_ack *extack)
{
	bool ran;

	lock_with_cpus();
	if (session->state == TICKPROF_STATE_RUNNING && session->stream.waiters)
		tickprof_quiet_add(&session->stream);
	ran = stop_running(session);
	unlock_with_cpus();
	if (!ran) {
		NL_SET_ERR_MSG(extack, "session does not run");
		return -EALREADY;
	}
	put_hooks(session);
	return 0;
}

/* The file is gone, and with it every mapping. */
void tickprof_session_destroy(struct tickprof_session *session)
{
	bool ran;

	lock_with_cpus();
	ran = stop_running(session);
	list_del(&session->all);
	unlock_with_cpus();
	if (ran)
		put_hooks(session);
	tickprof_store_drop_users(&session->tables);
	tickprof_netlink_notify(session, TICKPROF_EVENT_CLOSED);
	tickprof_sampler_destroy_all(session->stream.sampler);
	destroy_tables(&session->stream);
	tickprof_target_deinit(&session->stream.targets);
	kfree(session);
}

/* 0 or -errno, and a text. The table lives as long as the session, which the caller holds. */
int tickprof_session_context(struct tickprof_session *session,
			     const struct tickprof_context_image *image,
			     const struct tickprof_context_location *location,
			     struct netlink_ext_ack *extack)
{
	struct tickprof_contexts *contexts;

	mutex_lock(&tickprof_session_lock);
	contexts = session->state != TICKPROF_STATE_NEW ? session->stream.contexts : NULL;
	mutex_unlock(&tickprof_session_lock);
	if (contexts)
		return tickprof_contexts_set(contexts, image, location, extack);
	NL_SET_ERR_MSG(extack, "session reads no contexts: configure it with F_CONTEXT");
	return -EINVAL;
}

/* Session lock held. */
int tickprof_session_target(struct tickprof_session *session,
			    const struct tickprof_target *target, bool add,
			    struct netlink_ext_ack *extack)
{
	struct tickprof_targets *targets = &session->stream.targets;

	if (target->kind == TICKPROF_TARGET_CPU && session->state == TICKPROF_STATE_RUNNING) {
		NL_SET_ERR_MSG(extack, "CPUs can be chosen only before START");
		return -EBUSY;
	}
	if (add)
		tickprof_wait_retarget(&session->stream);
	return add ? tickprof_target_add(targets, target, extack) :
		     tickprof_target_del(targets, target, extack);
}

/* Bytes held for this session. Session lock held. */
size_t tickprof_session_memory(const struct tickprof_session *session)
{
	const struct tickprof_stream *stream = &session->stream;
	size_t memory = sizeof(*session) + tickprof_target_memory(&stream->targets);

	return stream->sampler ? memory + config_memory(&stream->config) : memory;
}

/* For write: one table. Returns bytes or -errno, as tickprof_store_upload() does. */
ssize_t tickprof_session_upload(struct tickprof_session *session, const char __user *from,
				size_t bytes)
{
	ssize_t done;

	if (mutex_lock_killable(&session->upload_lock))
		return -EINTR;
	done = tickprof_store_upload(&session->tables, from, bytes);
	mutex_unlock(&session->upload_lock);
	return done;
}

/* For mmap and poll, which hold the file but no lock. NULL: no such ring (yet). */
struct tickprof_ring *tickprof_session_ring(struct tickprof_session *session, u64 cpu)
{
	/* Pairs with the release in tickprof_session_configure(). */
	struct tickprof_sampler **samplers = smp_load_acquire(&session->stream.sampler);

	if (!samplers || cpu >= nr_cpu_ids || !samplers[cpu])
		return NULL;
	return &samplers[cpu]->ring;
}

/* Both run on the CPU concerned, with cpus_write_lock() held by the hotplug core. */
static int cpu_comes(unsigned int cpu)
{
	struct tickprof_session *session;

	mutex_lock(&tickprof_session_lock);
	list_for_each_entry(session, &tickprof_sessions, all)
		if (session->state == TICKPROF_STATE_RUNNING)
			tickprof_timer_start_cpu(session->stream.sampler[cpu]);
	mutex_unlock(&tickprof_session_lock);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	struct tickprof_session *session;

	mutex_lock(&tickprof_session_lock);
	list_for_each_entry(session, &tickprof_sessions, all)
		if (session->state == TICKPROF_STATE_RUNNING)
			tickprof_timer_stop_cpu(session->stream.sampler[cpu]);
	mutex_unlock(&tickprof_session_lock);
	return 0;
}

int tickprof_session_init(void)
{
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tickprof:online",
					  cpu_comes, cpu_goes);
	return hotplug_state < 0 ? hotplug_state : 0;
}

void tickprof_session_exit(void)
{
	cpuhp_remove_state(hotplug_state);
}
