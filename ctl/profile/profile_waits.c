// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits into the profile: the place is the stack at the switch out, blocked time goes to
 * off_cpu, time in the run queue to runq, both exact. What has no stack goes to a marker,
 * so that the sums over all stacks are the thread's:
 *
 *	[short waits]	the sum of waits that were too short for a record, or lost it
 *	[no stack]	waits whose stack is not known
 *
 * Labels are few, so that entries stay few: of a waker the name and the number of its
 * thread, but not whom an interrupt happened to hit.
 *
 * The context of a wait is exact: a thread that does not run cannot change it. Of short
 * waits it is not known, for the sum may be of several spans'.
 *
 * A wait that a time window cuts counts with what lies inside. Where in time
 * short waits were is not known: they count if the record does.
 */
#include <string.h>

#include "base/util.h"
#include "build.h"

const char *profile_wait_state(unsigned int state)
{
	static const char *const names[PROFILE_WAIT_STATES] = {
		[TICKPROF_WAIT_RUNNING] = "running",
		[TICKPROF_WAIT_PREEMPTED] = "preempted",
		[TICKPROF_WAIT_SLEEPING] = "sleeping",
		[TICKPROF_WAIT_DISK] = "disk",
		[TICKPROF_WAIT_LOCK] = "lock",
		[TICKPROF_WAIT_IDLE] = "idle",
		[TICKPROF_WAIT_STOPPED] = "stopped",
		[TICKPROF_WAIT_TRACED] = "traced",
		[TICKPROF_WAIT_PARKED] = "parked",
		[TICKPROF_WAIT_NEW] = "new",
		[TICKPROF_WAIT_BEFORE] = "before",
		[PROFILE_WAIT_UNKNOWN] = "unknown",
		[PROFILE_WAIT_SHORT] = "short",
	};

	return names[state];
}

static uint32_t marker(struct build *b, uint32_t *location, const char *name)
{
	if (!*location)
		*location = profile_add_marker(b->p, name);
	return *location;
}

static uint32_t add_wait(struct build *b, const struct profile_wait *w)
{
	struct profile *p = b->p;
	uint64_t h = hash_u64((uint64_t)w->state << 32 | w->flags, w->waker_tid);
	const struct profile_wait *g;
	struct hash_slot *slot;

	if (!b->options->each) {
		slot = hash_find(&b->wait_index, hash_u64(h, (uintptr_t)w->waker), id, ({
			g = &p->waits[id - 1];
			g->state == w->state && g->flags == w->flags &&
			g->waker_tid == w->waker_tid && g->waker == w->waker; }));
		if (slot->id)
			return slot->id;
		slot->id = p->nr_waits + 1;
	}
	GROW(p->waits, p->private->cap_waits, p->nr_waits + 1);
	p->waits[p->nr_waits++] = *w;
	return p->nr_waits;
}

static uint32_t labels_of(struct build *b, const struct decode_wait *wait)
{
	const struct tickprof_wait *r = wait->record;
	const uint16_t labels = TICKPROF_WAIT_IO | TICKPROF_WAIT_FAULT | TICKPROF_WAIT_IRQ;
	const bool each = b->options->each, interrupt = r->hdr.flags & TICKPROF_WAIT_IRQ;
	struct profile_wait w = {
		.state = r->state <= TICKPROF_WAIT_BEFORE ? r->state : PROFILE_WAIT_UNKNOWN,
		.flags = r->hdr.flags & (each ? UINT16_MAX : labels),
		.waker = build_comm(b, r->waker_comm), .waker_tid = r->waker_tid,
	};

	if (interrupt && !each) {
		w.waker_tid = 0;
		w.waker = profile_string(b->p, "[interrupt]");
	}
	if (each) {
		w.waker_pid = r->waker_pid;
		w.waker_context = build_context(b, wait->waker_context, 0);
		w.ran = r->ran;
		w.short_nr = r->short_nr;
		w.short_blocked = r->short_blocked;
		w.short_queued = r->short_queued;
	}
	return add_wait(b, &w);
}

