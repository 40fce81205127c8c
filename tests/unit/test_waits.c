// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits in the profile: labels, exact sums, threads, time windows, what is shown.
 * Leaves TEST_OUT/waits.data (samples and waits) and offcpu.data (waits alone), with their
 * symbols, and waits.pb.gz and offcpu.pb.gz for tests/golden/waits.
 */
#include "cmd/view.h"
#include "out/top.h"
#include "fake_symbols.h"
#include "synthetic_waits.h"
#include "test.h"

struct fixture {
	struct capture *c;
	struct objects *objects;
	struct symbolizer *s;
	struct profile *p;
};

static struct fixture open_capture(struct capture *c, struct profile_options po)
{
	const struct symbolizer_options so = { .live = true };
	struct fixture f = { .c = c, .objects = objects_create() };

	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(f.c, f.objects, f.s, &po, &f.p), 0);
	return f;
}

static struct fixture open_waits(bool ticks, struct profile_options po)
{
	return open_capture(waits_capture(ticks), po);
}

static void close_profile(struct fixture *f)
{
	profile_destroy(f->p);
	symbolizer_destroy(f->s);
	objects_destroy(f->objects);
	capture_close(f->c);
}

static uint64_t total(const struct profile *p, enum profile_column column)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->nr_samples; i++)
		sum += profile_value(p, &p->samples[i], column);
	return sum;
}

/* The one entry with this state, waker and off-CPU time. */
static const struct profile_sample *entry(const struct profile *p, const char *state,
					  const char *who, uint64_t off_cpu)
{
	const struct profile_sample *found = NULL;
	size_t i;

	for (i = 0; i < p->nr_samples; i++) {
		const struct profile_sample *s = &p->samples[i];

		if (!s->wait || strcmp(profile_wait_state(profile_wait(p, s->wait)->state), state) ||
		    strcmp(profile_wait(p, s->wait)->waker, who) || s->off_cpu != off_cpu * MS)
			continue;
		assert_null(found);
		found = s;
	}
	assert_non_null(found);
	return found;
}

static void columns_are_exact(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { 0 });

	assert_int_equal(total(f.p, PROFILE_SAMPLES), 3);
	assert_int_equal(total(f.p, PROFILE_CPU), 3 * f.p->period);
	/* app, worker, kworker, daemon, as written */
	assert_int_equal(total(f.p, PROFILE_OFF_CPU),
			 ((140 + 150 + 30 + 80 + 80 + 1200) + (90 + 5) + (990 + 999) + 700) * MS);
	assert_int_equal(total(f.p, PROFILE_RUNQ), ((10 + 5 + 15 + 4 + 2 + 12) + 2 + 1) * MS);
	assert_int_equal(f.p->stats.off_cpu, total(f.p, PROFILE_OFF_CPU));
	assert_int_equal(f.p->stats.runq, total(f.p, PROFILE_RUNQ));
	assert_int_equal(f.p->stats.samples, 3);
	assert_int_equal(f.p->stats.waits, WAITS_OPENED);
	assert_int_equal(f.p->stats.short_waits, WAITS_SHORT);
	assert_int_equal(f.p->stats.lost_waits, 2);
	assert_int_equal(f.p->stats.unknown_waits, 4);
	assert_int_equal(f.p->stats.decode_errors, 0);
	assert_int_equal(profile_default_column(f.p), PROFILE_CPU);
	close_profile(&f);
	f = open_waits(false, (struct profile_options) { 0 });
	assert_int_equal(profile_default_column(f.p), PROFILE_OFF_CPU);
	assert_int_equal(f.p->stats.samples, 0);
	close_profile(&f);
}

static const char *leaf(const struct profile *p, const struct profile_sample *s)
{
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	const struct profile_location *l;

	assert_true(profile_stack(p, s, stack));
	l = profile_location(p, stack[0]);
	return profile_function(p, p->lines[l->first_line].function)->name;
}

