/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A payment request of 7 ms on one host: the gateway calls the payment service, which asks
 * a third party's validator, which reads a disk. Microseconds from 1.1 s on:
 *
 *	gateway/11	   0 ──────── POST /pay (a1) ──────────────────────── 7000
 *			     150 ──── POST payment (b1) ──────────── 6900
 *	payment/21		250 ── pay (c1) ───────────────── 6800
 *				    800 ── validate (d1) ── 5850
 *	validator/812		      850 ── charge (e1) ── 5820
 *
 * Beside it: one trace whose spans nobody tells of (77), and a thread that publishes
 * nothing, of whose spans thread.id is told (40/41). tests/golden/trace.in has the spans.
 */
#ifndef TICKPROF_TEST_SYNTHETIC_TRACE_H
#define TICKPROF_TEST_SYNTHETIC_TRACE_H

#include "capture/capture_process.h"
#include "synthetic_waits.h"

#define US		1000ull
#define TRACE_AT	(1100 * MS)
#define LIBC_AT		0x7f0000000000ull
#define KERNEL_PAGE(n)	(KERNEL_AT + (n) * 0x100 + 0x40)
#define APP_PAGE(n)	(0x400000ull + (n) * 0x100 + 0x40)
#define LIBC_PAGE(n)	(LIBC_AT + (n) * 0x100 + 0x40)

#ifdef TICKPROF_TEST_FAKE_SYMBOLS_H
static const struct fake_function trace_functions[] = {
	{ "gateway", 1, "main" }, { "gateway", 2, "handle_request" }, { "gateway", 3, "forward" },
	{ "payment", 1, "main" }, { "payment", 2, "handle_request" }, { "payment", 3, "pay" },
	{ "payment", 4, "validate_card" }, { "payment", 5, "write_journal" },
	{ "validator", 1, "main" }, { "validator", 2, "charge" }, { "validator", 3, "check_limits" },
	{ "validator", 4, "read_ledger" },
	{ "libc.so.6", 0x11, "recv" }, { "libc.so.6", 0x12, "epoll_wait" },
	{ "libc.so.6", 0x13, "pread64" }, { "libc.so.6", 0x14, "start_thread" },
	{ "kernel", (KERNEL_AT >> 8) + 1, "__schedule" }, { "kernel", (KERNEL_AT >> 8) + 2, "schedule" },
	{ "kernel", (KERNEL_AT >> 8) + 3, "schedule_timeout" }, { "kernel", (KERNEL_AT >> 8) + 4, "sk_wait_data" },
	{ "kernel", (KERNEL_AT >> 8) + 5, "tcp_recvmsg" }, { "kernel", (KERNEL_AT >> 8) + 6, "ep_poll" },
	{ "kernel", (KERNEL_AT >> 8) + 7, "io_schedule" }, { "kernel", (KERNEL_AT >> 8) + 8, "folio_wait_bit" },
	{ "kernel", (KERNEL_AT >> 8) + 9, "filemap_read" },
	{ 0 }
};
#endif

/* Stacks that each of the programs has, and the contexts. */
struct trace_stream {
	struct stream s;
	uint64_t idle, recv, disk, preempted;
};

static inline void trace_maps(struct stream *s, uint32_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", name);
	put_mmap(s, 1000 * MS, pid, 2, 0x400000, 0x10000, 0, path);
	put_mmap(s, 1000 * MS, pid, 2, LIBC_AT, 0x20000, 0x0, "/usr/lib/libc.so.6");
	put_exec(s, 1000 * MS, pid, 2, VDSO_AT);
}

static inline void trace_kernel(struct trace_stream *t)
{
	t->idle = PUT_STACK(&t->s, TICKPROF_STACK_KERNEL, KERNEL_PAGE(1), KERNEL_PAGE(2), KERNEL_PAGE(6));
	t->recv = PUT_STACK(&t->s, TICKPROF_STACK_KERNEL, KERNEL_PAGE(1), KERNEL_PAGE(2), KERNEL_PAGE(3),
			    KERNEL_PAGE(4), KERNEL_PAGE(5));
	t->disk = PUT_STACK(&t->s, TICKPROF_STACK_KERNEL, KERNEL_PAGE(1), KERNEL_PAGE(2), KERNEL_PAGE(7),
			    KERNEL_PAGE(8), KERNEL_PAGE(9));
	t->preempted = PUT_STACK(&t->s, TICKPROF_STACK_KERNEL, KERNEL_PAGE(1), KERNEL_PAGE(2));
}

