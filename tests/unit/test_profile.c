// SPDX-License-Identifier: GPL-2.0-only
/* The profile of the synthetic capture: attribution, statistics, symbols kept, tables. */
#include "cmd/view.h"
#include "out/top.h"
#include "fake_symbols.h"
#include "synthetic.h"
#include "test.h"

struct fixture {
	struct capture *c;
	struct objects *objects;
	struct symbolizer *s;
	struct profile *p;
};

static struct fixture open_profile(struct capture *c, bool live, struct profile_options po)
{
	const struct symbolizer_options so = { .live = live };
	struct fixture f = { .c = c, .objects = objects_create() };

	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(c, f.objects, f.s, &po, &f.p), 0);
	return f;
}

static void close_profile(struct fixture *f)
{
	profile_destroy(f->p);
	symbolizer_destroy(f->s);
	objects_destroy(f->objects);
	capture_close(f->c);
}

static struct fixture synthetic(void)
{
	return open_profile(synthetic_capture(), true, (struct profile_options) { 0 });
}

static char *folded(const struct profile *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(profile_write_folded(p, PROFILE_SAMPLES, f), 0);
	fclose(f);
	return text;
}

static void statistics_tell_all(void **state)
{
	struct fixture f = synthetic();
	const struct profile_stats *s = &f.p->stats;

	assert_int_equal(s->samples, SYNTHETIC_SAMPLES);
	assert_int_equal(profile_nr_samples(f.p), SYNTHETIC_SAMPLES);
	assert_int_equal(s->kernel, 3);
	assert_int_equal(s->idle, 1);
	assert_int_equal(s->kthread, 2);
	assert_int_equal(s->compat, 1);
	assert_int_equal(s->truncated, 4);
	assert_int_equal(s->walks.ended[PROFILE_END_ROOT], 5);
	assert_int_equal(s->walks.ended[PROFILE_END_DEPTH], 2);
	assert_int_equal(s->walks.ended[PROFILE_END_FAULT], 2);
	assert_int_equal(s->walks.ended[PROFILE_END_BROKEN], 0);
	assert_int_equal(profile_walks_total(&s->walks), 9);
	assert_int_equal(s->missed, 3);
	assert_int_equal(s->lost_samples, 6);
	assert_int_equal(s->lost_stacks, 2);
	assert_int_equal(s->throttled, 2);
	assert_int_equal(s->unknown_records, 1);
	assert_int_equal(s->decode_errors, 0);
	assert_int_equal(s->unmapped, 1);
	assert_int_equal(s->unresolved, 4);
	assert_int_equal(s->unresolved_samples, 3);
	assert_int_equal(f.p->period, 10000000);
	close_profile(&f);
}

/* 13 samples name 21 places, one of them in two processes at two addresses. */
static void each_place_is_resolved_once(void **state)
{
	struct fixture f = synthetic();
	size_t i, n;

	for (i = 0; i < f.p->nr_locations; i++)
		for (n = 0; n < i; n++)
			assert_false(f.p->locations[i].object == f.p->locations[n].object &&
				     f.p->locations[i].offset == f.p->locations[n].offset &&
				     f.p->locations[i].caller == f.p->locations[n].caller);
	assert_int_equal(f.p->nr_locations, 21);
	/* The unmapped address was asked for once more, as code of a just-in-time compiler. */
	assert_int_equal(f.s->asked, 21);
	close_profile(&f);
}

/* Of a stack only the interrupted place and the one after a system call are not calls. */
static void callers_are_looked_up_before(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	struct fixture f;
	uint64_t task, user, kernel;
	char *text;

	put_mmap(&s, 1, 20, 2, 0x10000, 0x10000, 0, "/bin/x");
	task = put_task(&s, 20, 20, 2, "x", "x");
	user = PUT_STACK(&s, 0, 0x10200, 0x10300);
	kernel = PUT_STACK(&s, TICKPROF_STACK_KERNEL, KERNEL_AT + 0x400);
	put_sample(&s, TICKPROF_SAMPLE_USER, 5, 0x10100, task, NOWHERE, user);
	put_sample(&s, 0, 6, KERNEL_AT + 0x500, task, kernel, user);
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_profile(capture_end(&t), true, (struct profile_options) { 0 });
	text = folded(f.p);
	assert_string_equal(text, "x;x:2;x:1;x:1 1\n"
			    "x;x:2;x:2;kernel:ffffffff810003_[k];kernel:ffffffff810005_[k] 1\n");
	free(text);
	close_profile(&f);
}

