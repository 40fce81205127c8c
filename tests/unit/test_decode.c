// SPDX-License-Identifier: GPL-2.0-only
/* Ring records: references resolve to what was written, and to nothing else. */
#include "capture/decode.h"
#include "records.h"
#include "test.h"

static struct {
	struct test_capture t;
	struct stream s;
	struct capture *c;
	struct decode *d;
	struct decode_sample samples[32];
	size_t nr_samples;
	struct decode_wait waits[32];
	size_t nr_waits;
	size_t events, snapshots;
} f;

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	f.t = capture_begin();
	f.s = (struct stream) { .cpu = 1, .position = 4096 };
	return 0;
}

static int teardown(void **state)
{
	decode_destroy(f.d);
	capture_close(f.c);
	stream_deinit(&f.s);
	return 0;
}

static void on_event(void *ctx, const struct tickprof_record *r, bool snapshot)
{
	f.events++;
	f.snapshots += snapshot;
}

static void on_sample(void *ctx, const struct decode_sample *s)
{
	assert_true(f.nr_samples < ARRAY_SIZE(f.samples));
	f.samples[f.nr_samples++] = *s;
}

static void on_wait(void *ctx, const struct decode_wait *w)
{
	assert_true(f.nr_waits < ARRAY_SIZE(f.waits));
	f.waits[f.nr_waits++] = *w;
}

static void run(void)
{
	capture_flush(&f.t, &f.s);
	f.c = capture_end(&f.t);
	f.d = decode_create(f.c);
	decode_events(f.d, on_event, NULL);
	decode_samples(f.d, on_sample, on_wait, NULL);
}

static void references_resolve(void **state)
{
	uint64_t task = put_task(&f.s, 1, 2, 3, "p", "t");
	uint64_t a = PUT_STACK(&f.s, 0, 1, 2, 3), b = PUT_STACK(&f.s, 0, 4);
	uint64_t k = PUT_STACK(&f.s, TICKPROF_STACK_KERNEL, 5, 6);

	put_sample(&f.s, TICKPROF_SAMPLE_USER, 10, 7, task, NOWHERE, a);
	put(&f.s, TICKPROF_RECORD_PAD, 0, 64);
	capture_flush(&f.t, &f.s);
	put_sample(&f.s, 0, 11, 8, task, k, b);
	run();
	assert_int_equal(f.nr_samples, 2);
	assert_int_equal(f.samples[0].cpu, 1);
	assert_int_equal(f.samples[0].kstack, 0);
	assert_int_equal(decode_stack(f.d, f.samples[0].ustack)->nr, 3);
	assert_int_equal(decode_stack(f.d, f.samples[0].ustack)->ip[2], 3);
	assert_int_equal(decode_stack(f.d, f.samples[1].ustack)->ip[0], 4);
	assert_int_equal(decode_stack(f.d, f.samples[1].kstack)->ip[1], 6);
	assert_int_equal(decode_stack(f.d, f.samples[1].kstack)->flags, TICKPROF_STACK_KERNEL);
	assert_int_equal(f.samples[0].task, f.samples[1].task);
	assert_int_equal(decode_task(f.d, f.samples[0].task)->tid, 2);
	assert_int_equal(decode_stats(f.d)->errors, 0);
	assert_int_equal(decode_stats(f.d)->unresolved, 0);
	assert_int_equal(decode_stats(f.d)->gaps, 0);
	assert_int_equal(decode_stats(f.d)->records, 7);
}

static void equal_stacks_are_one(void **state)
{
	uint64_t a = PUT_STACK(&f.s, 0, 1, 2), b;

	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, a);
	capture_flush(&f.t, &f.s);
	f.s.cpu = 2;
	f.s.position = 0;
	b = PUT_STACK(&f.s, 0, 1, 2);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, b);
	b = PUT_STACK(&f.s, TICKPROF_STACK_FAULT, 1, 2);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, b);
	run();
	assert_int_equal(f.samples[0].ustack, f.samples[1].ustack);
	assert_int_not_equal(f.samples[0].ustack, f.samples[2].ustack);
	assert_int_equal(decode_nr_stacks(f.d), 2);
}