/* How much of start … end lies in the window. */
static uint64_t inside(const struct profile_options *o, uint64_t start, uint64_t end)
{
	if (o->from && start < o->from)
		start = o->from;
	if (o->until && end > o->until)
		end = o->until;
	return end > start ? end - start : 0;
}

static uint16_t flags_of(struct build *b, const struct decode_wait *wait)
{
	const uint16_t shared = TICKPROF_SAMPLE_KTHREAD | TICKPROF_SAMPLE_EXITING |
				TICKPROF_SAMPLE_COMPAT | TICKPROF_SAMPLE_NOSTACK;
	uint16_t flags = wait->record->hdr.flags & shared;

	if (wait->task && decode_task(b->decode, wait->task)->hdr.flags & TICKPROF_TASK_KTHREAD)
		flags |= TICKPROF_SAMPLE_KTHREAD;
	return flags;
}

/* The stack was taken when the wait began. */
static void add_stack(struct build *b, const struct decode_wait *wait, struct profile_sample *s)
{
	const struct tickprof_wait *r = wait->record;
	const uint64_t begin = r->time - r->queued - r->blocked;
	struct image *image;
	uint32_t space;

	s->kernel = build_kernel_chain(b, wait->kstack);
	if (wait->ustack) {
		image = build_task(b, wait->task)->image;
		space = processes_space(b->p->private->processes, image, begin);
		s->user = build_user_chain(b, image, space, begin, wait->ustack, false);
	}
	if (s->waits && !s->kernel && !s->user)
		s->leaf = marker(b, &b->stackless_marker, "[no stack]");
}

static void add_short(struct build *b, const struct tickprof_wait *r, struct profile_sample *s)
{
	struct profile_stats *stats = &b->p->stats;
	const struct profile_wait w = {
		.state = PROFILE_WAIT_SHORT, .waker = profile_string(b->p, ""),
	};

	stats->short_waits += r->short_nr;
	stats->short_off_cpu += r->short_blocked;
	stats->short_runq += r->short_queued;
	stats->off_cpu += r->short_blocked;
	stats->runq += r->short_queued;
	if (b->options->each || !(r->short_nr || r->short_blocked || r->short_queued))
		return;
	*s = (struct profile_sample) {
		.task = s->task, .cpu = s->cpu, .time = s->time,
		.flags = s->flags & TICKPROF_SAMPLE_KTHREAD,
		.leaf = marker(b, &b->short_marker, "[short waits]"), .wait = add_wait(b, &w),
		.waits = r->short_nr, .off_cpu = r->short_blocked, .runq = r->short_queued,
	};
	build_add(b, s);
}

void build_wait(void *ctx, const struct decode_wait *wait)
{
	struct build *b = ctx;
	const struct profile_options *o = b->options;
	const struct tickprof_wait *r = wait->record;
	const uint64_t woken = r->time - r->queued, begin = woken - r->blocked;
	const bool told = r->time >= o->from && (!o->until || r->time < o->until);
	struct profile_sample s = {
		.flags = flags_of(b, wait), .time = r->time,
		.off_cpu = inside(o, begin, woken), .runq = inside(o, woken, r->time),
		.cpu = o->label_cpu || o->each ? wait->cpu : 0,
		.task = build_task(b, wait->task)->labels,
	};

	if (!told && !s.off_cpu && !s.runq)
		return;
	s.waits = r->state != TICKPROF_WAIT_RUNNING || s.off_cpu || s.runq;
	if (s.waits || o->each) {
		add_stack(b, wait, &s);
		s.wait = labels_of(b, wait);
		s.context = build_context(b, wait->context, build_task(b, wait->task)->speaker);
		if (!wait->context)
			s.context = build_joined(b, &b->p->tasks[s.task - 1], begin);
		profile_count_wait(b->p, b->decode, wait, &s);
		build_add(b, &s);
	}
	if (told)
		add_short(b, r, &s);
	if (wait->task && !o->from && !o->until)
		build_thread(b, wait, s.task);
}
