/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small capture with one of everything that matters for a profile: two CPUs,
 * three processes, a fork without an exec, kernel and user stacks, an inlined
 * function, a stripped file, code in no mapping, the vDSO, the idle task, cut
 * stacks, a lost record and one of an unknown type.
 */
#ifndef TICKPROF_TEST_SYNTHETIC_H
#define TICKPROF_TEST_SYNTHETIC_H

#include "records.h"

#define SYNTHETIC_SAMPLES	13
#define VDSO_AT		0x7fff0000ull
#define KERNEL_AT	0xffffffff81000000ull
#define MS		1000000ull

static inline void synthetic_cpu0(struct stream *s)
{
	uint64_t app, worker, stack, cut, kernel, after;
	struct tickprof_lost *lost;

	put_mmap(s, 1100 * MS, 20, 2, 0x400000, 0x20000, 0, "/usr/bin/app");
	put_mmap(s, 1100 * MS, 20, 2, 0x7f0000000000, 0x20000, 0x1000, "/usr/lib/libx.so.1");
	put_exec(s, 1101 * MS, 20, 2, VDSO_AT);
	app = put_task(s, 20, 20, 2, "app", "app");
	stack = PUT_STACK(s, 0, 0x7f0000000210, 0x4012a4, 0x400140);
	put_sample(s, TICKPROF_SAMPLE_USER, 1200 * MS, 0x7f0000000104, app, NOWHERE, stack);
	put_sample(s, TICKPROF_SAMPLE_USER, 1210 * MS, 0x7f0000000104, app, NOWHERE, stack);
	put_sample(s, TICKPROF_SAMPLE_USER, 1220 * MS, 0x7f000000f080, app, NOWHERE, stack);
	put_sample(s, TICKPROF_SAMPLE_USER, 1230 * MS, VDSO_AT + 0x340, app, NOWHERE, stack);
	kernel = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x280, KERNEL_AT + 0x42);
	after = PUT_STACK(s, 0, 0x7f0000000300, 0x4012a4, 0x400140);
	put_sample(s, 0, 1240 * MS, KERNEL_AT + 0x190, app, kernel, after);
	put(s, 999, 0, 24);
	put_fork(s, 1250 * MS, 20, 21, 2);
	worker = put_task(s, 21, 22, 2, "app", "worker");
	cut = PUT_STACK(s, TICKPROF_STACK_DEPTH, 0x4012a4, 0x4013a4, 0x4012a4);
	put_sample(s, TICKPROF_SAMPLE_USER, 1260 * MS, 0x401310, worker, NOWHERE, cut);
	put_sample(s, TICKPROF_SAMPLE_USER, 1270 * MS, 0x123456, worker, NOWHERE, cut)->missed = 3;
	lost = put(s, TICKPROF_RECORD_LOST, 0, sizeof(*lost));
	lost->time = 1280 * MS;
	lost->samples = 5;
	lost->stacks = 2;
}

static inline void synthetic_cpu1(struct stream *s)
{
	uint64_t old, idle, thread, stack, kernel;

	idle = put_task(s, 0, 0, 0, "swapper/1", "swapper/1");
	kernel = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x9080);
	put_sample(s, TICKPROF_SAMPLE_IDLE | TICKPROF_SAMPLE_KTHREAD, 1300 * MS,
		   KERNEL_AT + 0x9010, idle, kernel, NOWHERE);
	thread = put_task(s, 2, 2, 0, "kthreadd", "kthreadd");
	put_sample(s, TICKPROF_SAMPLE_KTHREAD, 1310 * MS, KERNEL_AT + 0x9110, thread, kernel,
		   NOWHERE);
	old = put_task(s, 10, 10, 7, "daemon", "daemon");
	stack = PUT_STACK(s, TICKPROF_STACK_FAULT, 0x500210, 0x600310);
	put_sample(s, TICKPROF_SAMPLE_USER, 1320 * MS, 0x500120, old, NOWHERE, stack);
	put_sample(s, TICKPROF_SAMPLE_USER, 1330 * MS, 0x600120, old, NOWHERE, stack);
	put_sample(s, TICKPROF_SAMPLE_USER | TICKPROF_SAMPLE_COMPAT, 1340 * MS, 0x500130, old,
		   NOWHERE, NOWHERE);
	/* The one frame of libx.so.1 in another process: the same location. */
	put_sample(s, TICKPROF_SAMPLE_USER, 1350 * MS, 0x7e0000000104, old, NOWHERE, NOWHERE);
}

/* What /proc told of the daemon, which ran before. */
static inline void synthetic_snapshot(struct stream *s)
{
	put_task(s, 10, 10, 0, "daemon", "daemon");
	put_exec(s, 1000 * MS, 10, 0, VDSO_AT);
	put_mmap(s, 1000 * MS, 10, 0, 0x500000, 0x10000, 0, "/usr/sbin/daemon");
	put_mmap(s, 1000 * MS, 10, 0, 0x600000, 0x10000, 0, "/opt/stripped.so");
	put_mmap(s, 1000 * MS, 10, 0, 0x7e0000000000, 0x20000, 0x1000, "/usr/lib/libx.so.1");
}

static inline struct test_capture synthetic_begin(void)
{
	static const uint64_t counters[TICKPROF_COUNTER_MAX + 1] = {
		[TICKPROF_COUNTER_SAMPLES] = SYNTHETIC_SAMPLES,
		[TICKPROF_COUNTER_LOST_SAMPLES] = 6,
		[TICKPROF_COUNTER_THROTTLED] = 2,
	};
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0, .position = 1 << 20 }, events = { 0 };

	synthetic_cpu0(&s);
	capture_flush(&t, &s);
	s.cpu = 1;
	s.position = 0;
	synthetic_cpu1(&s);
	capture_flush(&t, &s);
	synthetic_snapshot(&events);
	capture_flush_events(&t, &events);
	capture_write_counters(t.w, counters);
	stream_deinit(&s);
	stream_deinit(&events);
	return t;
}

static inline struct capture *synthetic_capture(void)
{
	struct test_capture t = synthetic_begin();

	return capture_end(&t);
}

#endif
