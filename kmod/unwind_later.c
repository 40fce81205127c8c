// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user stack walked by its own task, after the tick met a page that was not resident.
 *
 * Context: task work on the way back to user mode. Page faults are enabled where a
 * page is missing: it is read from the file or from swap, which may take its time.
 * Bounds: depth steps, as unwind_step.h bounds them; the caller says before each wait
 * whether it may be.
 * The rule is searched for each frame: the cache of rules is the tick's.
 * A frame pointer that is taken for one by want of a table may be anything: far
 * from the stack it is followed only where the memory is there, so that no guess
 * reads from a disk.
 * Nor is a page waited for where userfaultfd has the program itself provide it: the
 * thread that does so may want a lock that this one has, which would not have looked
 * at that page before it lets go.
 * Limits: a page of a filesystem in user space, mapped as a stack, is waited for.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>

#define tickprof_read_user(x, address, label) \
	unsafe_get_user(x, (unsigned long __user *)(address), label)

#include "arch.h"
#include "space.h"
#include "unwind.h"
#include "unwind_alone.h"
#include "user.h"

static struct tickprof_rule rule_at(unsigned long at)
{
	struct tickprof_rule rule;

	rcu_read_lock();
	rule = tickprof_unwind_rule(tickprof_space_maps(current->mm), at);
	rcu_read_unlock();
	return rule;
}

/* Does the kernel itself provide what the stack may reach at once? */
static bool kernel_provides(unsigned long sp)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool provides = true;

	if (mmap_read_lock_killable(mm))
		return false;
	for (vma = find_vma(mm, sp); vma && provides && vma->vm_start < sp + TICKPROF_WALK_NEAR;
	     vma = find_vma(mm, vma->vm_end))
		provides = !userfaultfd_armed(vma);
	mmap_read_unlock(mm);
	return provides;
}

/* Without waiting, if that is possible. */
static enum tickprof_step step_on(struct tickprof_walk *w, const struct tickprof_rule *rule,
				  unsigned long mask, struct tickprof_stack *stack,
				  bool (*may_wait)(struct tickprof_stack *stack))
{
	enum tickprof_step step;

	tickprof_user_faults_off();
	step = tickprof_step_alone(w, rule, mask);
	tickprof_user_faults_on();
	if (step != TICKPROF_STEP_FAULT || !tickprof_step_may_wait(rule, w->sp, w->fp) ||
	    !may_wait(stack) || !kernel_provides(w->sp))
		return step;
	return tickprof_step_alone(w, rule, mask);
}

void tickprof_unwind_later(const struct pt_regs *regs, struct tickprof_stack *stack, u32 depth,
			   bool (*may_wait)(struct tickprof_stack *stack))
{
	const unsigned long mask = tickprof_arch_user_mask();
	enum tickprof_step step = TICKPROF_STEP_ON;
	struct tickprof_rule rule;
	struct tickprof_walk w;
	u64 how, hows = 0;

	tickprof_walk_start(&w, regs, mask);
	while (stack->nr < depth) {
		rule = rule_at(tickprof_walk_at(&w));
		step = step_on(&w, &rule, mask, stack, may_wait);
		if (step != TICKPROF_STEP_ON)
			break;
		how = (u64)w.how << TICKPROF_FRAME_SHIFT;
		hows |= how;
		stack->ip[stack->nr++] = w.pc | how;
		cond_resched();
	}
	stack->hdr.flags |= tickprof_step_flags(step, stack->nr ? stack->ip[stack->nr - 1] : 0, hows);
	if (step != TICKPROF_STEP_FAULT)
		stack->hdr.flags |= TICKPROF_STACK_LATER;
}