static void labels_tell_why_and_who(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { 0 });
	const struct profile_sample *s = entry(f.p, "sleeping", "worker", 140);
	uint32_t stack[16];

	assert_int_equal(profile_wait(f.p, s->wait)->waker_tid, 22);
	assert_int_equal(s->count, 0);
	assert_int_equal(s->waits, 1);
	/* Kernel frames are calls, the one behind the system call is not. */
	assert_int_equal(profile_stack(f.p, s, stack), 5);
	assert_string_equal(leaf(f.p, s), "kernel:ffffffff810002");
	s = entry(f.p, "disk", "[interrupt]", 150);
	assert_int_equal(profile_wait(f.p, s->wait)->flags, TICKPROF_WAIT_IO | TICKPROF_WAIT_IRQ);
	assert_int_equal(profile_wait(f.p, s->wait)->waker_tid, 0);
	s = entry(f.p, "disk", "[interrupt]", 160);	/* two of them */
	assert_int_equal(s->waits, 2);
	assert_int_equal(s->runq, 14 * MS);
	assert_true(profile_wait(f.p, s->wait)->flags & TICKPROF_WAIT_FAULT);
	s = entry(f.p, "preempted", "", 0);
	assert_int_equal(s->runq, 4 * MS);
	s = entry(f.p, "new", "", 0);
	assert_string_equal(leaf(f.p, s), "[no stack]");
	s = entry(f.p, "short", "", 30);
	assert_string_equal(leaf(f.p, s), "[short waits]");
	assert_int_equal(s->waits, 3);
	assert_int_equal(s->runq, 15 * MS);
	entry(f.p, "short", "", 5);
	s = entry(f.p, "idle", "", 990);
	assert_true(s->flags & TICKPROF_SAMPLE_KTHREAD);
	entry(f.p, "before", "", 700);
	close_profile(&f);
}

/* Of each thread: the time in its records, the time in the profile, and the wall clock. */
static void threads_add_up(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { 0 });
	size_t i, n, state_nr;

	assert_int_equal(f.p->nr_threads, 4);
	for (i = 0; i < f.p->nr_threads; i++) {
		const struct profile_thread *t = &f.p->threads[i];
		const uint32_t tid = f.p->tasks[t->task - 1].tid;
		uint64_t blocked = t->short_blocked, off_cpu = 0, runq = 0, waits = 0;

		for (state_nr = 0; state_nr < PROFILE_WAIT_STATES; state_nr++)
			blocked += t->blocked[state_nr];
		assert_int_equal(t->ran + blocked + t->queued + t->short_queued,
				 t->last - t->first);
		assert_int_equal(t->last - t->first, (tid == 22 ? 201 : 2000) * MS);
		for (n = 0; n < f.p->nr_samples; n++) {
			const struct profile_sample *s = &f.p->samples[n];

			if (f.p->tasks[s->task - 1].tid != tid)
				continue;
			off_cpu += s->off_cpu;
			runq += s->runq;
			waits += s->waits;
		}
		assert_int_equal(off_cpu, blocked);
		assert_int_equal(runq, t->queued + t->short_queued);
		assert_int_equal(waits, t->waits + t->short_waits);
		assert_int_equal(t->kthread, tid == 30);
	}
	assert_int_equal(f.p->threads[0].ran, 272 * MS);
	assert_int_equal(f.p->threads[0].blocked[TICKPROF_WAIT_DISK], 310 * MS);
	assert_int_equal(f.p->threads[0].io, 310 * MS);
	assert_int_equal(f.p->threads[0].fault, 160 * MS);
	close_profile(&f);
}

/* A wait that begins or ends outside counts with what lies inside; halves make the whole. */
static void windows_cut_waits(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { .from = 1100 * MS,
								       .until = 1195 * MS });
	struct fixture first = open_waits(true, (struct profile_options) { .until = 1555 * MS });
	struct fixture rest = open_waits(true, (struct profile_options) { .from = 1555 * MS });
	struct fixture all = open_waits(true, (struct profile_options) { 0 });
	enum profile_column c;

	/* app: blocked from 1050 to 1190, then queued; worker: new at 1100, blocked from 1110 on */
	entry(f.p, "sleeping", "worker", 90);
	assert_int_equal(entry(f.p, "sleeping", "worker", 90)->runq, 5 * MS);
	assert_int_equal(entry(f.p, "sleeping", "app", 85)->runq, 0);
	assert_int_equal(entry(f.p, "new", "", 0)->runq, 1 * MS);
	assert_int_equal(f.p->stats.samples, 0);
	assert_int_equal(f.p->nr_threads, 0);
	for (c = 0; c < PROFILE_COLUMNS; c++)
		assert_int_equal(total(first.p, c) + total(rest.p, c), total(all.p, c));
	close_profile(&all);
	close_profile(&rest);
	close_profile(&first);
	close_profile(&f);
}

static void each_keeps_records_apart(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { .each = true });
	uint64_t shorts = 0, ran = 0;
	size_t i;

	assert_int_equal(f.p->nr_samples, 3 + WAITS_OPENED + 2);	/* END and OPEN without a wait */
	for (i = 0; i < f.p->nr_samples; i++) {
		const struct profile_sample *s = &f.p->samples[i];

		assert_true(!i || s[-1].time <= s->time);
		if (!s->wait)
			continue;
		shorts += profile_wait(f.p, s->wait)->short_nr;
		ran += profile_wait(f.p, s->wait)->ran;
	}
	assert_int_equal(shorts, WAITS_SHORT);
	assert_int_equal(ran, (272 + 104 + 10 + 1300) * MS);
	close_profile(&f);
}

