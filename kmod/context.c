// SPDX-License-Identifier: GPL-2.0-only
/*
 * The span that a thread is in, as it has published it: read from its memory by
 * way of what its thread pointer says now.
 *
 * Context: hard irq, or interrupts off in the scheduler; the thread is current, so
 * that what is read is as the thread's own last instruction left it. One window of
 * user access with page faults disabled.
 * Bounds: nine words and TICKPROF_CONTEXT_ATTRS_MAX bytes of attributes, of which
 * at most half as many are entries. Addresses are checked to lie in the user half,
 * all their bytes, and masked into it for speculation: a hostile record costs what
 * any does and reads nothing but user memory.
 * The format is OTEP 4947's: trace_id[16], span_id[8], u8 valid, u8 trace_flags,
 * u16 attrs_size, attrs; in the machine's byte order, 2-aligned.
 */
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "arch.h"
#include "compat/kernel_worker.h"
#include "context.h"
#include "contexts.h"
#include "stack.h"
#include "stream.h"

/* In the order of the counters from TICKPROF_COUNTER_CONTEXT_READ on. */
enum look {
	LOOK_READ,
	LOOK_NONE,
	LOOK_ABSENT,
	LOOK_UNKNOWN,
	LOOK_INVALID,
	LOOK_FAULT,
};

#define RECORD_TAIL	24	/* valid, trace_flags, attrs_size */
#define RECORD_ATTRS	28
#define ATTRS_MAX	TICKPROF_CONTEXT_ATTRS_MAX

struct seen {
	u64 trace_id[2];
	u64 span_id;
	u32 tail;
	u32 attrs_size;		/* bytes that were read */
};

#define VALID(tail)		((u8)(tail))
#define TRACE_FLAGS(tail)	((u8)((tail) >> 8))
#define ATTRS_SIZE(tail)	((tail) >> 16)

/* All of x at "at", which may be anything, in a window of user access. */
#define READ_USER(x, at, label) do {						\
	unsigned long at_ = tickprof_arch_untagged(at);				\
										\
	if (unlikely(at_ > TASK_SIZE_MAX - sizeof(x)))				\
		goto label;							\
	unsafe_get_user(x, (typeof(x) __user *)(at_ & tickprof_arch_user_mask()), label); \
} while (0)

/* attrs: room for ATTRS_MAX bytes, or NULL: they are not wanted. */
static enum look follow(const struct tickprof_context_location *l, struct seen *seen, u64 *attrs)
{
	unsigned long tp = tickprof_arch_untagged(tickprof_arch_thread_pointer());
	unsigned long at = tp + l->offset, vector, count, block;
	enum look look = LOOK_NONE;
	u32 i = 0, size = 0;

	pagefault_disable();
	/* The thread pointer only opens the window; each address is checked. */
	if (!user_access_begin((void __user *)tp, sizeof(u64))) {
		pagefault_enable();
		return LOOK_FAULT;
	}
	if (l->kind == TICKPROF_CONTEXT_DTV) {
		READ_USER(vector, tp + l->vector_at, fault);
		READ_USER(count, vector + l->count_at, fault);
		if (l->module > count)
			goto end;
		READ_USER(block, vector + (u64)l->module * l->stride, fault);
		if (!block || !~block)
			goto end;
		at = block + l->offset;
	}
	READ_USER(at, at, fault);
	if (!at)
		goto end;
	look = LOOK_INVALID;
	if (at & 1)
		goto end;
	READ_USER(seen->tail, at + RECORD_TAIL, fault);
	if (VALID(seen->tail) != 1)
		goto end;
	READ_USER(seen->trace_id[0], at, fault);
	READ_USER(seen->trace_id[1], at + 8, fault);
	READ_USER(seen->span_id, at + 16, fault);
	if (attrs) {
		u8 *bytes = (u8 *)attrs;

		size = min_t(u32, ATTRS_SIZE(seen->tail), ATTRS_MAX);
		for (; i + 8 <= size; i += 8)
			READ_USER(attrs[i / 8], at + RECORD_ATTRS + i, end_of_attrs);
		for (; i < size; i++)
			READ_USER(bytes[i], at + RECORD_ATTRS + i, end_of_attrs);
	}
end_of_attrs:
	look = seen->trace_id[0] | seen->trace_id[1] | seen->span_id ? LOOK_READ : LOOK_NONE;
	seen->attrs_size = i;
	goto end;
fault:
	look = LOOK_FAULT;
end:
	user_access_end();
	pagefault_enable();
	return look;
}

/* Those of wanted keys; returns their bytes. cut: there are more. */
static u32 keep_attrs(const struct tickprof_context_location *l, const u8 *from, u32 size, u8 *to,
		      bool *cut)
{
	u32 at = 0, kept = 0, whole;

	for (; at + 2 <= size; at += whole) {
		whole = 2 + from[at + 1];
		if (at + whole > size)
			break;
		if (!(l->keys[from[at] / 8] & 1 << from[at] % 8))
			continue;
		if (kept + whole > TICKPROF_CONTEXT_KEPT_MAX) {
			*cut = true;
			continue;
		}
		memcpy(to + kept, from + at, whole);
		kept += whole;
	}
	return kept;
}

