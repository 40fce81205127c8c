// SPDX-License-Identifier: GPL-2.0-only
/*
 * The span that a thread is in, as it has published it: read from its memory by
 * way of what its thread pointer says now.
 *
 * Context: hard irq, or interrupts off in the scheduler; the thread is current, so
 * that what is read is as the thread's own last instruction left it. One window of
 * user access with page faults disabled.
 * Bounds: eight words and TICKPROF_CONTEXT_ATTRS_MAX bytes of attributes, of which
 * at most half as many are entries. Addresses are checked to lie in the user half with
 * all their bytes, or aligned, and masked into it: a hostile record costs what
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
#include "user.h"

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

#define VALID(tail)		((u8)(tail))
#define TRACE_FLAGS(tail)	((u8)((tail) >> 8))
#define ATTRS_SIZE(tail)	((tail) >> 16)

/* Whether "size" bytes at "at" are all in the user half. */
static __always_inline bool in_user(unsigned long at, unsigned long size)
{
	return at <= TASK_SIZE_MAX - size;
}

/* The word x at "at", which may be anything, in a window of user access. */
#define READ_WORD(x, at, mask, label) do {					\
	unsigned long at_ = tickprof_arch_untagged(at);				\
										\
	if (unlikely(!in_user(at_, sizeof(u64))))				\
		goto label;							\
	unsafe_get_user(x, (unsigned long __user *)(at_ & (mask)), label);	\
} while (0)

/* Returns how many of "size" bytes could be read. In a window of user access; all are in the user half. */
static __always_inline u32 read_attrs(unsigned long at, u32 size, u64 *attrs)
{
	u8 *bytes = (u8 *)attrs;
	u32 i = 0;

	for (; i + 8 <= size; i += 8)
		unsafe_get_user(attrs[i / 8], (u64 __user *)(at + i), end);
	for (; i < size; i++)
		unsafe_get_user(bytes[i], (u8 __user *)(at + i), end);
end:
	return i;
}

/* What is read of a record: both ids, and "tail". No array, which would want a stack guard. */
struct span {
	u64 trace_high;
	u64 trace_low;
	u64 span_id;
	u32 tail;
	u32 attrs_size;		/* bytes of attributes that were read */
};

/*
 * cache: has room for attributes; NULL: they are not wanted. A line from the thread
 * pointer to the ids, which each sample pays for: a record is checked and masked once,
 * as a whole.
 */
static __always_inline enum look follow(const struct tickprof_context_location *l,
					struct span *to, struct tickprof_context_cache *cache)
{
	const unsigned long mask = tickprof_arch_user_mask();
	unsigned long tp = tickprof_arch_untagged(tickprof_arch_thread_pointer());
	unsigned long at = tp + l->offset, vector, count, block;
	enum look look = LOOK_NONE;