/* Names, states and numbers that nobody would write. */
static void hostile_waits_are_held(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	struct tickprof_wait *w;
	struct fixture f;
	uint64_t task = put_task(&s, 20, 20, 2, "x", "x"), user = PUT_STACK(&s, 0, 1);

	w = put_wait(&s, UINT16_MAX, 100 * MS, UINT32_MAX, task, NOWHERE, NOWHERE);
	times(w, 0, 1, 1);
	w->short_nr = UINT32_MAX;
	memset(w->waker_comm, 'w', sizeof(w->waker_comm));
	w = put_wait(&s, 0, 100 * MS, TICKPROF_WAIT_BEFORE + 1, task, user, user);
	times(w, 50, 25, 25);
	/* Without a task: in the sums, but no thread's. */
	times(put_wait(&s, 0, 90 * MS, TICKPROF_WAIT_RUNNING, NOWHERE, NOWHERE, NOWHERE), 1, 2, 3);
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_capture(capture_end(&t), (struct profile_options) { 0 });
	assert_int_equal(f.p->stats.waits, 3);
	assert_int_equal(f.p->stats.unknown_states, 2);
	assert_int_equal(f.p->stats.no_task, 1);
	assert_int_equal(f.p->stats.decode_errors, 1);	/* a user stack as kernel stack */
	assert_int_equal(f.p->stats.short_waits, UINT32_MAX);
	assert_int_equal(total(f.p, PROFILE_OFF_CPU), 28 * MS);
	assert_int_equal(entry(f.p, "unknown", "[interrupt]", 1)->flags & TICKPROF_SAMPLE_USER, 0);
	assert_int_equal(f.p->nr_threads, 1);
	assert_int_equal(f.p->threads[0].blocked[PROFILE_WAIT_UNKNOWN], 26 * MS);
	assert_false(f.p->ticks);
	assert_true(f.p->waited);
	close_profile(&f);
}

static uint64_t shown(struct view_options o, struct view_idle *idle)
{
	struct fixture f = open_waits(true, (struct profile_options) { 0 });
	uint64_t off_cpu;

	*idle = view_narrow(f.p, &o);
	off_cpu = total(f.p, PROFILE_OFF_CPU);
	close_profile(&f);
	return off_cpu / MS;
}

/* Threads of the kernel's that wait for work are told in one number unless asked for. */
static void idle_threads_are_left_out(void **state)
{
	struct view_idle idle;

	assert_int_equal(shown((struct view_options) { 0 }, &idle), 4464 - 1989);
	assert_int_equal(idle.waits, 2);
	assert_int_equal(idle.off_cpu, 1989 * MS);
	assert_int_equal(idle.runq, 1 * MS);
	assert_int_equal(shown((struct view_options) { .idle = true }, &idle), 4464);
	assert_int_equal(idle.waits, 0);
	/* Of what was not asked for anyway nothing is told. */
	assert_int_equal(shown((struct view_options) { .tids = ",22," }, &idle), 95);
	assert_int_equal(idle.waits, 0);
	assert_int_equal(shown((struct view_options) { .states = ",disk,short," }, &idle), 345);
	/* Short waits have no stack to begin with, and stay. */
	assert_int_equal(shown((struct view_options) { .no_kernel = true }, &idle), 4464 - 1989);
	assert_int_equal(shown((struct view_options) { .no_kernel = true, .idle = true }, &idle),
			 4464 - 1989);
}

static void tables_take_any_column(void **state)
{
	struct fixture f = open_waits(true, (struct profile_options) { 0 });
	struct top_keys keys;
	struct top *t;
	size_t i;
	uint64_t flat = 0;

	assert_true(top_parse_keys("function", &keys));
	t = top_create(f.p, &keys, PROFILE_OFF_CPU);
	assert_int_equal(t->total, 4464 * MS);
	for (i = 0; i < t->nr_rows; i++)
		flat += t->rows[i].flat;
	assert_int_equal(flat, t->total);
	top_destroy(t);
	assert_true(top_parse_keys("state,reason,waker", &keys));
	t = top_create(f.p, &keys, PROFILE_RUNQ);
	assert_int_equal(t->total, 51 * MS);
	assert_string_equal(t->rows[0].values[0], "short");
	assert_string_equal(t->rows[1].values[0], "disk");
	assert_string_equal(t->rows[1].values[1], "fault,io");
	assert_string_equal(t->rows[1].values[2], "[interrupt]");
	top_destroy(t);
	t = top_create(f.p, &keys, PROFILE_SAMPLES);
	assert_int_equal(t->nr_rows, 1);
	assert_string_equal(t->rows[0].values[0], "running");
	top_destroy(t);
	t = top_around(f.p, top_find_function(f.p, "app:12"), TOP_CALLERS, PROFILE_OFF_CPU);
	assert_int_equal(t->total, (140 + 150 + 160 + 1200) * MS);
	top_destroy(t);
	close_profile(&f);
}

