// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tick: one pinned hard-irq hrtimer a CPU and session.
 *
 * Context: the callback runs in hard irq, also on PREEMPT_RT. It takes no lock,
 * allocates nothing, and everything it calls is bounded. Start and stop are
 * process context under cpus_read_lock() and the session lock, or CPU hotplug.
 *
 * Jitter: each period is drawn uniformly from [P/2, 3P/2), so that samples do
 * not march with the scheduler's tick; the mean is P. CPUs start P/n apart.
 * Idle: on an idle CPU the timer is not re-armed; the next switch away from
 * idle does it, on the old grid, so that short bursts keep their fair chance.
 * Throttle: the callback's own cycles are paid from a credit that grows with
 * the cycle counter by the permitted share; ticks without credit are given up.
 * So are the cycles of walks that tasks finish (held.c), which may take what they
 * were lent of it and one frame more that waits for pages.
 * What would drive the debt beyond DEBT_MAX is not charged but counted: no tick
 * takes that long by itself, a hypervisor or firmware had the CPU meanwhile, or the
 * kernel itself, to make room for a page of a stack. So
 * cycles - stolen <= share * elapsed + CREDIT_MAX + DEBT_MAX on every CPU.
 */
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>

#include "arch.h"
#include "compat/hrtimer.h"
#include "sample.h"
#include "stream.h"
#include "timer.h"

#define TIMER_MODE	HRTIMER_MODE_ABS_PINNED_HARD
#define CREDIT_MAX	tickprof_arch_cycles_ms()	/* cycles saved up at most */
#define CREDIT_LEAST	(CREDIT_MAX / 32)	/* less is not worth lending */
#define DEBT_MAX	CREDIT_MAX

/* Some sampler of this CPU waits for the end of idle: a hint that spares the walk. */
static DEFINE_PER_CPU(bool, idle_stopped_any);

static u64 jittered_period(struct tickprof_sampler *s)
{
	u32 x = s->random;
	u64 period = s->config->period;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	s->random = x;
	return period / 2 + mul_u64_u32_shr(period, x, 32);
}

/* Set the next expiry; returns how many whole periods went by unserved. */
static u32 advance(struct tickprof_sampler *s, u64 now)
{
	u64 next = ktime_to_ns(hrtimer_get_expires(&s->timer)) + jittered_period(s);
	u32 missed = 0;

	if (unlikely(next <= now)) {
		missed = div64_u64(now - next, s->config->period) + 1;
		next += missed * s->config->period;
	}
	hrtimer_set_expires(&s->timer, ns_to_ktime(next));
	return missed;
}

static bool may_spend(struct tickprof_sampler *s, u64 cycles)
{
	u64 elapsed = cycles - s->credited;

	s->credited = cycles;
	s->credit += min_t(u64, elapsed, U32_MAX) * s->config->throttle_share >> 10;
	if (s->credit > CREDIT_MAX)
		s->credit = CREDIT_MAX;
	return s->credit >= 0;
}

static void charge(struct tickprof_sampler *s, u64 spent)
{
	tickprof_add(s, TICKPROF_COUNTER_CYCLES, spent);
	s->credit -= spent;
	if (unlikely(s->credit < -DEBT_MAX)) {
		tickprof_add(s, TICKPROF_COUNTER_STOLEN, -DEBT_MAX - s->credit);
		s->credit = -DEBT_MAX;
	}
}

/*
 * For work that a tick leaves to its task: cycles taken off the credit until they are
 * settled; half of what there is, so that others find some. 0: too little for anything.
 * Both on the sampler's CPU with interrupts off.
 */
u64 tickprof_timer_lend(struct tickprof_sampler *s)
{
	u64 lent;

	if (!s->config->throttle_share)
		return S64_MAX;
	if (s->credit < CREDIT_LEAST)
		return 0;
	lent = s->credit / 2;
	s->credit -= lent;
	return lent;
}

