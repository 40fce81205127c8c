// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module with the bugs that the debug kernels look for, one at a time: bug=NAME commits it while the module loads.
 * tests/debug/planted-bugs shows with it that each is reported, and that a run with bug=none is clean.
 */
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define SIZE 48

static char *bug = "none";
module_param(bug, charp, 0);

static void use_after_free(void)
{
	char *p = kzalloc(SIZE, GFP_KERNEL);

	kfree(p);
	WRITE_ONCE(*p, 1);
}

/* Nothing that the compiler can know of. */
static void write_at(char *p, size_t i)
{
	OPTIMIZER_HIDE_VAR(i);
	WRITE_ONCE(p[i], 1);
}

static void out_of_bounds(void)
{
	char *p = kzalloc(SIZE, GFP_KERNEL);

	write_at(p, SIZE);
	kfree(p);
}

/* As a ring that is written beyond its end. */
static void vmalloc_out_of_bounds(void)
{
	char *p = vzalloc(PAGE_SIZE - 8);

	write_at(p, PAGE_SIZE - 8);
	vfree(p);
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void lock_both(struct mutex *a, struct mutex *b)
{
	mutex_lock(a);
	mutex_lock(b);
	mutex_unlock(b);
	mutex_unlock(a);
}

static void lock_inversion(void)
{
	lock_both(&first, &second);
	lock_both(&second, &first);
}

static DEFINE_SPINLOCK(irq_lock);

static enum hrtimer_restart take_irq_lock(struct hrtimer *timer)
{
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
	return HRTIMER_NORESTART;
}

/* A lock of the timer's that is also taken with interrupts on. */
static void irq_lock_state(void)
{
	struct hrtimer timer;

	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer.function = take_irq_lock;
	hrtimer_start(&timer, NSEC_PER_MSEC, HRTIMER_MODE_REL);
	msleep(20);
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
}

static DEFINE_RAW_SPINLOCK(raw_lock);

/* On PREEMPT_RT a spinlock sleeps, and may not be taken here; nor may memory be allocated. */
static void wait_context(void)
{
	raw_spin_lock(&raw_lock);
	spin_lock(&irq_lock);
	spin_unlock(&irq_lock);
	raw_spin_unlock(&raw_lock);
}

static void sleep_in_atomic(void)
{
	preempt_disable();
	kfree(kmalloc(SIZE, GFP_KERNEL));
	preempt_enable();
}

static enum hrtimer_restart do_nothing(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

static void free_armed_timer(void)
{
	struct hrtimer *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer->function = do_nothing;
	hrtimer_start(timer, 100 * NSEC_PER_SEC, HRTIMER_MODE_REL);
	kfree(timer);
}

static unsigned int shifted;

static void shift_out_of_bounds(void)
{
	unsigned int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	WRITE_ONCE(shifted, 1U << by);
}

static u32 table[8];

static void array_index(void)
{
	unsigned int i = ARRAY_SIZE(table);

	OPTIMIZER_HIDE_VAR(i);
	WRITE_ONCE(shifted, table[i]);
}

static noinline void forget(void)
{
	char *p = kmalloc(SIZE, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void leak(void)
{
	int i;

	/* More than one: a stale pointer on some stack hides the last. */
	for (i = 0; i < 8; i++)
		forget();
}

static int __rcu *guarded;

static void rcu_misuse(void)
{
	WRITE_ONCE(shifted, !!rcu_dereference(guarded));
}

static void list_corruption(void)
{
	static LIST_HEAD(head);
	static LIST_HEAD(entry);

	list_add(&entry, &head);
	list_add(&entry, &head);
}

static u64 shared;
static DECLARE_COMPLETION(raced);

static int race(void *unused)
{
	unsigned long end = jiffies + 8 * HZ;

	while (time_before(jiffies, end)) {
		shared++;
		barrier();
		cond_resched();
	}
	complete(&raced);
	return 0;
}

static void race_for_data(void)
{
	struct task_struct *other = kthread_run(race, NULL, "planted");

	if (IS_ERR(other))
		return;
	race(NULL);
	wait_for_completion(&raced);
	wait_for_completion(&raced);
}

static void none(void)
{
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "none", none },
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "vmalloc-out-of-bounds", vmalloc_out_of_bounds },
	{ "lock-inversion", lock_inversion },
	{ "irq-lock-state", irq_lock_state },
	{ "wait-context", wait_context },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "free-armed-timer", free_armed_timer },
	{ "shift-out-of-bounds", shift_out_of_bounds },
	{ "array-index", array_index },
	{ "leak", leak },
	{ "rcu-misuse", rcu_misuse },
	{ "list-corruption", list_corruption },
	{ "data-race", race_for_data },
};

static int __init planted_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("bugs on purpose, for the tests of the debug kernels");
MODULE_LICENSE("GPL");