static void packed_symbols_read_the_same(void **state)
{
	struct test_capture t = synthetic_begin();
	struct capture *c;
	struct fixture f, g;
	char *live, *offline, *without;
	void *blob;
	size_t size, i;

	assert_int_equal(capture_open_fd(t.fd, "unfinished", &c), 0);
	assert_false(capture_complete(c));
	f = open_profile(c, true, (struct profile_options) { 0 });
	assert_int_equal(profile_symbols_pack(f.p, &blob, &size), 0);
	assert_int_equal(capture_write_symbols(t.w, blob, size), 0);
	free(blob);
	g = open_profile(capture_end(&t), false, (struct profile_options) { 0 });
	live = folded(f.p);
	offline = folded(g.p);
	assert_string_equal(live, offline);
	assert_int_equal(f.p->nr_locations, g.p->nr_locations);
	assert_int_equal(f.p->nr_mappings, g.p->nr_mappings);
	for (i = 0; i < f.p->nr_mappings; i++) {
		assert_string_equal(f.p->mappings[i].file, g.p->mappings[i].file);
		assert_string_equal(f.p->mappings[i].build_id, g.p->mappings[i].build_id);
		assert_int_equal(f.p->mappings[i].start, g.p->mappings[i].start);
		assert_int_equal(f.p->mappings[i].limit, g.p->mappings[i].limit);
	}
	for (i = 0; i < f.p->nr_lines; i++)
		assert_int_equal(f.p->lines[i].line, g.p->lines[i].line);
	close_profile(&g);
	/* Without them the names are gone: the comparison above means something. */
	g = open_profile(synthetic_capture(), false, (struct profile_options) { 0 });
	without = folded(g.p);
	assert_string_not_equal(live, without);
	free(live);
	free(offline);
	free(without);
	close_profile(&g);
	close_profile(&f);
}

static void each_keeps_samples_apart(void **state)
{
	struct fixture f = open_profile(synthetic_capture(), true,
					(struct profile_options) { .each = true });
	size_t i;

	assert_int_equal(f.p->nr_samples, SYNTHETIC_SAMPLES);
	for (i = 1; i < f.p->nr_samples; i++)
		assert_true(f.p->samples[i - 1].time <= f.p->samples[i].time);
	close_profile(&f);
}

static void time_bounds_hold(void **state)
{
	struct fixture f = open_profile(synthetic_capture(), true,
		(struct profile_options) { .from = 1210 * MS, .until = 1240 * MS });

	assert_int_equal(profile_nr_samples(f.p), 3);
	close_profile(&f);
}

static void cgroups_have_paths_or_numbers(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	struct fixture f;
	uint64_t cgroup;

	for (cgroup = 0; cgroup < 3; cgroup++) {
		uint64_t task = put_task(&s, 20, 20, 2, "x", "x");
		((struct tickprof_task *)(s.data + task))->cgroup = cgroup * 7;
		put_sample(&s, 0, 5, KERNEL_AT, task, NOWHERE, NOWHERE);
	}
	capture_write_meta(t.w, CAPTURE_META_CGROUP "7", "/system.slice/a.service");
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_profile(capture_end(&t), true, (struct profile_options) { 0 });
	assert_int_equal(f.p->nr_tasks, 3);
	assert_string_equal(f.p->tasks[0].cgroup, "");
	assert_string_equal(f.p->tasks[1].cgroup, "/system.slice/a.service");
	assert_string_equal(f.p->tasks[2].cgroup, "14");
	close_profile(&f);
}

static const struct top_row *row(const struct top *t, const char *first)
{
	size_t i;

	for (i = 0; i < t->nr_rows; i++)
		if (t->rows[i].values[0] && !strcmp(t->rows[i].values[0], first))
			return &t->rows[i];
	fail_msg("no row %s", first);
	return NULL;
}