/* lent: 0 where it was another CPU's. spent: what the work took, in all. */
void tickprof_timer_settle(struct tickprof_sampler *s, u64 lent, u64 spent)
{
	if (s->config->throttle_share)
		s->credit += lent;
	charge(s, spent);
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct tickprof_sampler *s = container_of(timer, struct tickprof_sampler, timer);
	const struct tickprof_config *config = s->config;
	u64 now = ktime_get_mono_fast_ns();
	u64 cycles;
	u32 missed = advance(s, now);

	tickprof_count(s, TICKPROF_COUNTER_TICKS);
	if (unlikely(config->flags & TICKPROF_F_EMPTY))
		return HRTIMER_RESTART;
	if (unlikely(missed)) {
		tickprof_add(s, TICKPROF_COUNTER_MISSED, missed);
		s->missed += missed;
	}
	if (is_idle_task(current) && !(config->flags & TICKPROF_F_IDLE)) {
		tickprof_count(s, TICKPROF_COUNTER_IDLE);
		if (!config->sleep_idle)
			return HRTIMER_RESTART;
		s->idle_stopped = true;
		__this_cpu_write(idle_stopped_any, true);
		return HRTIMER_NORESTART;
	}
	cycles = get_cycles();
	if (config->throttle_share && unlikely(!may_spend(s, cycles))) {
		tickprof_count(s, TICKPROF_COUNTER_THROTTLED);
		return HRTIMER_RESTART;
	}
	if (tickprof_sample_take(s, now))
		irq_work_queue(&s->wake);
	charge(s, get_cycles() - cycles);
	return HRTIMER_RESTART;
}

void tickprof_timer_init(struct tickprof_sampler *s)
{
	tickprof_hrtimer_setup(&s->timer, tick, CLOCK_MONOTONIC, TIMER_MODE);
}

/*
 * Called from sched_switch when the idle task is switched out: under the
 * run-queue lock, interrupts off. Arming a hard hrtimer there is what the
 * scheduler itself does.
 */
void tickprof_timer_leave_idle(void)
{
	struct tickprof_stream *stream;
	u64 now, next;

	if (likely(!__this_cpu_read(idle_stopped_any)))
		return;
	__this_cpu_write(idle_stopped_any, false);
	now = ktime_get_mono_fast_ns();
	list_for_each_entry_rcu(stream, &tickprof_streams, running) {
		struct tickprof_sampler *s = stream->sampler[smp_processor_id()];

		if (!s->idle_stopped || READ_ONCE(s->halted))
			continue;
		s->idle_stopped = false;
		next = ktime_to_ns(hrtimer_get_expires(&s->timer));
		if (next <= now)
			next += (div64_u64(now - next, s->config->period) + 1) *
				s->config->period;
		hrtimer_start(&s->timer, ns_to_ktime(next), TIMER_MODE);
	}
}

/* On the sampler's own CPU, interrupts off or hotplug thread. */
static void start_here(void *data)
{
	struct tickprof_sampler *s = data;
	u64 period = s->config->period;
	u64 stagger = div_u64(period * s->cpu, nr_cpu_ids) + jittered_period(s);

	s->halted = false;
	s->idle_stopped = false;
	s->missed = 0;
	s->credit = s->config->throttle_share ? CREDIT_MAX : S64_MAX;	/* never used up */
	s->credited = get_cycles();
	hrtimer_start(&s->timer, ns_to_ktime(ktime_get_mono_fast_ns() + stagger), TIMER_MODE);
}

static bool wanted(const struct tickprof_sampler *s)
{
	const struct tickprof_targets *t = &s->stream->targets;

	if (s->config->flags & TICKPROF_F_NO_TICKS)
		return false;
	return !(t->kinds & BIT(TICKPROF_TARGET_CPU)) || cpumask_test_cpu(s->cpu, t->cpus);
}

/* CPU s->cpu is online and stays so: hotplug callback on that CPU, or cpus_read_lock(). */
void tickprof_timer_start_cpu(struct tickprof_sampler *s)
{
	if (wanted(s))
		smp_call_function_single(s->cpu, start_here, s, true);
}

/*
 * The stream is off the list of running ones and a grace period has passed, or
 * we are on the CPU that is going away: no switch away from idle is under way
 * that has not seen "halted", so nothing re-arms the timer behind our back.
 */
void tickprof_timer_stop_cpu(struct tickprof_sampler *s)
{
	WRITE_ONCE(s->halted, true);
	hrtimer_cancel(&s->timer);
	irq_work_sync(&s->wake);
}

/* cpus_read_lock() held. */
void tickprof_timer_start(struct tickprof_stream *stream)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		tickprof_timer_start_cpu(stream->sampler[cpu]);
}

void tickprof_timer_stop(struct tickprof_stream *stream)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		tickprof_timer_stop_cpu(stream->sampler[cpu]);
}
