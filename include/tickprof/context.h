/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tell profilers which span each thread is working on.
 *
 * A program that includes this file publishes the OpenTelemetry thread context: a
 * thread-local pointer, otel_thread_ctx_v1, to a record with trace id, span id and
 * attributes of what the thread does now. tickprof, or any other profiler that
 * knows OTEP 4947, reads it when it interrupts the thread. Nothing is sent, locked
 * or allocated: to begin and to end a span is a store each, beside the copy of ids.
 *
 *	#include <tickprof/context.h>
 *
 *	enum { ROUTE, METHOD };
 *	static const char *const keys[] = { "http.route", "http.method" };
 *
 *	void pay(const struct request *r)
 *	{
 *		struct tickprof_span span;
 *
 *		tickprof_span_begin(&span, r->trace_id, r->span_id, r->trace_flags);
 *		tickprof_span_set(&span, ROUTE, "/pay");
 *		validate(r);			// may begin and end spans of its own
 *		tickprof_span_end(&span);	// what was current before is so again
 *	}
 *
 *	int main(void)
 *	{
 *		tickprof_process_publish("payment", keys, 2);	// see process.h
 *		...
 *
 * In C++ the end is the end of the block: tickprof::span span(trace_id, span_id);
 *
 * C11 or C++11 and up, Linux, GCC or Clang. Building it in:
 *  - a program: link with -Wl,--export-dynamic-symbol=otel_thread_ctx_v1, or
 *    -rdynamic, so that profilers find the variable;
 *  - a shared library: with x86_64 compile with -mtls-dialect=gnu2 (TLS descriptors,
 *    which the specification recommends; on arm64 they are what compilers do anyway).
 *    A version script of the library's has to leave the variable global.
 * `tickprof context PROGRAM` tells whether it is found.
 *
 * Any number of files and libraries of a process may include it; they share the
 * one variable.
 *
 * A span lives in memory of the caller's, who must end it before that memory goes:
 * on the stack, or in a request that wanders between threads. Only the thread
 * that a span is attached to may change it. All functions may be called in signal
 * handlers that end what they begin.
 */
#ifndef TICKPROF_CONTEXT_H
#define TICKPROF_CONTEXT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "process.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A record of 640 bytes, as much as the specification recommends. */
#define TICKPROF_ATTRS_MAX 612

/*
 * The record as OTEP 4947 lays it out; host byte order, no padding. Read by others
 * at any instruction boundary of the thread, so: valid and attrs_size are stored
 * after what they vouch for.
 */
struct tickprof_context {
	uint8_t trace_id[16];	/* as in a traceparent header; both ids zero: no span */
	uint8_t span_id[8];
	uint8_t valid;		/* 1, or the record is not to be read */
	uint8_t trace_flags;
	uint16_t attrs_size;	/* bytes of attrs in use */
	/* { key, length, value[length] } …; of a key the last counts */
	uint8_t attrs[TICKPROF_ATTRS_MAX];
};

struct tickprof_span {
	struct tickprof_context context;
	struct tickprof_context *outer;	/* current before; private */
};

/*
 * Every file that includes this defines it; the linker makes them one. The default
 * visibility lets a library's be the program's.
 */
extern __thread struct tickprof_context *otel_thread_ctx_v1;
__attribute__((weak, visibility("default")))
__thread struct tickprof_context *otel_thread_ctx_v1 = NULL;

/*
 * What precedes is stored before what follows, as far as this thread's interrupts
 * see it. Costs no instruction: the reader runs on this CPU, or stops the thread.
 */
static inline void tickprof_order_(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * Make a record current, NULL for none, and return the one that was. The means by
 * which a scheduler of coroutines or an event loop saves and restores.
 */
static inline struct tickprof_context *tickprof_switch(struct tickprof_context *to)
{
	struct tickprof_context *from = otel_thread_ctx_v1;

	tickprof_order_();
	__atomic_store_n(&otel_thread_ctx_v1, to, __ATOMIC_RELAXED);
	tickprof_order_();
	return from;
}

static inline struct tickprof_context *tickprof_current(void)
{
	return otel_thread_ctx_v1;
}

/* The span's ids, without attributes. Not for one that is attached. */
static inline void tickprof_span_init(struct tickprof_span *span, const uint8_t trace_id[16],
				      const uint8_t span_id[8], uint8_t trace_flags)
{
	memcpy(span->context.trace_id, trace_id, sizeof(span->context.trace_id));
	memcpy(span->context.span_id, span_id, sizeof(span->context.span_id));
	span->context.trace_flags = trace_flags;
	span->context.attrs_size = 0;
	span->context.valid = 1;
	span->outer = NULL;
}

/* The thread works on this span from here on. */
static inline void tickprof_span_attach(struct tickprof_span *span)
{
	span->outer = tickprof_switch(&span->context);
}

/*
 * The thread works again on what it did before the attach. The span may be attached
 * again, to any thread.
 */
static inline void tickprof_span_detach(struct tickprof_span *span)
{
	tickprof_switch(span->outer);
}

static inline void tickprof_span_begin(struct tickprof_span *span, const uint8_t trace_id[16],
				       const uint8_t span_id[8], uint8_t trace_flags)
{
	tickprof_span_init(span, trace_id, span_id, trace_flags);
	tickprof_span_attach(span);
}

static inline void tickprof_span_end(struct tickprof_span *span)
{
	tickprof_span_detach(span);
}

/* Of each key the last value only; returns the bytes that are left. */
static inline size_t tickprof_attrs_compact_(uint8_t *attrs, size_t size)
{
	size_t from, later, to = 0;

	for (from = 0; from < size; from += 2u + attrs[from + 1]) {
		size_t whole = 2u + attrs[from + 1];

		for (later = from + whole; later < size; later += 2u + attrs[later + 1])
			if (attrs[later] == attrs[from])
				break;
		if (later < size)
			continue;
		if (to != from)
			memmove(attrs + to, attrs + from, whole);
		to += whole;
	}
	return to;
}

/*
 * Give key, an index into the names that tickprof_process_publish() was given, a
 * value of UTF-8. 0; -E2BIG: more than 255 bytes, or the record is full, which
 * leaves the attributes as they were.
 *
 * A value is appended and then told of by one store of the size. Only when the
 * record is full of values that were overwritten is it put in order, and is
 * invalid while that lasts.
 */
static inline int tickprof_span_set_bytes(struct tickprof_span *span, uint8_t key,
					  const void *value, size_t length)
{
	struct tickprof_context *r = &span->context;
	size_t size = r->attrs_size;

	if (length > 255)
		return -E2BIG;
	if (size + 2 + length > sizeof(r->attrs)) {
		__atomic_store_n(&r->valid, 0, __ATOMIC_RELAXED);
		tickprof_order_();
		size = tickprof_attrs_compact_(r->attrs, size);
		r->attrs_size = (uint16_t)size;
		tickprof_order_();
		__atomic_store_n(&r->valid, 1, __ATOMIC_RELAXED);
	}
	if (size + 2 + length > sizeof(r->attrs))
		return -E2BIG;
	r->attrs[size] = key;
	r->attrs[size + 1] = (uint8_t)length;
	memcpy(r->attrs + size + 2, value, length);
	tickprof_order_();
	__atomic_store_n(&r->attrs_size, (uint16_t)(size + 2 + length), __ATOMIC_RELAXED);
	return 0;
}

static inline int tickprof_span_set(struct tickprof_span *span, uint8_t key, const char *value)
{
	return tickprof_span_set_bytes(span, key, value, strlen(value));
}

#ifdef __cplusplus
}

namespace tickprof {

/* A span of the block that it is declared in. */
class span {
public:
	span(const uint8_t (&trace_id)[16], const uint8_t (&span_id)[8], uint8_t trace_flags = 0)
	{
		tickprof_span_begin(&span_, trace_id, span_id, trace_flags);
	}
	~span() { tickprof_span_end(&span_); }
	span(const span &) = delete;
	span &operator=(const span &) = delete;

	/* See tickprof_span_set(). */
	int set(uint8_t key, const char *value) { return tickprof_span_set(&span_, key, value); }

private:
	tickprof_span span_;
};

}
#endif

#if defined(__cplusplus)
#define TICKPROF_ASSERT_(condition) static_assert(condition, #condition)
#else
#define TICKPROF_ASSERT_(condition) _Static_assert(condition, #condition)
#endif
TICKPROF_ASSERT_(offsetof(struct tickprof_context, span_id) == 16);
TICKPROF_ASSERT_(offsetof(struct tickprof_context, valid) == 24);
TICKPROF_ASSERT_(offsetof(struct tickprof_context, trace_flags) == 25);
TICKPROF_ASSERT_(offsetof(struct tickprof_context, attrs_size) == 26);
TICKPROF_ASSERT_(offsetof(struct tickprof_context, attrs) == 28);
TICKPROF_ASSERT_(sizeof(struct tickprof_context) == 28 + TICKPROF_ATTRS_MAX);

#endif
