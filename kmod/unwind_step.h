/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step of a user stack: from a frame to its caller, as a rule of an unwind
 * table says (PREPARED RULES in table.h).
 *
 * Who includes this defines before it
 *
 *	tickprof_read_user(x, address, label)	x = *(unsigned long *)address of the
 *						user's, or goto label
 *
 * Context: hard irq, in a window of user access, hence no calls. No state but
 * the caller's; the fuzzer compiles the same file.
 * Bounds: two reads a step, three for a dereferenced CFA, one more for a register
 * from a signal frame, three for a signal frame itself. Every address is masked into the
 * user half, also under speculation. A CFA lies above the last one; only signal
 * frames may lead down (sigaltstack), TICKPROF_WALK_FALLS times a walk. The
 * caller bounds the steps.
 * Limits: a function that has switched stacks looks like a fall: broken.
 */
#ifndef TICKPROF_KMOD_UNWIND_STEP_H
#define TICKPROF_KMOD_UNWIND_STEP_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/mm.h>
#include <linux/tickprof.h>

#include "arch.h"
#include "table.h"

enum tickprof_step {
	TICKPROF_STEP_ON,
	TICKPROF_STEP_ROOT,
	TICKPROF_STEP_ZERO,		/* code that no table tells of, and no frame pointer */
	TICKPROF_STEP_BROKEN,		/* what was read cannot be a stack */
	TICKPROF_STEP_UNKNOWN,		/* the rule cannot be followed from here */
	TICKPROF_STEP_FAULT,		/* a page is not there */
};

#define TICKPROF_WALK_FALLS	4

/*
 * A frame. sp is 8-aligned and masked. "mask" below is tickprof_arch_user_mask().
 * Where registers are known, one of regs and context says where they are.
 */
struct tickprof_walk {
	unsigned long pc;
	unsigned long sp;
	unsigned long fp;
	const struct pt_regs *regs;	/* at the interrupt, or NULL */
	unsigned long context;		/* stack pointer of the signal's trampoline, or 0 */
	u8 how;			/* enum tickprof_how */
	u8 falls;
};

static __always_inline void tickprof_walk_start(struct tickprof_walk *w, const struct pt_regs *regs,
						unsigned long mask)
{
	*w = (struct tickprof_walk){
		.pc = instruction_pointer((struct pt_regs *)regs),
		.sp = tickprof_arch_untagged(user_stack_pointer((struct pt_regs *)regs)) & mask & ~7UL,
		.fp = tickprof_arch_frame_pointer(regs),
		.regs = regs,
		.how = TICKPROF_HOW_REGS,
	};
}

/* The instruction whose rule counts: a call may be the last of its function. */
static __always_inline unsigned long tickprof_walk_at(const struct tickprof_walk *w)
{
	return w->pc - !(w->regs || w->context);
}

/*
 * Whether a word of the user half lies at "to", at "from" or above, aligned as
 * "from". Turned by three bits, a distance that falls or is unaligned becomes
 * larger than any that fits.
 */
static __always_inline bool tickprof_step_rises(unsigned long to, unsigned long from,
						unsigned long mask)
{
	return ror64(to - from, 3) < (mask + 1 - from) >> 3;
}

/* Not in the first page and not above user space. */
static __always_inline bool tickprof_step_may_be_code(unsigned long pc, unsigned long mask)
{
	return pc - PAGE_SIZE < mask;
}

/*
 * A CFA that is none. Programs clear the frame pointer at the root, for walks
 * without CFI; but code that keeps no frame pointers may leave it at zero, too.
 */
static __always_inline enum tickprof_step tickprof_step_fp_ends(const struct tickprof_rule *rule,
								unsigned long fp)
{
	return !fp && rule->saved & TICKPROF_RULE_GUESSED ? TICKPROF_STEP_ZERO : TICKPROF_STEP_BROKEN;
}

/* What tickprof_step_plain() finds when it goes on, in place. */
static __always_inline u64 tickprof_step_how(const struct tickprof_rule *rule)
{
	return (u64)(rule->saved & TICKPROF_RULE_GUESSED) << (TICKPROF_FRAME_SHIFT - 6);
}

/*
 * A step by a PLAIN rule: one line from lookup to lookup, which a sample pays for
 * every frame. What it changes is apart so that it stays in registers; that of
 * struct tickprof_walk which is not here, "regs" and "context" above all, the
 * caller forgets. "slot" is the word below the CFA.
 */