static void waits_resolve_like_samples(void **state)
{
	uint64_t task = put_task(&f.s, 1, 2, 3, "p", "t"), user = PUT_STACK(&f.s, 0, 1, 2);
	uint64_t kernel = PUT_STACK(&f.s, TICKPROF_STACK_KERNEL, 5);
	struct tickprof_wait *w;
	size_t i;

	/* Nothing else in this ring says how far back references reach. */
	for (i = 0; i < 2000; i++)
		put(&f.s, TICKPROF_RECORD_PAD, 0, 8);
	put_wait(&f.s, 0, 100, TICKPROF_WAIT_DISK, task, kernel, user)->blocked = 100;
	put_wait(&f.s, 0, 100, 4711, kernel, task, user - 8);
	put_wait(&f.s, 0, 100, 0, task, NOWHERE, NOWHERE)->ustack = UINT32_MAX - 7;
	put(&f.s, TICKPROF_RECORD_WAIT, 0, sizeof(*w) - 16);
	w = put(&f.s, TICKPROF_RECORD_WAIT, 0, sizeof(*w) + 16);	/* of a newer module */
	w->time = w->ran = 5;
	run();
	assert_int_equal(f.nr_waits, 4);
	assert_int_equal(decode_task(f.d, f.waits[0].task)->tid, 2);
	assert_int_equal(decode_stack(f.d, f.waits[0].kstack)->ip[0], 5);
	assert_int_equal(decode_stack(f.d, f.waits[0].ustack)->nr, 2);
	assert_int_equal(f.waits[0].cpu, 1);
	assert_int_equal(f.waits[1].task + f.waits[1].kstack + f.waits[1].ustack, 0);
	assert_int_equal(f.waits[3].record->ran, 5);
	assert_int_equal(decode_stats(f.d)->unresolved, 4);
	assert_int_equal(decode_stats(f.d)->errors, 1);
}

/* All that a wait tells of is past, so its parts never exceed its time. */
static void waits_longer_than_time_are_refused(void **state)
{
	static const uint64_t most[] = { 0, 10, 11, INT64_MAX, UINT64_MAX, UINT64_MAX - 5, 1ull << 63 };
	struct tickprof_wait *both;
	size_t i, part;

	for (i = 0; i < ARRAY_SIZE(most); i++)
		for (part = 0; part < 5; part++) {
			struct tickprof_wait *w = put_wait(&f.s, 0, 10, TICKPROF_WAIT_SLEEPING,
							   NOWHERE, NOWHERE, NOWHERE);
			__u64 *parts[] = { &w->blocked, &w->queued, &w->ran, &w->short_blocked,
					   &w->short_queued };

			*parts[part] = most[i];
		}
	/* After this many years times are not counted as numbers any more. */
	put_wait(&f.s, 0, UINT64_MAX, TICKPROF_WAIT_DISK, NOWHERE, NOWHERE, NOWHERE);
	/* Each part alone would fit. */
	put_wait(&f.s, 0, 10, TICKPROF_WAIT_DISK, NOWHERE, NOWHERE, NOWHERE)->blocked = 6;
	both = put_wait(&f.s, 0, 10, TICKPROF_WAIT_DISK, NOWHERE, NOWHERE, NOWHERE);
	both->blocked = both->queued = 6;
	run();
	assert_int_equal(f.nr_waits, 11);
	assert_int_equal(decode_stats(f.d)->errors, 5 * 5 + 2);
}