/* By name, and in the kernel only: what a wait is flat for is who called it. */
static void the_scheduler_is_known(void **state)
{
	static const char *const yes[] = {
		"schedule", "__schedule", "schedule_timeout", "schedule_hrtimeout_range_clock",
		"io_schedule", "io_schedule_timeout", "preempt_schedule_irq", "schedule_rtlock",
		"rt_mutex_schedule", "schedule_preempt_disabled", "__cond_resched", "_cond_resched",
	};
	static const char *const no[] = {
		"futex_wait_queue", "do_nanosleep", "pipe_read", "worker_thread", "", "io_", "_",
		"mutex_lock", "reschedule", "smpboot_thread_fn",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(top_is_scheduler(yes[i]));
	for (i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(top_is_scheduler(no[i]));
}

static void flat_is_who_called_the_scheduler(void **state)
{
	struct fixture f = open_waits(false, (struct profile_options) { 0 });
	struct top_keys keys;
	struct top *t;
	size_t i;

	for (i = 0; i < f.p->nr_functions; i++)
		if (!strcmp(f.p->functions[i].name, "kernel:ffffffff810002"))
			f.p->functions[i].name = "schedule";
	assert_true(top_parse_keys("function", &keys));
	t = top_create(f.p, &keys, PROFILE_OFF_CPU);
	for (i = 0; i < t->nr_rows; i++) {
		if (!strcmp(t->rows[i].values[0], "schedule")) {
			assert_int_equal(t->rows[i].flat, 0);
			assert_int_equal(t->rows[i].cum, (140 + 150 + 160 + 90 + 990 + 700) * MS);
		} else if (!strcmp(t->rows[i].values[0], "kernel:ffffffff810005")) {
			assert_int_equal(t->rows[i].flat, 310 * MS);
		}
	}
	top_destroy(t);
	close_profile(&f);
}

static void without_waits_nothing_changes(void **state)
{
	struct fixture f = open_capture(synthetic_capture(), (struct profile_options) { 0 });

	assert_true(f.p->ticks);
	assert_false(f.p->waited);
	assert_int_equal(f.p->nr_waits + f.p->nr_threads, 0);
	assert_int_equal(total(f.p, PROFILE_OFF_CPU) + total(f.p, PROFILE_RUNQ), 0);
	close_profile(&f);
}

static void leave(bool ticks, const char *name)
{
	struct test_capture t = waits_begin(ticks);
	struct fixture f = open_waits(ticks, (struct profile_options) { 0 });
	char *path __free = xasprintf(TEST_OUT "/%s.pb.gz", name);
	char *data_path __free = xasprintf(TEST_OUT "/%s.data", name);
	FILE *out = fopen(data_path, "w");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char data[16384];
	void *symbols;
	ssize_t got;
	off_t at;
	size_t size;

	assert_int_equal(profile_write_pprof(f.p, fd), 0);
	assert_int_equal(profile_symbols_pack(f.p, &symbols, &size), 0);
	assert_int_equal(capture_write_symbols(t.w, symbols, size), 0);
	assert_int_equal(capture_writer_finish(t.w), 0);
	for (at = 0; (got = pread(t.fd, data, sizeof(data), at)) > 0; at += got)
		fwrite(data, 1, got, out);
	assert_int_equal(fclose(out), 0);
	capture_writer_destroy(t.w);
	close(t.fd);
	close(fd);
	free(symbols);
	close_profile(&f);
}

static void files_are_left(void **state)
{
	leave(true, "waits");
	leave(false, "offcpu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_exact),
		cmocka_unit_test(labels_tell_why_and_who),
		cmocka_unit_test(threads_add_up),
		cmocka_unit_test(windows_cut_waits),
		cmocka_unit_test(each_keeps_records_apart),
		cmocka_unit_test(hostile_waits_are_held),
		cmocka_unit_test(idle_threads_are_left_out),
		cmocka_unit_test(tables_take_any_column),
		cmocka_unit_test(the_scheduler_is_known),
		cmocka_unit_test(flat_is_who_called_the_scheduler),
		cmocka_unit_test(without_waits_nothing_changes),
		cmocka_unit_test(files_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
