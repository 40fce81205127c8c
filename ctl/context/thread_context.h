/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread says it works on: the record of OTEP 4947 that otel_thread_ctx_v1
 * points to. The thread has to be stopped while it is read.
 *
 *	trace_id[16], span_id[8], u8 valid, u8 trace_flags, u16 attrs_size,
 *	attrs: { u8 key, u8 length, value[length] } …
 */
#ifndef TICKPROF_THREAD_CONTEXT_H
#define TICKPROF_THREAD_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "location.h"

enum {
	THREAD_CONTEXT_HEADER = 28,
	THREAD_CONTEXT_ATTRS_MAX = 612,	/* that are read; the specification recommends no more */
};

enum thread_context_state {
	THREAD_CONTEXT_OK,
	THREAD_CONTEXT_NONE,	/* the variable is NULL, or the thread has none yet */
	THREAD_CONTEXT_INVALID,	/* there is a record, which says that it is not to be read */
	THREAD_CONTEXT_FAULT,	/* memory that should be there is not */
};

struct thread_context {
	uint8_t trace_id[16], span_id[8];	/* all zero: no span, perhaps attributes */
	uint8_t trace_flags;
	bool cut;	/* attributes are missing: too many, or not readable */
	uint16_t attrs_size;
	uint8_t attrs[THREAD_CONTEXT_ATTRS_MAX];
};

/* Of the thread with this thread pointer. *out is only for THREAD_CONTEXT_OK. */
enum thread_context_state thread_context_read(const struct location *l, const struct memory *m,
					      uint64_t tp, struct thread_context *out);

/* The last value of a key: its address in c and its length in bytes; NULL: none. */
const uint8_t *thread_context_attr(const struct thread_context *c, uint8_t key, uint8_t *length);

const char *thread_context_state_name(enum thread_context_state state);

#endif
