/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The step of a user stack over a memory of the test's own. Every read is checked:
 * aligned, in the user half, and no more of them in a step than promised.
 */
#ifndef TICKPROF_TEST_WALKS_H
#define TICKPROF_TEST_WALKS_H

#include <linux/types.h>

/* At the very top of the user half, so that what lies beyond is near. */
#define MEMORY_WORDS	512
#define MEMORY_END	TASK_SIZE_MAX
#define MEMORY_BASE	(MEMORY_END - MEMORY_WORDS * 8)

static unsigned long memory[MEMORY_WORDS];
static int reads_left;		/* in this step */
static int fault_at = -1;	/* the read of this step that faults, from 0 */

#define tickprof_read_user(x, address, label) do {	\
	if (!memory_read(address, &(x)))		\
		goto label;				\
} while (0)

static inline _Bool memory_read(unsigned long address, unsigned long *to);

#include "../../kmod/unwind_step.h"
#include "tables.h"

#define READS_MAX	3

static inline _Bool memory_read(unsigned long address, unsigned long *to)
{
	assert(!(address & 7) && address <= tickprof_arch_user_mask() - 7);
	assert(reads_left-- > 0);
	if (fault_at >= 0 && fault_at-- == 0)
		return false;
	if (address - MEMORY_BASE >= sizeof(memory))
		return false;
	*to = memory[(address - MEMORY_BASE) / 8];
	return true;
}

/*
 * What a walker does with a prepared rule. Where the short way may be taken, both
 * are, and have to agree. Whatever comes out has to keep the promises.
 */
static inline enum tickprof_step walk_step(struct tickprof_walk *w, const struct tickprof_rule *rule)
{
	const unsigned long mask = tickprof_arch_user_mask();
	const struct tickprof_walk before = *w;
	struct tickprof_walk plain = *w;
	enum tickprof_step step, other;
	int fault = fault_at;

	reads_left = READS_MAX;
	step = tickprof_step_any(w, rule, mask);
	if (step != TICKPROF_STEP_ON) {
		assert(w->pc == before.pc && w->sp == before.sp && w->fp == before.fp);
	} else {
		assert(!(w->sp & 7) && w->sp <= mask + 1 && w->pc - PAGE_SIZE < mask);
		assert(w->sp > before.sp || w->falls > before.falls || before.regs || before.context);
		assert(w->sp >= before.sp || w->falls > before.falls);
		assert(w->falls <= TICKPROF_WALK_FALLS);
	}
	/* An empty frame at the very bottom is the exception: one looks below it, at the very top. */
	if (rule->saved & TICKPROF_RULE_PLAIN && (before.sp || rule->offset)) {
		reads_left = 2;
		fault_at = fault;
		other = tickprof_step_plain(rule, mask, &plain.pc, &plain.sp, &plain.fp);
		assert(step == other);
		if (step == TICKPROF_STEP_ON) {
			assert(plain.pc == w->pc && plain.sp == w->sp && plain.fp == w->fp);
			assert(tickprof_step_how(rule) >> TICKPROF_FRAME_SHIFT == w->how);
		}
	}
	fault_at = -1;
	return step;
}

#endif