/* A wait from begin to woken to end, µs; contexts: positions, or NOWHERE. */
static inline struct tickprof_wait *trace_wait(struct stream *s, uint16_t flags, uint32_t state,
					       int64_t begin, int64_t woken, int64_t end, uint64_t ran,
					       uint64_t task, uint64_t kstack, uint64_t ustack,
					       uint64_t context)
{
	uint64_t at = here(s);
	struct tickprof_wait *w = put_wait(s, flags, TRACE_AT + end * (int64_t)US, state, task, kstack,
					   ustack);

	w->blocked = (woken - begin) * US;
	w->queued = (end - woken) * US;
	w->ran = ran * US;
	w->context = context == NOWHERE ? 0 : at - context;
	return w;
}

static inline void woken_in(struct stream *s, struct tickprof_wait *w, uint64_t context)
{
	w->waker_context = s->position + ((char *)w - s->data) - context;
}

static inline void trace_gateway(struct trace_stream *t)
{
	struct stream *s = &t->s;
	uint64_t task, loop, call, b1, c1, k1;
	struct tickprof_wait *w;

	trace_maps(s, 10, "gateway");
	trace_kernel(t);
	task = put_task(s, 10, 11, 2, "gateway", "gateway");
	loop = PUT_STACK(s, 0, LIBC_PAGE(0x12), APP_PAGE(1), LIBC_PAGE(0x14));
	call = PUT_STACK(s, 0, LIBC_PAGE(0x11), APP_PAGE(3), APP_PAGE(2), APP_PAGE(1), LIBC_PAGE(0x14));
	b1 = put_context(s, 0x4b, 0xb1, 1, "\0\4/pay", 6);
	c1 = put_context(s, 0x4b, 0xc1, 1, "", 0);
	k1 = put_context(s, 0x77, 0x71, 1, "", 0);
	w = trace_wait(s, TICKPROF_WAIT_IRQ, TICKPROF_WAIT_SLEEPING, -90000, -60, -50, 0, task, t->idle,
		       loop, NOWHERE);
	waker(w, 0, 0, "swapper/0");
	w = trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 200, 6850, 6870, 250, task, t->recv, call, b1);
	waker(w, 20, 21, "payment");
	woken_in(s, w, c1);
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 7050, 19990, 20000, 180, task, t->idle, loop, NOWHERE);
	/* A trace that is known by its ids alone: two waits, and what ran between. */
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 20100, 21100, 21100, 100, task, t->recv, call, k1);
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 21400, 22400, 22450, 300, task, t->recv, call, k1);
	w = trace_wait(s, TICKPROF_WAIT_OPEN, TICKPROF_WAIT_SLEEPING, 22500, 1900000, 1900000, 50, task,
		       t->idle, loop, NOWHERE);
}

static inline void trace_payment(struct trace_stream *t)
{
	struct stream *s = &t->s;
	uint64_t task, loop, call, pay, under, b1, c1, d1, e1;
	struct tickprof_wait *w;

	trace_maps(s, 20, "payment");
	trace_kernel(t);
	task = put_task(s, 20, 21, 2, "payment", "payment");
	loop = PUT_STACK(s, 0, LIBC_PAGE(0x12), APP_PAGE(1), LIBC_PAGE(0x14));
	call = PUT_STACK(s, 0, LIBC_PAGE(0x11), APP_PAGE(4), APP_PAGE(3), APP_PAGE(2), APP_PAGE(1),
			 LIBC_PAGE(0x14));
	pay = PUT_STACK(s, 0, APP_PAGE(5), APP_PAGE(3), APP_PAGE(2), APP_PAGE(1), LIBC_PAGE(0x14));
	under = PUT_STACK(s, 0, APP_PAGE(3), APP_PAGE(2), APP_PAGE(1), LIBC_PAGE(0x14));
	b1 = put_context(s, 0x4b, 0xb1, 1, "", 0);
	c1 = put_context(s, 0x4b, 0xc1, 1, "", 0);
	d1 = put_context(s, 0x4b, 0xd1, 1, "", 0);
	e1 = put_context(s, 0x4b, 0xe1, 1, "", 0);
	w = trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, -80000, 230, 240, 0, task, t->idle, loop, NOWHERE);
	waker(w, 10, 11, "gateway");
	woken_in(s, w, b1);
	w = trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 840, 5830, 5835, 600, task, t->recv, call, d1);
	waker(w, 812, 812, "validator");
	woken_in(s, w, e1);
	put_span_sample(s, TICKPROF_SAMPLE_USER, TRACE_AT + 6100 * US, APP_PAGE(5), task, NOWHERE, under, c1);
	trace_wait(s, 0, TICKPROF_WAIT_PREEMPTED, 6200, 6200, 6300, 365, task, t->preempted, pay, c1);
	/* Two waits too short for a record are in what comes before the last. */
	w = trace_wait(s, TICKPROF_WAIT_OPEN, TICKPROF_WAIT_SLEEPING, 6860, 1900000, 1900000, 554, task,
		       t->idle, loop, NOWHERE);
	w->short_nr = 2;
	w->short_blocked = 4 * US;
	w->short_queued = 2 * US;
}

