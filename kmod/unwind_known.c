// SPDX-License-Identifier: GPL-2.0-only
/*
 * User stacks of threads that block, recognised instead of walked: a thread waits at
 * the same place over and over. A walk follows from registers, rules and the words it
 * reads, so one that is to be learnt from notes each word; if all are the same at the
 * next wait, that one has the stack of this.
 *
 * A saved frame pointer counts only if a later frame is found by it: code built without
 * frame pointers keeps anything in that register.
 *
 * Context: hard irq or interrupts off, the task is current, under RCU. Page faults are
 * off: a walk that ends at a page is not kept, nor one that is broken.
 * Memory: a struct tickprof_known a thread, and one of notes a CPU.
 * Bounds: depth steps and KNOWN_WORDS words. A walk is learnt from where a thread blocks
 * at the same place twice running; where its words then differ, again after RETRY
 * walks, and where it cannot be kept, after RETRY_LATE.
 * Limits: a thread that blocks at two places by turns is walked each time.
 */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>

#include "unwind_known.h"

/* Words that decide a walk. */
struct notes {
	u32 nr;			/* more than fit: it cannot be learnt */
	unsigned long at[TICKPROF_KNOWN_WORDS];
	unsigned long word[TICKPROF_KNOWN_WORDS];
};

static DEFINE_PER_CPU(struct notes, notes);

static __always_inline void note(unsigned long at, unsigned long word)
{
	/* No calls here, as this_cpu_ptr() and checked arrays are in some kernels. */
	struct notes *n = raw_cpu_ptr(&notes);
	unsigned long *ats = n->at, *words = n->word;

	if (n->nr < TICKPROF_KNOWN_WORDS) {
		ats[n->nr] = at;
		words[n->nr] = word;
	}
	n->nr++;
}

#define tickprof_read_user(x, address, label) do {					\
	const unsigned long __at = (address);						\
											\
	unsafe_get_user(x, (unsigned long __user *)__at, label);			\
	note(__at, x);									\
} while (0)

#include "arch.h"
#include "maps.h"
#include "unwind.h"
#include "unwind_alone.h"
#include "user.h"

#define RETRY		16
#define RETRY_LATE	1024
#define PLACE_MAX	0xffffUL

static void begin_at(struct tickprof_known *known, u64 id, const struct tickprof_walk *w)
{
	known->id = id;
	known->pc = w->pc;
	known->sp = w->sp;
	known->nr = 0;
	known->skip = 0;
	known->ring = NULL;
}

static bool same_words(const struct tickprof_known *known, unsigned long sp)
{
	const unsigned long mask = tickprof_arch_user_mask();
	const unsigned long *word = known->word, *const last = word + known->nr;
	const u16 *place = known->place;
	unsigned long found;

	tickprof_user_faults_off();
	if (user_access_begin((void __user *)sp, sizeof(u64))) {
		for (; word < last; word++) {
			unsafe_get_user(found, (unsigned long __user *)((sp + 8UL * *place++) & mask), end);
			if (unlikely(found != *word))
				break;
		}
end:
		user_access_end();
	}
	tickprof_user_faults_on();
	return word == last;
}

enum tickprof_recall tickprof_unwind_recall(struct tickprof_known *known,
					    const struct tickprof_maps *maps,
					    const struct pt_regs *regs)
{
	const u64 id = tickprof_unwind_id(maps);
	struct tickprof_walk w;

	tickprof_walk_start(&w, regs, tickprof_arch_user_mask());
	if (known->id != id || known->pc != w.pc || known->sp != w.sp) {
		begin_at(known, id, &w);
		return TICKPROF_RECALL_WALK;
	}
	if (likely(known->nr)) {
		if (likely((known->fp == w.fp || !known->by_fp) && same_words(known, w.sp)))
			return TICKPROF_RECALL_SAME;
		known->nr = 0;
		known->skip = RETRY;
	}
	known->ring = NULL;
	if (!known->skip)
		return TICKPROF_RECALL_LEARN;
	known->skip--;
	return TICKPROF_RECALL_WALK;
}

static bool goes_by_fp(const struct tickprof_rule *rule)
{
	return rule->cfa == TICKPROF_CFA_FP || rule->cfa == TICKPROF_CFA_FP_DEREF ||
	       (rule->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_FP;
}

/* From registers beside those that are compared? */
static bool goes_by_others(const struct tickprof_walk *w, const struct tickprof_rule *rule)
{
	return w->regs && (rule->cfa == TICKPROF_CFA_REGISTER || rule->saved & TICKPROF_RA_REGISTER);
}

static void keep_notes(struct tickprof_known *known, const struct notes *n)
{
	unsigned long place;
	u32 i;

	known->skip = RETRY_LATE;
	if (n->nr > TICKPROF_KNOWN_WORDS)
		return;
	for (i = 0; i < n->nr; i++) {
		place = (n->at[i] - known->sp) / 8;
		if (place > PLACE_MAX || known->sp + 8 * place != n->at[i])
			return;
		known->place[i] = place;
		known->word[i] = n->word[i];
	}
	known->nr = n->nr;
}

u64 tickprof_unwind_learn(struct tickprof_known *known, const struct tickprof_maps *maps,
			  const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	const unsigned long mask = tickprof_arch_user_mask();
	enum { FROM_REGS, ASIDE, NOTED } fp = FROM_REGS;
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct notes *n = this_cpu_ptr(&notes);
	unsigned long fp_at = 0, fp_word = 0;
	struct tickprof_rule rule;
	struct tickprof_walk w;
	u64 hash = 0, how, hows = 0;
	bool certain = true;

	n->nr = 0;
	tickprof_walk_start(&w, regs, mask);
	known->fp = w.fp;
	known->by_fp = false;
	tickprof_user_faults_off();
	while (stack->nr < depth) {
		rule = tickprof_unwind_rule(maps, tickprof_walk_at(&w));
		certain = certain && !goes_by_others(&w, &rule);
		if (goes_by_fp(&rule)) {
			if (fp == ASIDE)
				note(fp_at, fp_word);
			known->by_fp |= fp == FROM_REGS;
			fp = fp == ASIDE ? NOTED : fp;
		}
		step = tickprof_step_alone(&w, &rule, mask);
		if (step != TICKPROF_STEP_ON)
			break;
		if (rule.cfa == TICKPROF_CFA_SIGNAL) {
			fp = NOTED;
		} else if (rule.saved & TICKPROF_SAVED_FP && n->nr <= TICKPROF_KNOWN_WORDS) {
			/* The last word that a step reads. */
			n->nr--;
			fp_at = n->at[n->nr];
			fp_word = n->word[n->nr];
			fp = ASIDE;
		}
		how = (u64)w.how << TICKPROF_FRAME_SHIFT;
		hows |= how;
		stack->ip[stack->nr++] = w.pc | how;
		hash = tickprof_unwind_hash(hash, w.pc);
	}
	tickprof_user_faults_on();
	stack->hdr.flags |= tickprof_step_flags(step, stack->nr ? stack->ip[stack->nr - 1] : 0, hows);
	if (!certain || stack->hdr.flags & (TICKPROF_STACK_FAULT | TICKPROF_STACK_BROKEN))
		n->nr = TICKPROF_KNOWN_WORDS + 1;
	keep_notes(known, n);
	return hash;
}
