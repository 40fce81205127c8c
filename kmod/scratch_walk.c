// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uaccess.h>
#define tickprof_read_user(x, address, label) unsafe_get_user(x, (const unsigned long __user *)(address), label)
#include "unwind_step.h"
#include "unwind.h"
struct cached { u64 pc; struct tickprof_rule rule; };
u64 scratch_walk(struct tickprof_walk *start, const struct cached *cache, u64 salt, u64 *out, u64 *end, enum tickprof_step *last);
u64 scratch_walk(struct tickprof_walk *start, const struct cached *cache, u64 salt, u64 *out, u64 *end, enum tickprof_step *last)
{
	unsigned long mask = tickprof_arch_user_mask();
	unsigned long pc = start->pc, sp = start->sp, fp = start->fp;
	u64 hash = 0;
	enum tickprof_step step = TICKPROF_STEP_ON;

	if (!user_access_begin((void __user *)sp, 8))
		return 0;
	while (out < end) {
		unsigned long at = pc - 1;
		const struct cached *c = &cache[(at ^ at >> 8) & 1023];
		if (unlikely(c->pc != (at ^ salt) || !(c->rule.saved & TICKPROF_RULE_PLAIN)))
			break;
		step = tickprof_step_plain(&c->rule, mask, &pc, &sp, &fp);
		if (unlikely(step != TICKPROF_STEP_ON))
			break;
		*out = pc | tickprof_step_found(&c->rule);
		hash = tickprof_unwind_hash(hash, *out++);
	}
	user_access_end();
	start->pc = pc; start->sp = sp; start->fp = fp;
	*last = step;
	return hash;
}
enum tickprof_step scratch_any(struct tickprof_walk *w, const struct tickprof_rule *rule);
enum tickprof_step scratch_any(struct tickprof_walk *w, const struct tickprof_rule *rule)
{
	enum tickprof_step s;
	if (!user_access_begin((void __user *)w->sp, 8))
		return TICKPROF_STEP_FAULT;
	s = tickprof_step_any(w, rule, tickprof_arch_user_mask());
	user_access_end();
	return s;
}
u64 scratch_find(const struct tickprof_table_view *v, u64 off);
u64 scratch_find(const struct tickprof_table_view *v, u64 off)
{
	struct tickprof_rule r = tickprof_table_find(v, off);
	return *(u64 *)&r;
}
