/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_UNWIND_KNOWN_H
#define TICKPROF_KMOD_UNWIND_KNOWN_H

#include <linux/types.h>

struct pt_regs;
struct tickprof_maps;
struct tickprof_ring;
struct tickprof_stack;

#define TICKPROF_KNOWN_WORDS	40

/*
 * What decided the last walk of a thread's user stack: registers, rules and words of its
 * memory. Where these are the same again, so is the stack. Zeroed: nothing is known.
 */
struct tickprof_known {
	u64 id;			/* of the rules */
	unsigned long pc;
	unsigned long sp;
	unsigned long fp;
	u16 skip;		/* walks that are not to be learnt from */
	u8 nr;			/* words; 0: only where it began is known */
	bool by_fp;		/* the frame pointer counted */
	u16 place[TICKPROF_KNOWN_WORDS];	/* words above sp */
	unsigned long word[TICKPROF_KNOWN_WORDS];
	/* Where its record was written last, for stack.c; NULL: not since it was walked. */
	const struct tickprof_ring *ring;
	u64 position;
};

enum tickprof_recall {
	TICKPROF_RECALL_SAME,	/* the stack is that of the last walk */
	TICKPROF_RECALL_LEARN,	/* it begins at the same place: tickprof_unwind_learn() */
	TICKPROF_RECALL_WALK,
};

static inline void tickprof_unwind_forget(struct tickprof_known *known)
{
	known->id = 0;
	known->ring = NULL;
}

/* Of current, about to block at regs, under RCU with interrupts off. One read a known word. */
enum tickprof_recall tickprof_unwind_recall(struct tickprof_known *known,
					    const struct tickprof_maps *maps,
					    const struct pt_regs *regs);

/* As tickprof_unwind_tables(), for three times the cost a frame; fills *known. */
u64 tickprof_unwind_learn(struct tickprof_known *known, const struct tickprof_maps *maps,
			  const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);

#endif