static void contexts_resolve_like_stacks(void **state)
{
	static const char attrs[] = "\1\3GET\2\0";
	uint64_t a = put_context(&f.s, 1, 2, 1, attrs, 7), stack = PUT_STACK(&f.s, 0, 1);
	uint64_t b = put_context(&f.s, 1, 3, 1, attrs, 7), task = put_task(&f.s, 1, 2, 3, "p", "t");
	const struct decode_context *c;
	struct tickprof_wait *w;

	put_span_sample(&f.s, TICKPROF_SAMPLE_USER, 10, 7, task, NOWHERE, stack, a);
	put_sample(&f.s, TICKPROF_SAMPLE_USER, 10, 7, task, NOWHERE, stack);
	w = put_wait(&f.s, 0, 100, TICKPROF_WAIT_DISK, task, NOWHERE, stack);
	w->context = (char *)w - f.s.data + f.s.position - a;
	w->waker_context = (char *)w - f.s.data + f.s.position - b;
	capture_flush(&f.t, &f.s);
	f.s.cpu = 2;
	f.s.position = 0;
	a = put_context(&f.s, 1, 2, 1, attrs, 7);
	b = put_context(&f.s, 1, 2, 0, attrs, 7);
	put_span_sample(&f.s, 0, 10, 7, NOWHERE, NOWHERE, NOWHERE, a);
	put_span_sample(&f.s, 0, 10, 7, NOWHERE, NOWHERE, NOWHERE, b);
	run();
	assert_int_equal(decode_nr_contexts(f.d), 3);
	assert_int_equal(f.samples[0].context, 1);
	assert_int_equal(f.samples[0].task, 1);
	assert_int_equal(f.samples[1].context, 0);
	assert_int_equal(f.waits[0].context, 1);
	assert_int_equal(f.waits[0].waker_context, 2);
	assert_int_equal(f.samples[2].context, 1);	/* the same on another CPU */
	assert_int_equal(f.samples[3].context, 3);	/* other flags */
	c = decode_context(f.d, 1);
	assert_int_equal(c->trace_id[15], 1);
	assert_int_equal(c->span_id[0], 2);
	assert_int_equal(c->trace_flags, 1);
	assert_int_equal(c->size, 7);
	assert_memory_equal(c->attrs, attrs, 7);
	assert_false(c->cut);
	assert_int_equal(decode_stats(f.d)->errors, 0);
	assert_int_equal(decode_stats(f.d)->unresolved, 0);
}

/* A context is found where one began, and nothing else is taken for one. */
static void wrong_contexts_are_counted(void **state)
{
	uint64_t context = put_context(&f.s, 1, 2, 0, "", 0), stack = PUT_STACK(&f.s, 0, 1);
	struct tickprof_wait *w;

	put_span_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE, stack);
	put_span_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE, context + 8);
	put_span_sample(&f.s, 0, 1, 1, context, NOWHERE, context, context);
	w = put_wait(&f.s, 0, 100, TICKPROF_WAIT_DISK, NOWHERE, NOWHERE, NOWHERE);
	w->context = 8;
	w->waker_context = UINT32_MAX - 7;
	/* ABI 1: what follows belongs to the next record. */
	w = put(&f.s, TICKPROF_RECORD_WAIT, 0, sizeof(*w) - 8);
	w->time = 5;
	put(&f.s, TICKPROF_RECORD_PAD, 0xffff, 8);
	run();
	assert_int_equal(f.nr_samples, 3);
	assert_int_equal(f.samples[0].context + f.samples[1].context, 0);
	assert_int_equal(f.samples[2].context, 1);
	assert_int_equal(f.nr_waits, 2);
	assert_int_equal(f.waits[0].context + f.waits[0].waker_context + f.waits[1].waker_context, 0);
	assert_int_equal(decode_stats(f.d)->unresolved, 6);
	assert_int_equal(decode_stats(f.d)->errors, 0);
}