	to->attrs_size = 0;
	tickprof_user_faults_off();
	/* Address 0 only opens the window; each that is read is checked. */
	if (unlikely(!user_access_begin((void __user *)0, sizeof(u64)))) {
		tickprof_user_faults_on();
		return LOOK_FAULT;
	}
	if (l->kind == TICKPROF_CONTEXT_DTV) {
		READ_WORD(vector, tp + l->vector_at, mask, fault);
		READ_WORD(count, vector + l->count_at, mask, fault);
		if (l->module > count)
			goto end;
		READ_WORD(block, vector + (u64)l->module * l->stride, mask, fault);
		if (!block || !~block)
			goto end;
		at = block + l->offset;
	}
	/* Aligned and masked a word cannot reach beyond the user half; offsets are multiples of 8. */
	unsafe_get_user(at, (unsigned long __user *)(tickprof_arch_untagged(at) & mask & ~7UL), fault);
	if (!at)
		goto end;
	look = LOOK_INVALID;
	at = tickprof_arch_untagged(at);
	if (unlikely(at & 1))
		goto end;
	if (unlikely(!in_user(at, RECORD_ATTRS + ATTRS_MAX)))
		goto fault;
	at &= mask;
	unsafe_get_user(to->tail, (u32 __user *)(at + RECORD_TAIL), fault);
	if (unlikely(VALID(to->tail) != 1))
		goto end;
	unsafe_get_user(to->trace_high, (u64 __user *)at, fault);
	unsafe_get_user(to->trace_low, (u64 __user *)(at + 8), fault);
	unsafe_get_user(to->span_id, (u64 __user *)(at + 16), fault);
	if (unlikely(l->any_key) && cache)
		to->attrs_size = read_attrs(at + RECORD_ATTRS,
					    min_t(u32, ATTRS_SIZE(to->tail), ATTRS_MAX),
					    cache->attrs);
	look = likely(to->trace_high | to->trace_low | to->span_id) ? LOOK_READ : LOOK_NONE;
	goto end;
fault:
	look = LOOK_FAULT;
end:
	user_access_end();
	tickprof_user_faults_on();
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

/*
 * Header and ids as they stand in the ring, which is how most are recognised there
 * without having been put together in memory.
 */
static __always_inline u64 header_word(const struct span *span)
{
	BUILD_BUG_ON(!IS_ENABLED(CONFIG_CPU_LITTLE_ENDIAN) && !IS_ENABLED(CONFIG_X86));
	return TICKPROF_RECORD_CONTEXT | TRACE_FLAGS(span->tail) << 16 |
	       (u64)sizeof(struct tickprof_thread_context) << 32;
}

static __always_inline void fill_record(struct tickprof_thread_context *to, const struct span *span)
{
	u64 *word = (u64 *)to;

	BUILD_BUG_ON(offsetof(struct tickprof_thread_context, span_id) !=
		     offsetof(struct tickprof_thread_context, trace_id) + 16);
	word[0] = header_word(span);
	word[1] = span->trace_high;
	word[2] = span->trace_low;
	word[3] = span->span_id;
}

static noinline void fill_attrs(struct tickprof_sampler *s,
				const struct tickprof_context_location *l, u32 tail, u32 size,
				struct tickprof_context_record *to)
{
	bool cut = ATTRS_SIZE(tail) > size;
	u32 kept, padding;

	kept = keep_attrs(l, (const u8 *)s->context->attrs, size, to->attrs, &cut);
	padding = -kept & 7;
	memset(to->attrs + kept, 0, padding);
	to->context.hdr.size += kept + padding;
	to->context.hdr.flags |= padding << 8;
	if (cut) {
		to->context.hdr.flags |= TICKPROF_CONTEXT_CUT;
		tickprof_count(s, TICKPROF_COUNTER_CONTEXT_CUT);
	}
}

/* That of mm, or NULL; *last is the one that was found before. */
static __always_inline const struct tickprof_context_place *
find_place(const struct tickprof_contexts *contexts, const struct mm_struct *mm,
	   const struct tickprof_context_place **last)
{
	const struct tickprof_context_place *place = *last;

	if (likely(place && tickprof_contexts_is(place, mm)))
		return place;
	return *last = tickprof_contexts_find(contexts, mm);
}

/* Interrupts off, which is a read side of RCU. *l is set with LOOK_READ. */
static __always_inline enum look look(const struct tickprof_contexts *contexts,
				      const struct tickprof_context_place **last,
				      const struct tickprof_context_location **l,
				      struct span *to, struct tickprof_context_cache *cache)
{
	const struct tickprof_context_place *place;
	struct task_struct *task = current;

	if (unlikely(tickprof_kernel_worker(task) || !task->mm))
		return LOOK_ABSENT;
	place = find_place(contexts, task->mm, last);
	if (unlikely(!place))
		return LOOK_UNKNOWN;
	*l = &place->location;
	if (place->location.kind == TICKPROF_CONTEXT_ABSENT)
		return LOOK_ABSENT;
	return follow(*l, to, cache);
}

/* The same, counted. False: current is in no span that could be read. */
static __always_inline bool look_counted(struct tickprof_sampler *s,
					 const struct tickprof_context_location **l,
					 struct span *to)
{
	enum look found;

