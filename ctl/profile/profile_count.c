// SPDX-License-Identifier: GPL-2.0-only
/* What a sample or a wait adds to the profile's statistics, above all how its user stack ended. */
#include "capture/decode.h"
#include "profile_build.h"

static void count_kernel(struct profile_stats *stats, uint32_t flags, bool *truncated)
{
	stats->kernel_depth += !!(flags & TICKPROF_STACK_DEPTH);
	stats->kernel_broken += !!(flags & (TICKPROF_STACK_BROKEN | TICKPROF_STACK_FAULT));
	*truncated |= flags & ~TICKPROF_STACK_KERNEL;
}

/* One cause each, so that they add up. */
static enum profile_end end_of(uint32_t flags, bool rooted)
{
	if (flags & TICKPROF_STACK_DEPTH)
		return PROFILE_END_DEPTH;
	if (flags & TICKPROF_STACK_FAULT)
		return PROFILE_END_FAULT;
	return flags & TICKPROF_STACK_BROKEN && !rooted ? PROFILE_END_BROKEN : PROFILE_END_ROOT;
}

static void count_user(struct profile *p, uint32_t flags, struct profile_sample *s,
		       bool *truncated)
{
	struct profile_walks *walks = &p->stats.walks;

	/* Of a 32-bit task only the place where it entered the kernel is told. */
	if (flags & TICKPROF_STACK_KERNEL || s->flags & TICKPROF_SAMPLE_COMPAT)
		return;
	s->end = end_of(flags, s->user && p->chains[s->user - 1].rooted);
	s->fallback = flags & TICKPROF_STACK_FALLBACK;
	s->later = flags & TICKPROF_STACK_LATER;
	walks->ended[s->end]++;
	walks->fallback += s->fallback;
	walks->later += s->later;
	*truncated |= s->end != PROFILE_END_ROOT;
}

/* Stacks and flags that samples and waits have. */
static void count_stacks(struct profile *p, struct decode *d, uint32_t task, uint32_t kstack,
			 uint32_t ustack, struct profile_sample *s)
{
	struct profile_stats *stats = &p->stats;
	bool truncated = s->flags & TICKPROF_SAMPLE_NOSTACK;

	if (kstack)
		count_kernel(stats, decode_stack(d, kstack)->flags, &truncated);
	if (ustack)
		count_user(p, decode_stack(d, ustack)->flags, s, &truncated);
	stats->truncated += truncated;
	stats->exiting += !!(s->flags & TICKPROF_SAMPLE_EXITING);
	stats->compat += !!(s->flags & TICKPROF_SAMPLE_COMPAT);
	stats->nostack += !!(s->flags & TICKPROF_SAMPLE_NOSTACK);
	stats->no_task += !task;
}

static bool has_profile_id(const struct profile *p, const struct profile_sample *s)
{
	return s->context && profile_context(p, s->context)->has_profile_id;
}

void profile_count(struct profile *p, struct decode *d, const struct decode_sample *sample,
		   struct profile_sample *s)
{
	struct profile_stats *stats = &p->stats;

	count_stacks(p, d, sample->task, sample->kstack, sample->ustack, s);
	stats->samples++;
	stats->in_span += !!sample->context;
	stats->with_profile_id += has_profile_id(p, s);
	stats->missed += sample->record->missed;
	stats->kernel += !(s->flags & TICKPROF_SAMPLE_USER);
	stats->idle += !!(s->flags & TICKPROF_SAMPLE_IDLE);
	stats->kthread += !!(s->flags & TICKPROF_SAMPLE_KTHREAD);
	stats->unresolved_samples += !s->leaf || !p->locations[s->leaf - 1].nr_lines;
}

void profile_count_wait(struct profile *p, struct decode *d, const struct decode_wait *wait,
			struct profile_sample *s)
{
	struct profile_stats *stats = &p->stats;

	count_stacks(p, d, wait->task, wait->kstack, wait->ustack, s);
	stats->waits += s->waits;
	stats->in_span += s->waits && wait->context;
	stats->with_profile_id += s->waits && has_profile_id(p, s);
	stats->off_cpu += s->off_cpu;
	stats->runq += s->runq;
	stats->unknown_states += s->waits && wait->record->state > TICKPROF_WAIT_BEFORE;
}