static inline void trace_validator(struct trace_stream *t)
{
	struct stream *s = &t->s;
	uint64_t task, loop, ledger, e1;
	struct tickprof_wait *w;

	trace_maps(s, 812, "validator");
	trace_kernel(t);
	task = put_task(s, 812, 812, 2, "validator", "validator");
	loop = PUT_STACK(s, 0, LIBC_PAGE(0x12), APP_PAGE(1));
	ledger = PUT_STACK(s, 0, LIBC_PAGE(0x13), APP_PAGE(4), APP_PAGE(3), APP_PAGE(2), APP_PAGE(1));
	e1 = put_context(s, 0x4b, 0xe1, 1, "", 0);
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, -80000, 842, 845, 0, task, t->idle, loop, NOWHERE);
	w = trace_wait(s, TICKPROF_WAIT_IO | TICKPROF_WAIT_IRQ, TICKPROF_WAIT_DISK, 1000, 5000, 5010, 155,
		       task, t->disk, ledger, e1);
	waker(w, 0, 0, "swapper/1");
	w = trace_wait(s, TICKPROF_WAIT_IO | TICKPROF_WAIT_FAULT | TICKPROF_WAIT_IRQ, TICKPROF_WAIT_DISK,
		       5100, 5600, 5600, 90, task, t->disk, ledger, e1);
	waker(w, 0, 0, "swapper/1");
	trace_wait(s, TICKPROF_WAIT_OPEN, TICKPROF_WAIT_SLEEPING, 5900, 1900000, 1900000, 300, task,
		   t->idle, loop, NOWHERE);
}

/* It publishes nothing: a span of thread.id 41 lasts from 30000 to 31000. */
static inline void trace_legacy(struct trace_stream *t)
{
	struct stream *s = &t->s;
	uint64_t task, loop, call;

	trace_maps(s, 40, "legacy");
	trace_kernel(t);
	task = put_task(s, 40, 41, 2, "legacy", "worker");
	loop = PUT_STACK(s, 0, LIBC_PAGE(0x12), APP_PAGE(1));
	call = PUT_STACK(s, 0, LIBC_PAGE(0x11), APP_PAGE(7), APP_PAGE(1));
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, -80000, 29990, 29990, 0, task, t->idle, loop, NOWHERE);
	trace_wait(s, 0, TICKPROF_WAIT_SLEEPING, 30100, 30900, 30910, 110, task, t->recv, call, NOWHERE);
	trace_wait(s, TICKPROF_WAIT_OPEN, TICKPROF_WAIT_SLEEPING, 31050, 1900000, 1900000, 140, task,
		   t->idle, loop, NOWHERE);
}

/* A span that thread 21 marked, µs; ids of bytes that are all the same. */
static inline struct capture_mark trace_mark(uint8_t trace, uint8_t id, uint8_t parent, uint64_t start, uint64_t end,
				  uint64_t cpu)
{
	struct capture_mark m = {
		.begin = TRACE_AT + start * US, .end = TRACE_AT + end * US, .cpu = cpu * US, .tid = 21,
		.flags = CAPTURE_MARK_CPU, .name_length = 6, .name = "marked",
	};

	memset(m.trace_id, trace, sizeof(m.trace_id));
	memset(m.span_id, id, sizeof(m.span_id));
	memset(m.parent_id, parent, sizeof(m.parent_id));
	return m;
}

static inline void put_marks(struct test_capture *t, uint32_t pid, const struct capture_mark *marks, size_t nr)
{
	struct {
		struct capture_marks head;
		struct capture_mark marks[8];
	} chunk = { .head = { .pid = pid, .exec_id = 2, .comm = "a-comm" } };

	memcpy(chunk.marks, marks, nr * sizeof(*marks));
	capture_write_chunk(t->w, CAPTURE_MARKS, &chunk, sizeof(chunk.head) + nr * sizeof(*marks));
}

static inline struct test_capture trace_begin(void)
{
	static void (*const programs[])(struct trace_stream *) = {
		trace_gateway, trace_payment, trace_validator, trace_legacy,
	};
	const struct capture_process_text gateway = {
		.image = { .pid = 10, .nr_keys = 1, .start_time = START_OF(10), .exec_id = 2 },
		.service = "gateway", .keys = { "http.route" },
	};
	struct test_capture t = capture_begin();
	size_t i;

	capture_write_meta(t.w, CAPTURE_META_SOURCE, "cpu,offcpu");
	capture_write_meta(t.w, CAPTURE_META_WAIT_MIN, "1000");
	capture_write_process(t.w, &gateway);
	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		struct trace_stream p = { .s = { .cpu = i, .position = i << 20 } };

		programs[i](&p);
		capture_flush(&t, &p.s);
		stream_deinit(&p.s);
	}
	return t;
}

static inline struct capture *trace_capture(void)
{
	struct test_capture t = trace_begin();

	return capture_end(&t);
}

#endif
