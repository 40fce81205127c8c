// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel stacks on x86_64: the kernel's own unwinder (ORC on all distribution
 * kernels) from the interrupted registers. It crosses interrupt and exception
 * frames and the stacks between them.
 *
 * Context: hard irq. The unwinder takes no lock and reads kernel stacks only.
 * Cost: 400 to 450 instructions a frame, the largest part of a kernel sample.
 */
#include <linux/hash.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/processor.h>
#include <asm/switch_to.h>
#include <asm/unwind.h>

#include "unwind.h"

u64 tickprof_unwind_kernel(struct pt_regs *regs, struct tickprof_stack *stack, u32 depth)
{
	struct unwind_state state;
	unsigned long ip;
	u32 nr = stack->nr;
	u64 hash = 0;

	/* The state starts at regs->ip, which the sample carries itself. */
	unwind_start(&state, current, regs, NULL);
	for (unwind_next_frame(&state); !unwind_done(&state); unwind_next_frame(&state)) {
		ip = unwind_get_return_address(&state);
		if (!ip)
			break;
		if (nr == depth) {
			stack->hdr.flags |= TICKPROF_STACK_DEPTH;
			break;
		}
		stack->ip[nr++] = ip;
		hash = tickprof_unwind_hash(hash, ip);
	}
	if (unwind_error(&state))
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
	stack->nr = nr;
	return hash;
}

/*
 * Stacks of blocked threads are walked once and then recognised. Where a frame's
 * return address lies follows from the one before alone (ORC knows a function's
 * frame by its address), but for that of the kernel's entry: at each system call
 * the kernel moves its stack by some random bytes, so that one lies at the same
 * distance from the stack's end instead, beneath the user's registers. If all
 * words that were return addresses are the same again, it is the same stack. A
 * walk that found one elsewhere, at an exception in the kernel or behind a return
 * probe, is not kept.
 *
 * A stack is looked for by its second and third return address, the first being
 * always the scheduler's: the second lies where it always does, the third where it
 * last did for that second one. A set has four entries, replaced in turn.
 */
#define BLOCKED_SET_BITS	4
#define BLOCKED_WAYS		4
#define BLOCKED_FRAMES		30
#define BLOCKED_HINTS		8	/* a power of two */
#define FROM_END		0x8000	/* in a place: words before the stack's end, not behind its pointer */

struct blocked_stack {
	u16 nr;			/* 0: unused */
	u16 place[BLOCKED_FRAMES];	/* words */
	u64 ip[BLOCKED_FRAMES];
};

/* Callers of this one lie there. */
struct blocked_hint {
	u64 ip;
	u16 place;
};

struct tickprof_blocked_cache {
	u16 second;		/* place of all second return addresses */
	struct blocked_hint hint[BLOCKED_HINTS];
	u8 next[1 << BLOCKED_SET_BITS];
	struct blocked_stack stack[1 << BLOCKED_SET_BITS][BLOCKED_WAYS];
	struct blocked_stack walked;	/* scratch */
};

/* A stack in use, in words: from the saved stack pointer to its end. */
struct blocked_words {
	const unsigned long *sp;
	u32 nr;
};

size_t tickprof_unwind_blocked_cache(void)
{
	return sizeof(struct tickprof_blocked_cache);
}

/* 0 for a place that this stack does not have. */
static u64 word_at(const struct blocked_words *words, u16 place)
{
	u32 at = place & FROM_END ? words->nr - (place & ~FROM_END) : place;

	return likely(at < words->nr) ? READ_ONCE_NOCHECK(words->sp[at]) : 0;
}

static struct blocked_hint *hint_for(struct tickprof_blocked_cache *cache, u64 ip)
{
	return &cache->hint[(ip >> 2 ^ ip >> 8) & (BLOCKED_HINTS - 1)];
}

static u32 find_set(struct tickprof_blocked_cache *cache, const struct blocked_words *words)
{
	u64 second = word_at(words, cache->second);
	const struct blocked_hint *hint = hint_for(cache, second);
	u64 third = hint->ip == second ? word_at(words, hint->place) : 0;

	return hash_64(second ^ third << 20, BLOCKED_SET_BITS);
}