	BUILD_BUG_ON(TICKPROF_COUNTER_CONTEXT_READ + LOOK_FAULT != TICKPROF_COUNTER_CONTEXT_FAULT);
	found = look(s->stream->contexts, &s->context->last, l, to, s->context);
	tickprof_count(s, TICKPROF_COUNTER_CONTEXT_READ + found);
	return found == LOOK_READ;
}

static __always_inline bool has_attrs(const struct tickprof_context_location *l,
				      const struct span *span)
{
	return l->any_key && ATTRS_SIZE(span->tail);
}

/* Of current; what became of it is counted. False: it is in no span that could be read. */
bool tickprof_context_take(struct tickprof_sampler *s, struct tickprof_context_record *to)
{
	const struct tickprof_context_location *l;
	struct span span;

	if (!look_counted(s, &l, &span))
		return false;
	fill_record(&to->context, &span);
	if (unlikely(has_attrs(l, &span)))
		fill_attrs(s, l, span.tail, span.attrs_size, to);
	return true;
}

/* Likewise of current, which wakes another thread; ids only, and not counted. */
bool tickprof_context_take_waker(const struct tickprof_stream *stream,
				 struct tickprof_thread_context *to)
{
	const struct tickprof_context_place *last = NULL;
	const struct tickprof_context_location *l;
	struct span span;

	if (look(stream->contexts, &last, &l, &span, NULL) != LOOK_READ)
		return false;
	fill_record(to, &span);
	return true;
}

/* ids: the three words that they are, folded. */
static __always_inline u64 *slot_of(struct tickprof_sampler *s, u64 ids)
{
	return &s->context->slot[hash_64(ids, ilog2(TICKPROF_CONTEXT_SLOTS))];
}

/* Does the ring hold, where the slot says, this span's record without attributes? */
static __always_inline bool ring_has(const struct tickprof_sampler *s, u64 slot,
				     const struct span *span)
{
	const u64 *there;

	BUILD_BUG_ON(sizeof(struct tickprof_thread_context) != 4 * sizeof(u64));
	if (unlikely(!slot || !tickprof_ring_holds(&s->ring, slot - 1)))
		return false;
	there = tickprof_ring_at(&s->ring, slot - 1);
	return !((there[0] ^ header_word(span)) | (there[1] ^ span->trace_high) |
		 (there[2] ^ span->trace_low) | (there[3] ^ span->span_id));
}

/* Position of an equal CONTEXT record; false if it found no room (counted). */
bool tickprof_context_put(struct tickprof_sampler *s, const struct tickprof_thread_context *context,
			  u64 *position)
{
	const u64 *word = (const u64 *)context;

	return tickprof_stack_put_once(s, &context->hdr, slot_of(s, word[1] ^ word[2] ^ word[3]),
				       TICKPROF_COUNTER_CONTEXTS, TICKPROF_COUNTER_CONTEXT_HITS,
				       position);
}

/*
 * Both for a sample: position of the CONTEXT record of current, or false; flags tell
 * if there was no room for it.
 */
bool tickprof_context_sample(struct tickprof_sampler *s, u64 *position, u16 *flags)
{
	struct tickprof_context_record *record = &s->context->record;
	const struct tickprof_context_location *l;
	struct span span;
	u64 slot;

	if (!look_counted(s, &l, &span))
		return false;
	slot = *slot_of(s, span.trace_high ^ span.trace_low ^ span.span_id);
	if (likely(!has_attrs(l, &span) && ring_has(s, slot, &span))) {
		tickprof_count(s, TICKPROF_COUNTER_CONTEXT_HITS);
		*position = slot - 1;
		return true;
	}
	fill_record(&record->context, &span);
	if (has_attrs(l, &span))
		fill_attrs(s, l, span.tail, span.attrs_size, record);
	if (tickprof_context_put(s, &record->context, position))
		return true;
	*flags |= TICKPROF_SAMPLE_NOSTACK;
	return false;
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