static __always_inline enum tickprof_step
tickprof_step_plain(const struct tickprof_rule *rule, unsigned long mask, unsigned long *pc,
		    unsigned long *sp, unsigned long *fp)
{
	unsigned long slot, ret;

	if (likely(rule->cfa == TICKPROF_CFA_SP)) {
		slot = (*sp + 8UL * rule->offset - 8) & mask;
		if (unlikely(slot < *sp))
			return TICKPROF_STEP_BROKEN;
	} else {
		slot = tickprof_arch_untagged(*fp) + 8L * (s16)rule->offset - 8;
		if (unlikely(!tickprof_step_rises(slot, *sp, mask)))
			return tickprof_step_fp_ends(rule, *fp);
		slot &= mask;
	}
	tickprof_read_user(ret, tickprof_arch_return_slot(slot, rule->ra) & mask, fault);
	ret = tickprof_arch_return_address(ret);
	if (unlikely(!tickprof_step_may_be_code(ret, mask)))
		return ret ? TICKPROF_STEP_BROKEN : TICKPROF_STEP_ROOT;
	if (rule->saved & TICKPROF_FP_AT_CFA)
		tickprof_read_user(*fp, (slot + 8 + 8L * rule->fp) & mask, fault);
	*pc = ret;
	*sp = slot + 8;
	return TICKPROF_STEP_ON;
fault:
	return TICKPROF_STEP_FAULT;
}

static __always_inline enum tickprof_step tickprof_step_signal(struct tickprof_walk *w,
							       unsigned long mask)
{
	const unsigned long at = w->sp;
	unsigned long pc, sp, fp;

	tickprof_read_user(pc, (at + TICKPROF_ARCH_SIGNAL_PC) & mask, fault);
	tickprof_read_user(sp, (at + TICKPROF_ARCH_SIGNAL_SP) & mask, fault);
	tickprof_read_user(fp, (at + TICKPROF_ARCH_SIGNAL_FP) & mask, fault);
	sp = tickprof_arch_untagged(sp) & ~7UL;
	if (sp > mask || !tickprof_step_may_be_code(pc, mask))
		return TICKPROF_STEP_BROKEN;
	if (sp <= at && w->falls++ >= TICKPROF_WALK_FALLS)
		return TICKPROF_STEP_BROKEN;
	w->pc = pc;
	w->sp = sp;
	w->fp = fp;
	w->regs = NULL;
	w->context = at;
	w->how = TICKPROF_HOW_SIGNAL;
	return TICKPROF_STEP_ON;
fault:
	return TICKPROF_STEP_FAULT;
}

/* A register where it is known. */
static __always_inline enum tickprof_step tickprof_step_register(const struct tickprof_walk *w, u16 number,
								 unsigned long mask, unsigned long *value)
{
	if (w->regs)
		*value = tickprof_arch_register(w->regs, number);
	else if (w->context)
		tickprof_read_user(*value, (w->context + tickprof_arch_signal_register(number)) & mask, fault);
	else
		return TICKPROF_STEP_UNKNOWN;
	return TICKPROF_STEP_ON;
fault:
	return TICKPROF_STEP_FAULT;
}

/* The CFA by any rule that has one. */
static __always_inline enum tickprof_step
tickprof_step_cfa(const struct tickprof_walk *w, const struct tickprof_rule *rule,
		  unsigned long mask, unsigned long *cfa)
{
	const unsigned long fp = tickprof_arch_untagged(w->fp);
	const long offset = 8L * (s16)rule->offset;
	enum tickprof_step step;
	unsigned long at = 0;

	switch (rule->cfa) {
	case TICKPROF_CFA_SP:
		*cfa = w->sp + 8UL * rule->offset;
		return TICKPROF_STEP_ON;
	case TICKPROF_CFA_FP:
		*cfa = fp + offset;
		return TICKPROF_STEP_ON;
	case TICKPROF_CFA_PLT:
		*cfa = w->sp + ((tickprof_walk_at(w) & 15) < rule->offset ? 8 : 16);
		return TICKPROF_STEP_ON;
	case TICKPROF_CFA_SP_DEREF:
	case TICKPROF_CFA_FP_DEREF:
		at = (rule->cfa == TICKPROF_CFA_SP_DEREF ? w->sp : fp) + offset;
		if (!tickprof_step_rises(at, 0, mask))
			return TICKPROF_STEP_BROKEN;
		tickprof_read_user(*cfa, at & mask, fault);
		*cfa = tickprof_arch_untagged(*cfa) + 8L * rule->ra;
		return TICKPROF_STEP_ON;
	case TICKPROF_CFA_REGISTER:
		step = tickprof_step_register(w, rule->ra, mask, &at);
		*cfa = tickprof_arch_untagged(at) + offset;
		return step;
	default:
		return TICKPROF_STEP_UNKNOWN;
	}
fault:
	return TICKPROF_STEP_FAULT;
}

