// SPDX-License-Identifier: GPL-2.0-only
/* Another process's ring of marked spans: see marks_ring.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "marks_ring.h"

/* Entries at a time; reads that an unfinished one is waited for. */
enum { BATCH = 256, WAITS = 2 };

struct ring {
	char signature[8];
	uint32_t entries_at, entry_size, nr_entries, reserved;
	uint64_t opened, unused[4];
	uint64_t head;
};

struct entry {
	uint64_t state;
	struct capture_mark mark;
};

_Static_assert(sizeof(struct entry) == 128, "as include/tickprof/marks.h writes it");

bool marks_ring_named(const char *path)
{
	return !strcmp(path, "[anon_shmem:TICKPROF_SPANS]") ||
	       !strncmp(path, "/memfd:TICKPROF_SPANS", 21);
}

int marks_ring_open(struct marks_ring *r, const struct memory *memory, uint64_t base)
{
	struct ring h;
	int ret = memory_read(memory, base, &h, sizeof(h));

	if (ret)
		return ret;
	if (!memcmp(h.signature, "\0\0\0\0\0\0\0", sizeof(h.signature)))
		return -EAGAIN;
	if (memcmp(h.signature, "TPSPANS1", sizeof(h.signature)) ||
	    h.entry_size != sizeof(struct entry) || h.entries_at < sizeof(h) || h.entries_at % 8 ||
	    !h.nr_entries || h.nr_entries & (h.nr_entries - 1) || h.nr_entries > MARKS_ENTRIES_MAX)
		return -EBADMSG;
	*r = (struct marks_ring) {
		.memory = *memory, .base = base, .entries_at = h.entries_at, .opened = h.opened,
		.nr_entries = h.nr_entries,
	};
	return 0;
}

static int read_head(const struct marks_ring *r, uint64_t *head)
{
	return memory_read_word(&r->memory, r->base + offsetof(struct ring, head), head);
}

static int read_entries(const struct marks_ring *r, uint64_t number, struct entry *to, size_t nr)
{
	const uint64_t slot = number & (r->nr_entries - 1);

	return memory_read(&r->memory, r->base + r->entries_at + slot * sizeof(*to), to,
			   nr * sizeof(*to));
}

static bool is_zero(const uint8_t *id, size_t size)
{
	while (size--)
		if (*id++)
			return false;
	return true;
}

/* The two clocks may differ by what NTP may slew, and by their grain. */
static uint64_t cpu_max(uint64_t wall)
{
	return wall + wall / 1000 + 1000;
}

enum mark_refusal mark_check(const struct capture_mark *m, uint64_t now)
{
	if (!m->tid || m->flags & ~CAPTURE_MARK_FLAGS || m->name_length > sizeof(m->name))
		return MARK_MALFORMED;
	if (is_zero(m->trace_id, sizeof(m->trace_id)) || is_zero(m->span_id, sizeof(m->span_id)))
		return MARK_IDS;
	if (!m->begin || m->end < m->begin || m->end > now)
		return MARK_TIMES;
	if (m->flags & CAPTURE_MARK_CPU && m->cpu > cpu_max(m->end - m->begin))
		return MARK_CPU;
	return MARK_REFUSALS;
}

static void take(struct marks_ring *r, const struct capture_mark *mark,
		 const struct marks_read *how, uint64_t now)
{
	const enum mark_refusal refusal = mark_check(mark, now);

	if (refusal != MARK_REFUSALS) {
		r->counts.refused[refusal]++;
		return;
	}
	if (mark->end < how->from) {
		r->counts.before++;
		r->unsure = 0;	/* so did all that were overwritten */
		return;
	}
	r->counts.overwritten += r->unsure;
	r->unsure = 0;
	r->counts.taken++;
	how->take(how->arg, mark);
}

/*
 * What was given out but is not there any more. Of what was overwritten before the first read
 * it is not known when it ended, until the oldest that is left tells.
 */
static void skip_to(struct marks_ring *r, uint64_t number)
{
	const uint64_t lost = number - r->next;

	if (r->next)
		r->counts.overwritten += lost;
	else
		r->unsure = lost;
	r->next = number;
	r->waits = 0;
}

/* Entries next … next + nr, copied twice, then head. False: one is waited for. */
static bool take_batch(struct marks_ring *r, const struct entry *first, const struct entry *second,
		       size_t nr, uint64_t head, const struct marks_read *how)
{
	const uint64_t now = clock_ns(CLOCK_MONOTONIC);
	size_t i;

	for (i = 0; i < nr; i++) {
		const uint64_t whole = 2 * r->next + 2;

		if (head - r->next > r->nr_entries || second[i].state > whole) {
			r->counts.overwritten++;
		} else if (first[i].state == whole && second[i].state == whole) {
			take(r, &second[i].mark, how, now);
		} else if (!how->last && r->waits < WAITS && head - r->next < r->nr_entries / 2) {
			r->waits++;
			return false;
		} else {
			r->counts.unfinished++;
		}
		r->waits = 0;
		r->next++;
	}
	return true;
}

/* 1: an entry is not finished. */
static int read_batch(struct marks_ring *r, uint64_t end, struct entry copies[2][BATCH],
		      const struct marks_read *how)
{
	const uint64_t to_wrap = r->nr_entries - (r->next & (r->nr_entries - 1));
	uint64_t nr = end - r->next < to_wrap ? end - r->next : to_wrap, head;
	int ret;

	nr = nr < BATCH ? nr : BATCH;
	ret = read_entries(r, r->next, copies[0], nr);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ret)
		ret = read_entries(r, r->next, copies[1], nr);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ret)
		ret = read_head(r, &head);
	if (ret)
		return ret;
	if (head < end)
		return -EBADMSG;
	return !take_batch(r, copies[0], copies[1], nr, head, how);
}

int marks_ring_read(struct marks_ring *r, const struct marks_read *how)
{
	struct entry (*copies)[BATCH] __free = NULL;
	uint64_t head, end;
	int ret = read_head(r, &head);

	if (ret)
		return ret;
	/* Twice a number is a state. */
	if (head < r->next || head > UINT64_MAX / 4)
		return -EBADMSG;
	if (head - r->next > r->nr_entries)
		skip_to(r, head - r->nr_entries);
	end = head - r->next > how->budget ? r->next + how->budget : head;
	if (r->next < end)
		copies = xmalloc(2 * sizeof(*copies));
	while (!ret && r->next < end)
		ret = read_batch(r, end, copies, how);
	if (how->last && !ret)
		r->counts.overwritten += r->unsure + (head - r->next);
	if (how->last && !ret)
		r->next = head;
	return ret < 0 ? ret : 0;
}