static void hostile_contexts(void **state)
{
	static const char attrs[] = "\1\3GET\2\5POS";
	const size_t fixed = sizeof(struct tickprof_thread_context);
	struct tickprof_thread_context *c;
	uint64_t a, b;

	put_context(&f.s, 0, 2, 0, attrs, 5);			/* no trace */
	put_context(&f.s, 1, 0, 0, attrs, 5);			/* no span */
	put(&f.s, TICKPROF_RECORD_CONTEXT, 0, fixed - 8);
	c = put(&f.s, TICKPROF_RECORD_CONTEXT, 7 << 8, fixed);	/* padding beyond it */
	c->trace_id[0] = c->span_id[0] = 1;
	put(&f.s, TICKPROF_RECORD_SAMPLE, TICKPROF_SAMPLE_CONTEXT, sizeof(struct tickprof_sample));
	a = put_context(&f.s, 1, 2, 0, attrs, 10);		/* its last entry is longer than it */
	b = put_context(&f.s, 1, 2, 0, "\1", 1);
	put_span_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE, a);
	put_span_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE, b);
	run();
	assert_int_equal(decode_stats(f.d)->errors, 5);
	assert_int_equal(f.nr_samples, 2);
	assert_int_equal(decode_context(f.d, f.samples[0].context)->size, 5);
	assert_true(decode_context(f.d, f.samples[0].context)->cut);
	assert_int_equal(decode_context(f.d, f.samples[1].context)->size, 0);
}

/* A position on another CPU, or of a record of another type, is not a match. */
static void wrong_references_are_counted(void **state)
{
	uint64_t task = put_task(&f.s, 1, 1, 1, "p", "t"), stack = PUT_STACK(&f.s, 0, 1);

	put_sample(&f.s, 0, 1, 1, stack, NOWHERE, NOWHERE);		/* not a task */
	put_sample(&f.s, 0, 1, 1, NOWHERE, task, NOWHERE);		/* not a stack */
	put_sample(&f.s, 0, 1, 1, task + 8, stack + 8, stack - 8);	/* inside records */
	put_sample(&f.s, 0, 1, 1, task + 4, NOWHERE, NOWHERE);		/* not aligned */
	put_sample(&f.s, 0, 1, 1, task, NOWHERE, NOWHERE)->ustack = UINT32_MAX - 7;
	capture_flush(&f.t, &f.s);
	f.s.cpu = 2;
	f.s.position = stack + 32;
	put_sample(&f.s, 0, 1, 1, task, NOWHERE, stack);
	run();
	assert_int_equal(f.nr_samples, 6);
	assert_int_equal(f.samples[4].task, 1);
	assert_int_equal(f.samples[5].task, 0);
	assert_int_equal(f.samples[5].ustack, 0);
	assert_int_equal(decode_stats(f.d)->unresolved, 9);
}

/* A stack that lay in the part that is missing must not be found at its alias. */
static void gaps_attach_nothing_wrong(void **state)
{
	uint64_t old = PUT_STACK(&f.s, 0, 1), new;

	capture_flush(&f.t, &f.s);
	f.s.position += 1 << 20;
	new = PUT_STACK(&f.s, 0, 2);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, new);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, old + (1 << 19));
	run();
	assert_int_equal(decode_stats(f.d)->gaps, 1);
	assert_int_equal(decode_stack(f.d, f.samples[0].ustack)->ip[0], 2);
	assert_int_equal(f.samples[1].ustack, 0);
	assert_int_equal(decode_stats(f.d)->unresolved, 1);
}

static void unknown_types_are_skipped(void **state)
{
	put(&f.s, __TICKPROF_RECORD_MAX, 0, 32);
	put(&f.s, 60000, 0, 8);
	put(&f.s, 0, 0, 8);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE);
	run();
	assert_int_equal(f.nr_samples, 1);
	assert_int_equal(decode_stats(f.d)->unknown, 3);
	assert_int_equal(decode_stats(f.d)->errors, 0);
}