static void fill(struct tickprof_thread_context *to, const struct seen *seen)
{
	u64 *ids = (u64 *)to->trace_id;

	BUILD_BUG_ON(offsetof(struct tickprof_thread_context, span_id) !=
		     offsetof(struct tickprof_thread_context, trace_id) + 16);
	to->hdr = (struct tickprof_record){
		.type = TICKPROF_RECORD_CONTEXT,
		.flags = TRACE_FLAGS(seen->tail),
		.size = sizeof(*to),
	};
	ids[0] = seen->trace_id[0];
	ids[1] = seen->trace_id[1];
	ids[2] = seen->span_id;
}

static void fill_attrs(struct tickprof_sampler *s, const struct tickprof_context_location *l,
		       const struct seen *seen, struct tickprof_context_record *to)
{
	bool cut = ATTRS_SIZE(seen->tail) > seen->attrs_size;
	u32 kept, padding;

	kept = keep_attrs(l, (const u8 *)s->context->attrs, seen->attrs_size, to->attrs, &cut);
	padding = -kept & 7;
	memset(to->attrs + kept, 0, padding);
	to->context.hdr.size += kept + padding;
	to->context.hdr.flags |= padding << 8;
	if (cut) {
		to->context.hdr.flags |= TICKPROF_CONTEXT_CUT;
		tickprof_count(s, TICKPROF_COUNTER_CONTEXT_CUT);
	}
}

/* Under RCU. "l" is set with LOOK_READ. */
static enum look look(const struct tickprof_contexts *contexts, const struct tickprof_context_location **l,
		      struct seen *seen, u64 *attrs)
{
	const struct tickprof_context_place *place;
	struct task_struct *task = current;

	if (unlikely(tickprof_kernel_worker(task) || !task->mm))
		return LOOK_ABSENT;
	place = tickprof_contexts_find(contexts, task->mm);
	if (unlikely(!place))
		return LOOK_UNKNOWN;
	*l = &place->location;
	if (place->location.kind == TICKPROF_CONTEXT_ABSENT)
		return LOOK_ABSENT;
	return follow(*l, seen, place->location.any_key ? attrs : NULL);
}

/* Of current; what became of it is counted. False: it is in no span that could be read. */
bool tickprof_context_take(struct tickprof_sampler *s, struct tickprof_context_record *to)
{
	const struct tickprof_context_location *l;
	struct seen seen;
	enum look found;

	BUILD_BUG_ON(TICKPROF_COUNTER_CONTEXT_READ + LOOK_FAULT != TICKPROF_COUNTER_CONTEXT_FAULT);
	rcu_read_lock();
	found = look(s->stream->contexts, &l, &seen, s->context->attrs);
	tickprof_count(s, TICKPROF_COUNTER_CONTEXT_READ + found);
	if (found == LOOK_READ) {
		fill(&to->context, &seen);
		if (unlikely(l->any_key && ATTRS_SIZE(seen.tail)))
			fill_attrs(s, l, &seen, to);
	}
	rcu_read_unlock();
	return found == LOOK_READ;
}

/* Likewise of current, which wakes another thread; ids only, and not counted. */
bool tickprof_context_take_waker(const struct tickprof_stream *stream,
				 struct tickprof_thread_context *to)
{
	const struct tickprof_context_location *l;
	struct seen seen;
	enum look found;

	rcu_read_lock();
	found = look(stream->contexts, &l, &seen, NULL);
	if (found == LOOK_READ)
		fill(to, &seen);
	rcu_read_unlock();
	return found == LOOK_READ;
}

/* Position of an equal CONTEXT record; false if it found no room (counted). */
bool tickprof_context_put(struct tickprof_sampler *s, const struct tickprof_thread_context *context,
			  u64 *position)
{
	const u64 *ids = (const u64 *)context->trace_id;
	u64 hash = ids[0] ^ ids[1] ^ ids[2];

	return tickprof_stack_put_once(s, &context->hdr,
				       &s->context->slot[hash_64(hash, ilog2(TICKPROF_CONTEXT_SLOTS))],
				       TICKPROF_COUNTER_CONTEXTS, TICKPROF_COUNTER_CONTEXT_HITS,
				       position);
}

/* From the fork tracepoint. */
void tickprof_context_fork(struct task_struct *child)
{
	struct tickprof_stream *stream;

	if (!current->mm || !child->mm || child->mm == current->mm)
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(stream, &tickprof_streams, running)
		if (stream->contexts)
			tickprof_contexts_copy(stream->contexts, current->mm, child->mm);
	rcu_read_unlock();
}
