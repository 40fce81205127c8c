/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small capture with one of every kind of wait: four threads whose records tell of
 * all their time. Two seconds from 1 s on; "worker" is born and ends in between.
 * With ticks, also three samples.
 */
#ifndef TICKPROF_TEST_SYNTHETIC_WAITS_H
#define TICKPROF_TEST_SYNTHETIC_WAITS_H

#include "synthetic.h"

#define WAITS_OPENED	11	/* WAIT records that tell of a wait */
#define WAITS_SHORT	10

static inline void waker(struct tickprof_wait *w, uint32_t pid, uint32_t tid, const char *comm)
{
	w->waker_pid = pid;
	w->waker_tid = tid;
	strncpy(w->waker_comm, comm, TICKPROF_COMM_LEN);
}

static inline void times(struct tickprof_wait *w, uint64_t ran, uint64_t blocked, uint64_t queued)
{
	w->ran = ran * MS;
	w->blocked = blocked * MS;
	w->queued = queued * MS;
}

static inline void waits_app(struct stream *s, bool ticks)
{
	uint64_t app, sleep, read, user, fault;
	struct tickprof_wait *w;

	put_mmap(s, 1100 * MS, 20, 2, 0x400000, 0x20000, 0, "/usr/bin/app");
	put_mmap(s, 1100 * MS, 20, 2, 0x7f0000000000, 0x20000, 0x1000, "/usr/lib/libx.so.1");
	put_exec(s, 1001 * MS, 20, 2, VDSO_AT);
	app = put_task(s, 20, 20, 2, "app", "app");
	sleep = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x280, KERNEL_AT + 0x42);
	read = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x280, KERNEL_AT + 0x580);
	user = PUT_STACK(s, 0, 0x7f0000000300, 0x4012a4, 0x400140);
	fault = PUT_STACK(s, TICKPROF_STACK_DEPTH, 0x401310, 0x4012a4);
	w = put_wait(s, 0, 1200 * MS, TICKPROF_WAIT_SLEEPING, app, sleep, user);
	times(w, 50, 140, 10);
	waker(w, 20, 22, "worker");
	w = put_wait(s, TICKPROF_WAIT_IO | TICKPROF_WAIT_IRQ, 1500 * MS, TICKPROF_WAIT_DISK, app,
		     read, user);
	times(w, 100, 150, 5);
	waker(w, 2, 99, "whoever");
	w->short_blocked = 30 * MS;
	w->short_queued = 15 * MS;
	w->short_nr = 3;
	if (ticks) {
		put_sample(s, TICKPROF_SAMPLE_USER, 1501 * MS, 0x401310, app, NOWHERE, user);
		put_sample(s, TICKPROF_SAMPLE_USER, 1502 * MS, 0x401310, app, NOWHERE, user);
		put_sample(s, 0, 1503 * MS, KERNEL_AT + 0x590, app, sleep, user);
	}
	w = put_wait(s, 0, 1510 * MS, TICKPROF_WAIT_PREEMPTED, app, sleep, fault);
	times(w, 6, 0, 4);
	w = put_wait(s, TICKPROF_WAIT_IO | TICKPROF_WAIT_FAULT | TICKPROF_WAIT_IRQ, 1600 * MS,
		     TICKPROF_WAIT_DISK, app, read, fault);
	times(w, 8, 80, 2);
	/* The same once more, woken by another interrupt: one entry with the one before. */
	w = put_wait(s, TICKPROF_WAIT_IO | TICKPROF_WAIT_FAULT | TICKPROF_WAIT_IRQ, 1700 * MS,
		     TICKPROF_WAIT_DISK, app, read, fault);
	times(w, 8, 80, 12);
	waker(w, 20, 22, "worker");
	w = put_wait(s, TICKPROF_WAIT_OPEN, 3000 * MS, TICKPROF_WAIT_SLEEPING, app, NOWHERE, user);
	times(w, 100, 1200, 0);
}

/* CPU 1: they do not wait for each other's records. */
static inline void waits_others(struct stream *s)
{
	uint64_t worker, kthread, old, stack, user;
	struct tickprof_wait *w;

	stack = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x280, KERNEL_AT + 0x42);
	user = PUT_STACK(s, 0, 0x7f0000000300, 0x4013a4);
	worker = put_task(s, 20, 22, 2, "app", "worker");
	times(put_wait(s, 0, 1101 * MS, TICKPROF_WAIT_NEW, worker, NOWHERE, NOWHERE), 0, 0, 1);
	w = put_wait(s, 0, 1201 * MS, TICKPROF_WAIT_SLEEPING, worker, stack, user);
	times(w, 9, 90, 1);
	waker(w, 20, 20, "app");
	w = put_wait(s, TICKPROF_WAIT_END, 1301 * MS, TICKPROF_WAIT_RUNNING, worker, NOWHERE,
		     NOWHERE);
	times(w, 95, 0, 0);
	w->short_blocked = 5 * MS;
	w->short_nr = 7;
	kthread = put_task(s, 30, 30, 0, "kworker/1:0", "kworker/1:0");
	((struct tickprof_record *)(s->data + (kthread - s->position)))->flags = TICKPROF_TASK_KTHREAD;
	times(put_wait(s, 0, 2000 * MS, TICKPROF_WAIT_IDLE, kthread, stack, NOWHERE), 9, 990, 1);
	times(put_wait(s, TICKPROF_WAIT_OPEN, 3000 * MS, TICKPROF_WAIT_IDLE, kthread, NOWHERE,
		       NOWHERE), 1, 999, 0);
	old = put_task(s, 10, 10, 7, "daemon", "daemon");
	times(put_wait(s, 0, 1700 * MS, TICKPROF_WAIT_BEFORE, old, stack, NOWHERE), 0, 700, 0);
	times(put_wait(s, TICKPROF_WAIT_OPEN, 3000 * MS, TICKPROF_WAIT_RUNNING, old, NOWHERE,
		       NOWHERE), 1300, 0, 0);
}

static inline struct test_capture waits_begin(bool ticks)
{
	static const uint64_t counters[TICKPROF_COUNTER_MAX + 1] = {
		[TICKPROF_COUNTER_WAITS] = 13,
		[TICKPROF_COUNTER_SHORT_WAITS] = 8,
		[TICKPROF_COUNTER_LOST_WAITS] = 2,
		[TICKPROF_COUNTER_UNKNOWN_WAITS] = 4,
	};
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0, .position = 1 << 20 };

	capture_write_meta(t.w, CAPTURE_META_SOURCE, ticks ? "cpu,offcpu" : "offcpu");
	capture_write_meta(t.w, CAPTURE_META_WAIT_MIN, "1000");
	waits_app(&s, ticks);
	capture_flush(&t, &s);
	s.cpu = 1;
	s.position = 0;
	waits_others(&s);
	capture_flush(&t, &s);
	capture_write_counters(t.w, counters);
	stream_deinit(&s);
	return t;
}

static inline struct capture *waits_capture(bool ticks)
{
	struct test_capture t = waits_begin(ticks);

	return capture_end(&t);
}

#endif
