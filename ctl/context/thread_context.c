// SPDX-License-Identifier: GPL-2.0-only
/* A thread's record: see thread_context.h. */
#include <errno.h>
#include <string.h>

#include "thread_context.h"

enum thread_context_state thread_context_read(const struct location *l, const struct memory *m,
					      uint64_t tp, struct thread_context *out)
{
	uint8_t header[THREAD_CONTEXT_HEADER];
	uint64_t variable, record;
	uint16_t size;
	int ret = location_evaluate(l, m, tp, &variable);

	if (ret)
		return ret == -ENOENT ? THREAD_CONTEXT_NONE : THREAD_CONTEXT_FAULT;
	if (memory_read_word(m, variable, &record))
		return THREAD_CONTEXT_FAULT;
	if (!record)
		return THREAD_CONTEXT_NONE;
	if (memory_read(m, record, header, sizeof(header)))
		return THREAD_CONTEXT_FAULT;
	if (header[24] != 1)
		return THREAD_CONTEXT_INVALID;
	memcpy(out->trace_id, header, sizeof(out->trace_id));
	memcpy(out->span_id, header + 16, sizeof(out->span_id));
	out->trace_flags = header[25];
	memcpy(&size, header + 26, sizeof(size));
	out->cut = size > sizeof(out->attrs);
	out->attrs_size = out->cut ? sizeof(out->attrs) : size;
	if (memory_read(m, record + sizeof(header), out->attrs, out->attrs_size)) {
		out->attrs_size = 0;
		out->cut = true;
	}
	return THREAD_CONTEXT_OK;
}

const uint8_t *thread_context_attr(const struct thread_context *c, uint8_t key, uint8_t *length)
{
	const uint8_t *at = c->attrs, *end = at + c->attrs_size, *found = NULL;

	for (; end - at >= 2 && end - at - 2 >= at[1]; at += 2 + at[1]) {
		if (at[0] != key)
			continue;
		found = at + 2;
		*length = at[1];
	}
	return found;
}

const char *thread_context_state_name(enum thread_context_state state)
{
	static const char *const names[] = {
		[THREAD_CONTEXT_OK] = "ok",
		[THREAD_CONTEXT_NONE] = "none",
		[THREAD_CONTEXT_INVALID] = "invalid",
		[THREAD_CONTEXT_FAULT] = "fault",
	};

	return names[state];
}
