// SPDX-License-Identifier: GPL-2.0-only
/*
 * User stacks by unwind tables: for each frame the rule of its instruction, by
 * way of a small cache, and one step.
 *
 * Context: hard irq under RCU, the task is current. One window of user access
 * with page faults disabled, closed while a rule is searched: a page that is not
 * resident ends the walk, flagged; unwind_later.c can do better.
 * Bounds: depth steps, each bounded by unwind_step.h; a search takes 12 + 15
 * look-ups.
 * Code that no table tells of, by want of one or by nature, is walked by frame
 * pointer, frame by frame, and flagged.
 */
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>

#define tickprof_read_user(x, address, label) \
	unsafe_get_user(x, (unsigned long __user *)(address), label)

#include "arch.h"
#include "maps.h"
#include "store.h"
#include "unwind.h"
#include "unwind_step.h"
#include "user.h"

struct tickprof_rule tickprof_unwind_rule(const struct tickprof_maps *maps, unsigned long at)
{
	const struct tickprof_map *map = maps ? tickprof_maps_find(maps, at) : NULL;
	const struct tickprof_table_view *view;

	if (!map)
		return TICKPROF_RULE_NONE;
	view = rcu_dereference(map->file->view);
	return view ? tickprof_table_find(view, at - map->start + map->offset) : TICKPROF_RULE_NONE;
}

/* Out of the window, where calls are allowed. */
static noinline void fill_slot(struct tickprof_rule_slot *slot, u64 id,
			       const struct tickprof_maps *maps, unsigned long at)
{
	slot->rule = tickprof_unwind_rule(maps, at);
	slot->pc = at;
	slot->id = id;
}

/* Pairs with the writers of both numbers (space.c, store.c), which change what they stand for first. */
u64 tickprof_unwind_id(const struct tickprof_maps *maps)
{
	u64 id = smp_load_acquire(&tickprof_store_epoch);

	return maps ? id + smp_load_acquire(&maps->id) : id;
}

/* salt: processes that were forked have the same addresses. */
static __always_inline struct tickprof_rule_slot *slot_of(struct tickprof_rule_cache *cache,
							  unsigned long at, u64 salt)
{
	return &cache->slot[hash_64(at ^ salt, ilog2(TICKPROF_RULE_SLOTS))];
}

u64 tickprof_unwind_tables(struct tickprof_rule_cache *cache, const struct tickprof_maps *maps,
			   const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	const unsigned long mask = tickprof_arch_user_mask();
	const u64 id = tickprof_unwind_id(maps);
	const u64 salt = id << 32;
	u64 *out = stack->ip + stack->nr, *const end = stack->ip + depth;
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct tickprof_walk w;
	unsigned long back = 0;		/* from a return address to its call */
	u64 hash = 0, how, hows = 0;

	tickprof_walk_start(&w, regs, mask);
	tickprof_user_faults_off();
	if (!user_access_begin((void __user *)w.sp, sizeof(u64))) {
		step = TICKPROF_STEP_BROKEN;
		goto out;
	}
	while (likely(out < end)) {
		unsigned long at = w.pc - back;
		struct tickprof_rule_slot *slot = slot_of(cache, at, salt);
		const struct tickprof_rule *rule;

		OPTIMIZER_HIDE_VAR(slot);	/* or it is computed anew for each use */
		rule = &slot->rule;
		if (unlikely(slot->pc != at || slot->id != id)) {
			user_access_end();
			fill_slot(slot, id, maps, at);
			cache->misses++;
			if (!user_access_begin((void __user *)w.sp, sizeof(u64))) {
				step = TICKPROF_STEP_BROKEN;
				goto out;
			}
		}
		/* Each way has an end of its own, so that the short one need not look for it. */
		if (likely(rule->saved & TICKPROF_RULE_PLAIN)) {
			step = tickprof_step_plain(rule, mask, &w.pc, &w.sp, &w.fp);
			if (unlikely(step != TICKPROF_STEP_ON))
				break;
			how = tickprof_step_how(rule);
			back = 1;
		} else {
			if (back) {
				w.regs = NULL;
				w.context = 0;
			}
			step = tickprof_step_any(&w, rule, mask);
			if (step != TICKPROF_STEP_ON)
				break;
			how = (u64)w.how << TICKPROF_FRAME_SHIFT;
			back = w.pc - tickprof_walk_at(&w);
		}
		hows |= how;
		*out++ = w.pc | how;
		hash = tickprof_unwind_hash(hash, w.pc);
	}
	user_access_end();
out:
	tickprof_user_faults_on();
	stack->nr = out - stack->ip;
	stack->hdr.flags |= tickprof_step_flags(step, stack->nr ? out[-1] : 0, hows);
	return hash;
}

bool tickprof_unwind_may_wait(struct tickprof_rule_cache *cache, const struct tickprof_maps *maps,
			      const struct pt_regs *regs, u32 depth)
{
	const unsigned long mask = tickprof_arch_user_mask();
	const u64 id = tickprof_unwind_id(maps);
	const struct tickprof_rule_slot *slot;
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct tickprof_walk w;
	bool may = false, known;
	unsigned long at;
	u32 i;

	tickprof_walk_start(&w, regs, mask);
	tickprof_user_faults_off();
	if (user_access_begin((void __user *)w.sp, sizeof(u64))) {
		for (i = 0; i <= depth && step == TICKPROF_STEP_ON; i++) {
			at = tickprof_walk_at(&w);
			slot = slot_of(cache, at, id << 32);
			known = slot->pc == at && slot->id == id;
			/* Another of its frames has the place: let the task see. */
			may = !known || tickprof_step_may_wait(&slot->rule, w.sp, w.fp);
			step = known ? tickprof_step_any(&w, &slot->rule, mask) : TICKPROF_STEP_UNKNOWN;
		}
		user_access_end();
	}
	tickprof_user_faults_on();
	return may;
}
