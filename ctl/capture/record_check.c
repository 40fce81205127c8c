// SPDX-License-Identifier: GPL-2.0-only
/* What is checked of ring records before anybody looks at them (include/uapi/linux/tickprof.h). */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"
#include "record_check.h"

static const uint32_t record_min_size[__TICKPROF_RECORD_MAX] = {
	[TICKPROF_RECORD_PAD] = sizeof(struct tickprof_record),
	[TICKPROF_RECORD_SAMPLE] = sizeof(struct tickprof_sample),
	[TICKPROF_RECORD_STACK] = sizeof(struct tickprof_stack),
	[TICKPROF_RECORD_TASK] = sizeof(struct tickprof_task),
	[TICKPROF_RECORD_FORK] = sizeof(struct tickprof_fork),
	[TICKPROF_RECORD_EXEC] = sizeof(struct tickprof_exec),
	[TICKPROF_RECORD_MMAP] = sizeof(struct tickprof_mmap) + 1,
	[TICKPROF_RECORD_COMM] = sizeof(struct tickprof_comm),
	[TICKPROF_RECORD_EXIT] = sizeof(struct tickprof_exit),
	[TICKPROF_RECORD_LOST] = sizeof(struct tickprof_lost),
	/* ABI 1 had it without waker_context. */
	[TICKPROF_RECORD_WAIT] = offsetof(struct tickprof_wait, waker_context),
	[TICKPROF_RECORD_CONTEXT] = sizeof(struct tickprof_thread_context),
};

/* All that a wait tells of lies between boot and its time, one after the other. */
static bool wait_check(const struct tickprof_wait *r)
{
	const uint64_t parts[] = {
		r->blocked, r->queued, r->ran, r->short_blocked, r->short_queued,
	};
	uint64_t left = r->time;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i] > left)
			return false;
		left -= parts[i];
	}
	return r->time <= INT64_MAX;
}

/* An id of zeros is none. */
static bool context_check(const struct tickprof_thread_context *r)
{
	uint64_t trace[2], span;

	memcpy(trace, r->trace_id, sizeof(trace));
	memcpy(&span, r->span_id, sizeof(span));
	return (trace[0] || trace[1]) && span &&
	       TICKPROF_CONTEXT_PADDING(r->hdr.flags) <= r->hdr.size - sizeof(*r);
}

bool record_check(const struct tickprof_record *r)
{
	const struct tickprof_stack *stack = (const void *)r;
	const struct tickprof_mmap *map = (const void *)r;

	if (r->size < record_min_size[r->type])
		return false;
	switch (r->type) {
	case TICKPROF_RECORD_SAMPLE:
		return !(r->flags & TICKPROF_SAMPLE_CONTEXT) ||
		       r->size >= sizeof(struct tickprof_sample_context);
	case TICKPROF_RECORD_STACK:
		return stack->nr <= (r->size - sizeof(*stack)) / sizeof(stack->ip[0]);
	case TICKPROF_RECORD_MMAP:
		return map->build_id_size <= TICKPROF_BUILD_ID_MAX &&
		       map->addr + map->len >= map->addr &&
		       memchr(map->path, '\0', r->size - sizeof(*map));
	case TICKPROF_RECORD_WAIT:
		return wait_check((const void *)r);
	case TICKPROF_RECORD_CONTEXT:
		return context_check((const void *)r);
	}
	return true;
}