/* The caller's frame pointer. */
static __always_inline enum tickprof_step
tickprof_step_fp(const struct tickprof_walk *w, const struct tickprof_rule *rule,
		 unsigned long mask, unsigned long cfa, unsigned long *fp)
{
	unsigned long at = cfa;

	*fp = w->fp;
	if (!(rule->saved & TICKPROF_SAVED_FP))
		return TICKPROF_STEP_ON;
	if ((rule->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_FP) {
		at = tickprof_arch_untagged(w->fp);
		if (!tickprof_step_rises(at, 0, mask))
			return TICKPROF_STEP_BROKEN;
	}
	tickprof_read_user(*fp, (at + 8L * rule->fp) & mask, fault);
	return TICKPROF_STEP_ON;
fault:
	return TICKPROF_STEP_FAULT;
}

/* The return address. */
static __always_inline enum tickprof_step
tickprof_step_return(const struct tickprof_walk *w, const struct tickprof_rule *rule,
		     unsigned long mask, unsigned long cfa, unsigned long *ret)
{
	bool at_ra = rule->cfa == TICKPROF_CFA_SP || rule->cfa == TICKPROF_CFA_FP;

	if (rule->saved & TICKPROF_RA_REGISTER) {
		enum tickprof_step step = tickprof_step_register(w, rule->ra, mask, ret);

		if (step != TICKPROF_STEP_ON)
			return step;
	} else {
		tickprof_read_user(*ret, (cfa + 8L * (at_ra ? rule->ra : -1)) & mask, fault);
	}
	*ret = tickprof_arch_return_address(*ret);
	if (tickprof_step_may_be_code(*ret, mask))
		return TICKPROF_STEP_ON;
	return *ret ? TICKPROF_STEP_BROKEN : TICKPROF_STEP_ROOT;
fault:
	return TICKPROF_STEP_FAULT;
}

/* A step by any rule from any frame. Where it does not go on, the frame stays as it was. */
static __always_inline enum tickprof_step
tickprof_step_any(struct tickprof_walk *w, const struct tickprof_rule *rule, unsigned long mask)
{
	/* A leaf that has pushed nothing has its CFA in SP: only where registers are at hand. */
	const unsigned long least = rule->saved & TICKPROF_RA_REGISTER ? 0 : 8;
	unsigned long cfa, ret, fp;
	enum tickprof_step step;

	if (rule->cfa == TICKPROF_CFA_SIGNAL)
		return tickprof_step_signal(w, mask);
	if (rule->cfa == TICKPROF_CFA_ROOT)
		return TICKPROF_STEP_ROOT;
	step = tickprof_step_cfa(w, rule, mask, &cfa);
	if (step != TICKPROF_STEP_ON)
		return step;
	if (!tickprof_step_rises(cfa - least, w->sp, mask))
		return tickprof_step_fp_ends(rule, w->fp);
	step = tickprof_step_return(w, rule, mask, cfa, &ret);
	if (step != TICKPROF_STEP_ON)
		return step;
	step = tickprof_step_fp(w, rule, mask, cfa, &fp);
	if (step != TICKPROF_STEP_ON)
		return step;
	w->pc = ret;
	w->sp = cfa;
	w->fp = fp;
	w->regs = NULL;
	w->context = 0;
	w->how = rule->saved & TICKPROF_RULE_GUESSED ? TICKPROF_HOW_FP : TICKPROF_HOW_CFI;
	return TICKPROF_STEP_ON;
}

#define TICKPROF_WALK_NEAR	(1UL << 20)

/*
 * May a step by this rule wait for a page, where that is possible? A frame pointer that
 * is guessed to be one has to point near the stack.
 */
static inline bool tickprof_step_may_wait(const struct tickprof_rule *rule, unsigned long sp,
					  unsigned long fp)
{
	return !(rule->saved & TICKPROF_RULE_GUESSED) ||
	       tickprof_arch_untagged(fp) - sp < TICKPROF_WALK_NEAR;
}

/* A chain of frame pointers ends in zero, a mere register does not. */
static inline u16 tickprof_step_end_flags(enum tickprof_step step, u64 last)
{
	switch (step) {
	case TICKPROF_STEP_ON:
		return TICKPROF_STACK_DEPTH;
	case TICKPROF_STEP_ROOT:
		return 0;
	case TICKPROF_STEP_ZERO:
		return last >> TICKPROF_FRAME_SHIFT == TICKPROF_HOW_FP ? 0 : TICKPROF_STACK_BROKEN;
	case TICKPROF_STEP_FAULT:
		return TICKPROF_STACK_FAULT;
	default:
		return TICKPROF_STACK_BROKEN;
	}
}

/*
 * TICKPROF_STACK_* of a walk that this step ended. last: the outermost frame, as written;
 * hows: how its frames were found, all of them or'ed, where frames have that.
 */
static inline u16 tickprof_step_flags(enum tickprof_step step, u64 last, u64 hows)
{
	return tickprof_step_end_flags(step, last) |
	       (hows >> TICKPROF_FRAME_SHIFT & TICKPROF_HOW_FP ? TICKPROF_STACK_FALLBACK : 0);
}

#endif
