// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel stacks on arm64: frame records {next frame, return address}, which all
 * of the kernel's C code keeps, from the interrupted registers. The kernel's
 * own walker is only exported from the caller on (stack_trace_save), which
 * would walk the interrupt's own frames first.
 *
 * Context: hard irq. Reads kernel stacks only, and those only: the stack of the
 * interrupted code, and once from there to the task's. Code on a stack that is
 * neither the task's nor the tick's is not followed (flagged as broken).
 * Bounds: depth records; each lies above the last one of its stack.
 * Limits: a leaf function without a record hides its caller; where a return
 * probe is set its trampoline stands in the caller's place.
 */
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/memory.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/stack_pointer.h>

#include "compat/frame_meta.h"
#include "unwind.h"

struct record {
	unsigned long next;
	unsigned long ret;
};

/* What of a stack the next record may lie in. */
struct span {
	unsigned long low;
	unsigned long high;
};

static bool holds(const struct span *span, unsigned long at, size_t size)
{
	return at >= span->low && at < span->high && span->high - at >= size;
}

static struct span task_span(struct task_struct *task)
{
	unsigned long low = (unsigned long)task_stack_page(task);

	return (struct span){ low, low + THREAD_SIZE };
}

/*
 * The stack that the tick runs on: the interrupt stack, or what the interrupted
 * code had left the task's stack for already, which is where it was interrupted
 * then. All such stacks are mapped with this alignment (arch_alloc_vmap_stack).
 */
static struct span our_span(void)
{
	unsigned long low = current_stack_pointer & ~(THREAD_SIZE - 1);

	return (struct span){ low, IS_ENABLED(CONFIG_VMAP_STACK) ? low + THREAD_SIZE : low };
}

/* Without the signature that the kernel's return addresses bear (paciasp). */
static unsigned long return_address(unsigned long address)
{
	return address | GENMASK_ULL(63, vabits_actual);
}

/* Appends callers from the record at fp on; span is what is left of the stack it lies in. */
static u64 walk(struct task_struct *owner, struct span span, unsigned long fp,
		struct tickprof_stack *stack, u32 depth)
{
	const unsigned long root = (unsigned long)&task_pt_regs(owner)->stackframe;
	const struct span task = task_span(owner);
	bool on_task = holds(&task, span.low, 1);
	const struct pt_regs *entered;
	const struct record *record;
	unsigned long ip;
	u32 nr = stack->nr;
	u64 hash = 0;

	while (fp != root) {
		if (!on_task && holds(&task, fp, sizeof(*record))) {
			span = task;
			on_task = true;
		}
		if (fp & 7 || !holds(&span, fp, sizeof(*record)))
			goto broken;
		record = (const struct record *)fp;
		ip = READ_ONCE_NOCHECK(record->ret);
		if (likely(ip)) {
			span.low = (unsigned long)(record + 1);
			fp = READ_ONCE_NOCHECK(record->next);
			ip = return_address(ip);
		} else {
			/* An exception's record, where the kernel marks those with zeros. */
			if (!holds(&span, fp, TICKPROF_FRAME_META_SIZE))
				goto broken;
			entered = tickprof_frame_regs(fp);
			if (!holds(&span, (unsigned long)entered, sizeof(*entered)))
				goto broken;
			span.low = (unsigned long)(entered + 1);
			fp = READ_ONCE_NOCHECK(entered->regs[29]);
			ip = READ_ONCE_NOCHECK(entered->pc);
		}
		if (nr == depth) {
			stack->hdr.flags |= TICKPROF_STACK_DEPTH;
			goto out;
		}
		stack->ip[nr++] = ip;
		hash = tickprof_unwind_hash(hash, ip);
	}
	goto out;
broken:
	stack->hdr.flags |= TICKPROF_STACK_BROKEN;
out:
	stack->nr = nr;
	return hash;
}

u64 tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	struct span span = task_span(current);

	if (!holds(&span, regs->sp, 1))
		span = our_span();
	if (!holds(&span, regs->sp, 1)) {
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
		return 0;
	}
	span.low = regs->sp;
	return walk(current, span, regs->regs[29], stack, depth);
}

/* Frame records cost too little for a cache; this is nobody's size. */
size_t tickprof_unwind_blocked_cache(void)
{
	return sizeof(u64);
}

u64 tickprof_unwind_blocked(struct tickprof_blocked_cache *cache, struct task_struct *task,
			    struct tickprof_stack *stack, u32 depth)
{
	struct span span = task_span(task);
	u64 ip = thread_saved_pc(task), hash;

	stack->ip[stack->nr++] = ip;
	hash = tickprof_unwind_hash(0, ip);
	if (!holds(&span, thread_saved_sp(task), 1)) {
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
		return hash;
	}
	span.low = thread_saved_sp(task);
	return hash ^ walk(task, span, thread_saved_fp(task), stack, depth);
}
