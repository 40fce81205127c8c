// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each thread's time, exact, summed over its WAIT records. 200 bytes a thread.
 *
 * A record tells of all the time since the thread's one before, so a thread's first
 * record begins where the session first knew it, and nothing between may be missing: that
 * the parts add up to last - first is a check of module and capture. Records come CPU by
 * CPU, not in the order of time.
 */
#include "base/util.h"
#include "build.h"

static struct profile_thread *thread_of(struct build *b, const struct tickprof_task *t,
					uint32_t task)
{
	struct profile *p = b->p;
	uint64_t h = hash_u64((uint64_t)t->pid << 32 | t->tid, t->start_time);
	const struct profile_thread *g;
	struct hash_slot *slot;

	slot = hash_find(&b->thread_index, h, id, ({
		g = &p->threads[id - 1];
		g->start_time == t->start_time && p->tasks[g->task - 1].pid == t->pid &&
		p->tasks[g->task - 1].tid == t->tid; }));
	if (!slot->id) {
		GROW(p->threads, p->private->cap_threads, p->nr_threads + 1);
		p->threads[p->nr_threads++] = (struct profile_thread) {
			.task = task, .start_time = t->start_time, .first = UINT64_MAX,
		};
		slot->id = p->nr_threads;
	}
	return &p->threads[slot->id - 1];
}

void build_thread(struct build *b, const struct decode_wait *wait, uint32_t task)
{
	const struct tickprof_wait *r = wait->record;
	const struct tickprof_task *t = decode_task(b->decode, wait->task);
	const uint64_t known = r->ran + r->blocked + r->queued + r->short_blocked +
			       r->short_queued;
	const unsigned int state = r->state <= TICKPROF_WAIT_BEFORE ? r->state :
				   PROFILE_WAIT_UNKNOWN;
	struct profile_thread *thread = thread_of(b, t, task);

	if (r->time - known < thread->first)
		thread->first = r->time - known;
	if (r->time >= thread->last) {
		thread->last = r->time;
		thread->task = task;
	}
	thread->kthread |= t->hdr.flags & TICKPROF_TASK_KTHREAD;
	thread->ran += r->ran;
	thread->queued += r->queued;
	thread->blocked[state] += r->blocked;
	thread->short_blocked += r->short_blocked;
	thread->short_queued += r->short_queued;
	thread->io += r->hdr.flags & TICKPROF_WAIT_IO ? r->blocked : 0;
	thread->fault += r->hdr.flags & TICKPROF_WAIT_FAULT ? r->blocked : 0;
	thread->waits += r->state != TICKPROF_WAIT_RUNNING || r->blocked || r->queued;
	thread->short_waits += r->short_nr;
}
