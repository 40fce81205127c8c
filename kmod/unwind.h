/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_UNWIND_H
#define TICKPROF_KMOD_UNWIND_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct pt_regs;
struct task_struct;
struct tickprof_maps;

/*
 * Both append return addresses, caller after callee, to the stack->nr that are
 * in stack->ip (room for depth) and add TICKPROF_STACK_* to stack->hdr.flags
 * where the walk ended early. The interrupted instruction itself is not among
 * them. Return the tickprof_unwind_hash() over what they appended. Hard irq; at
 * most depth steps.
 */
u64 tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);
u64 tickprof_unwind_user(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);

/*
 * The kernel stack of a thread that is switched out and stays so meanwhile, as
 * under its run-queue lock; from the return address into the scheduler on.
 */
struct tickprof_blocked_cache;
u64 tickprof_unwind_blocked(struct tickprof_blocked_cache *cache, struct task_struct *task,
			    struct tickprof_stack *stack, u32 depth);
size_t tickprof_unwind_blocked_cache(void);	/* bytes of one, a CPU and session; zeroed */

/*
 * Rules by address, of one CPU and session: the same return addresses recur in
 * nearly every sample. A slot counts only if it was filled under the same id,
 * which is that of the mappings' array and of the set of tables.
 */
#define TICKPROF_RULE_SLOTS	1024	/* a power of two */

struct tickprof_rule_slot {
	u64 pc;
	u64 id;			/* 0: never filled */
	struct tickprof_rule rule;
};

struct tickprof_rule_cache {
	u64 misses;
	struct tickprof_rule_slot slot[TICKPROF_RULE_SLOTS];
};

/*
 * The same by unwind tables, as far as there are any; maps may be NULL. Frames
 * tell how they were found (enum tickprof_how). Under RCU.
 */
u64 tickprof_unwind_tables(struct tickprof_rule_cache *cache, const struct tickprof_maps *maps,
			   const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth);

/*
 * Names the array and the tables that stand behind rules, so that what was found by them
 * can be kept; maps may be NULL. Under RCU.
 */
u64 tickprof_unwind_id(const struct tickprof_maps *maps);

/* The rule for an instruction; maps may be NULL. Under RCU. */
struct tickprof_rule tickprof_unwind_rule(const struct tickprof_maps *maps, unsigned long at);

/*
 * Right after a walk that stopped at a page: is that one that may be waited for, and not
 * where a frame pointer only seems to point? Walks once more. Under RCU.
 */
bool tickprof_unwind_may_wait(struct tickprof_rule_cache *cache, const struct tickprof_maps *maps,
			      const struct pt_regs *regs, u32 depth);

/*
 * The same in the context of the task itself, which is on its way back to user mode at
 * regs: may sleep. Ends at a page that is not there if may_wait() is false.
 */
void tickprof_unwind_later(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth,
			   bool (*may_wait)(struct tickprof_stack *stack));

/* Folds in one address; it chooses a slot and decides nothing, so cheap is good. */
static inline u64 tickprof_unwind_hash(u64 hash, u64 ip)
{
	return (hash << 5 | hash >> 59) ^ ip;
}

#endif