static bool is_same(const struct blocked_stack *known, const struct blocked_words *words)
{
	u32 i;

	if (!known->nr)
		return false;
	/* From the end: what many have in common comes first. */
	for (i = known->nr; i--;)
		if (word_at(words, known->place[i]) != known->ip[i])
			return false;
	return true;
}

static u64 copy_known(const struct blocked_stack *known, struct tickprof_stack *stack)
{
	u64 hash = 0;
	u32 i;

	for (i = 0; i < known->nr; i++) {
		stack->ip[i] = known->ip[i];
		hash = tickprof_unwind_hash(hash, known->ip[i]);
	}
	stack->nr = known->nr;
	return hash;
}

/* False: the return address ip was not found at this many words, so the stack cannot be recognised. */
static bool note_frame(struct blocked_stack *known, const struct blocked_words *words,
		       unsigned long at, unsigned long ip, bool entry)
{
	if (known->nr == BLOCKED_FRAMES || at >= words->nr ||
	    READ_ONCE_NOCHECK(words->sp[at]) != ip)
		return false;
	known->place[known->nr] = entry ? FROM_END | (words->nr - at) : at;
	known->ip[known->nr++] = ip;
	return true;
}

/* Walks; true: cache->walked is what will recognise the stack. */
static bool walk_blocked(struct tickprof_blocked_cache *cache, struct task_struct *task,
			 const struct blocked_words *words, struct tickprof_stack *stack,
			 u32 depth, u64 *hash)
{
	const unsigned long *entry = (unsigned long *)task_pt_regs(task) - 1, *at;
	struct unwind_state state;
	bool keep = true;
	unsigned long ip;

	cache->walked.nr = 0;
	for (unwind_start(&state, task, NULL, NULL); !unwind_done(&state);
	     unwind_next_frame(&state)) {
		ip = unwind_get_return_address(&state);
		if (!ip)
			break;
		if (stack->nr == depth) {
			stack->hdr.flags |= TICKPROF_STACK_DEPTH;
			break;
		}
		at = (unsigned long *)state.sp - 1;
		keep = keep && note_frame(&cache->walked, words, at - words->sp, ip, at == entry);
		stack->ip[stack->nr++] = ip;
		*hash = tickprof_unwind_hash(*hash, ip);
	}
	if (unwind_error(&state))
		stack->hdr.flags |= TICKPROF_STACK_BROKEN;
	return keep && !(stack->hdr.flags & ~TICKPROF_STACK_KERNEL);
}

static void keep_walked(struct tickprof_blocked_cache *cache, const struct blocked_words *words)
{
	const struct blocked_stack *walked = &cache->walked;
	u32 set;

	if (walked->nr > 1)
		cache->second = walked->place[1];
	if (walked->nr > 2)
		*hint_for(cache, walked->ip[1]) = (struct blocked_hint){
			.ip = walked->ip[1],
			.place = walked->place[2],
		};
	set = find_set(cache, words);
	cache->stack[set][cache->next[set]++ & (BLOCKED_WAYS - 1)] = *walked;
}

u64 tickprof_unwind_blocked(struct tickprof_blocked_cache *cache, struct task_struct *task,
			    struct tickprof_stack *stack, u32 depth)
{
	const unsigned long *sp = (unsigned long *)task->thread.sp;
	const unsigned long *end = task_stack_page(task) + THREAD_SIZE;
	const struct blocked_words words = { .sp = sp, .nr = end - sp };
	u32 set = find_set(cache, &words), way;
	u64 hash = 0;

	for (way = 0; way < BLOCKED_WAYS; way++)
		if (is_same(&cache->stack[set][way], &words))
			return copy_known(&cache->stack[set][way], stack);
	if (walk_blocked(cache, task, &words, stack, depth, &hash))
		keep_walked(cache, &words);
	return hash;
}