static void tables_count_recursion_once(void **state)
{
	struct top_keys keys;
	struct fixture f = synthetic();
	struct top *t;

	assert_true(top_parse_keys("function", &keys));
	t = top_create(f.p, &keys, PROFILE_SAMPLES);
	assert_int_equal(t->total, SYNTHETIC_SAMPLES);
	assert_int_equal(row(t, "libx.so.1:11")->flat, 3);
	assert_int_equal(row(t, "libx.so.1:11")->cum, 3);
	assert_int_equal(row(t, "app:12")->flat, 0);
	assert_int_equal(row(t, "app:12")->cum, 7);	/* twice in two of the stacks */
	assert_int_equal(row(t, "app:1")->cum, 5);
	top_destroy(t);
	assert_true(top_parse_keys("comm,pid", &keys));
	t = top_create(f.p, &keys, PROFILE_SAMPLES);
	assert_int_equal(t->nr_rows, 5);
	assert_string_equal(t->rows[0].values[0], "app");
	assert_string_equal(t->rows[0].values[1], "20");
	assert_int_equal(t->rows[0].flat, 5);
	top_destroy(t);
	assert_false(top_parse_keys("function,nonsense", &keys));
	assert_false(top_parse_keys("", &keys));
	assert_false(top_parse_keys("pid,pid,pid,pid,pid,pid,pid", &keys));
	close_profile(&f);
}

/* What the options let through of the synthetic capture, as a table of functions. */
static struct top *narrowed(struct fixture *f, const struct view_options *o)
{
	struct top_keys keys;

	*f = synthetic();
	view_narrow(f->p, o);
	top_parse_keys("function", &keys);
	return top_create(f->p, &keys, PROFILE_SAMPLES);
}

static void narrowed_total(const struct view_options *o, uint64_t total)
{
	struct fixture f;
	struct top *t = narrowed(&f, o);

	assert_int_equal(t->total, total);
	top_destroy(t);
	close_profile(&f);
}

static void filters_narrow(void **state)
{
	const struct view_options no_kernel = { .no_kernel = true };
	struct fixture f;
	struct top *t;

	narrowed_total(&(struct view_options){ .pids = ",20,2," }, 6);
	narrowed_total(&(struct view_options){ .comms = ",worker," }, 2);
	narrowed_total(&(struct view_options){ .no_idle = true }, SYNTHETIC_SAMPLES - 1);
	/* The two kernel threads go; the system call counts for who made it. */
	t = narrowed(&f, &no_kernel);
	assert_int_equal(t->total, SYNTHETIC_SAMPLES - 2);
	assert_int_equal(row(t, "libx.so.1:13")->flat, 1);
	top_destroy(t);
	close_profile(&f);
}

static void callers_and_callees_add_up(void **state)
{
	struct fixture f = synthetic();
	const char *function = top_find_function(f.p, "app:12");
	struct top *t = top_around(f.p, function, TOP_CALLERS, PROFILE_SAMPLES);

	assert_int_equal(t->total, 7);
	assert_int_equal(row(t, "app:1")->cum, 5);
	assert_int_equal(t->nr_rows, 2);
	top_destroy(t);
	t = top_around(f.p, function, TOP_CALLEES, PROFILE_SAMPLES);
	assert_int_equal(t->total, 7);
	assert_int_equal(row(t, "libx.so.1:12")->cum, 4);
	assert_int_equal(row(t, "libx.so.1:13")->cum, 1);
	assert_int_equal(row(t, "app:13")->cum, 1);
	assert_int_equal(row(t, "[unknown]")->cum, 1);
	top_destroy(t);
	assert_null(top_find_function(f.p, "nonsense"));
	assert_null(top_find_function(f.p, "libx"));	/* several */
	assert_string_equal(top_find_function(f.p, "daemon:2"), "daemon:2");
	close_profile(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statistics_tell_all),
		cmocka_unit_test(each_place_is_resolved_once),
		cmocka_unit_test(callers_are_looked_up_before),
		cmocka_unit_test(packed_symbols_read_the_same),
		cmocka_unit_test(each_keeps_samples_apart),
		cmocka_unit_test(time_bounds_hold),
		cmocka_unit_test(cgroups_have_paths_or_numbers),
		cmocka_unit_test(tables_count_recursion_once),
		cmocka_unit_test(filters_narrow),
		cmocka_unit_test(callers_and_callees_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