static void senseless_records_are_counted(void **state)
{
	struct tickprof_mmap *map = put_mmap(&f.s, 1, 1, 1, 0x1000, 0x1000, 0, "/a");
	struct tickprof_stack *stack;

	map->build_id_size = 21;
	map = put_mmap(&f.s, 1, 1, 1, 0x1000, 0x1000, 0, "/12345678");
	memset(map->path, 'x', map->hdr.size - sizeof(*map));
	put_mmap(&f.s, 1, 1, 1, UINT64_MAX - 10, 0x1000, 0, "/a");
	stack = put(&f.s, TICKPROF_RECORD_STACK, 0, sizeof(*stack) + 16);
	stack->nr = 3;
	put(&f.s, TICKPROF_RECORD_SAMPLE, 0, 16);
	put(&f.s, TICKPROF_RECORD_TASK, 0, 8);
	put_sample(&f.s, 0, 1, 1, NOWHERE, NOWHERE, NOWHERE);
	run();
	assert_int_equal(decode_stats(f.d)->errors, 6);
	assert_int_equal(f.events, 0);
	assert_int_equal(f.nr_samples, 1);
}

/* A size that leads nowhere ends its chunk; the next one is read. */
static void bad_sizes_end_the_chunk(void **state)
{
	static const uint32_t sizes[] = { 0, 4, 7, 12, 41, 1 << 20, UINT32_MAX, UINT32_MAX - 7 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tickprof_record *r;

		put_sample(&f.s, 0, i, 1, NOWHERE, NOWHERE, NOWHERE);
		r = put(&f.s, TICKPROF_RECORD_PAD, 0, 40);
		r->size = sizes[i];
		put_sample(&f.s, 0, 99, 1, NOWHERE, NOWHERE, NOWHERE);
		capture_flush(&f.t, &f.s);
	}
	run();
	assert_int_equal(f.nr_samples, ARRAY_SIZE(sizes));
	assert_int_equal(f.samples[3].record->time, 3);
	assert_int_equal(decode_stats(f.d)->errors, ARRAY_SIZE(sizes));
}

static void events_and_losses_arrive(void **state)
{
	struct tickprof_lost *lost;
	struct stream events = { 0 };

	put_fork(&f.s, 1, 1, 2, 1);
	put_exec(&f.s, 2, 2, 2, 0);
	put_mmap(&f.s, 2, 2, 2, 0, 4096, 0, "");
	lost = put(&f.s, TICKPROF_RECORD_LOST, 0, sizeof(*lost));
	lost->samples = 3;
	lost->events = 4;
	lost->stacks = 5;
	put_task(&events, 1, 1, 0, "p", "t");
	capture_flush_events(&f.t, &events);
	stream_deinit(&events);
	run();
	assert_int_equal(f.events, 4);
	assert_int_equal(f.snapshots, 1);
	assert_int_equal(decode_stats(f.d)->lost_samples, 3);
	assert_int_equal(decode_stats(f.d)->lost_events, 4);
	assert_int_equal(decode_stats(f.d)->lost_stacks, 5);
}

/* The ring goes round many times; what it still holds resolves, the rest was rewritten. */
static void far_positions_resolve(void **state)
{
	uint64_t stack = 0, i;

	f.s.position = 1ull << 40;
	for (i = 0; i < 5000; i++) {
		if (i % 1000 == 0)
			stack = PUT_STACK(&f.s, 0, i + 1);
		if (i % 200 == 199)
			put_sample(&f.s, 0, i, 1, NOWHERE, NOWHERE, stack);
		else
			put(&f.s, TICKPROF_RECORD_PAD, 0, 8);
	}
	run();
	assert_int_equal(f.nr_samples, 25);
	for (i = 0; i < f.nr_samples; i++)
		assert_int_equal(decode_stack(f.d, f.samples[i].ustack)->ip[0],
				 i / 5 * 1000 + 1);
	assert_int_equal(decode_stats(f.d)->unresolved, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(references_resolve),
		TEST(equal_stacks_are_one),
		TEST(waits_resolve_like_samples),
		TEST(waits_longer_than_time_are_refused),
		TEST(wrong_references_are_counted),
		TEST(contexts_resolve_like_stacks),
		TEST(wrong_contexts_are_counted),
		TEST(hostile_contexts),
		TEST(gaps_attach_nothing_wrong),
		TEST(unknown_types_are_skipped),
		TEST(senseless_records_are_counted),
		TEST(bad_sizes_end_the_chunk),
		TEST(events_and_losses_arrive),
		TEST(far_positions_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
