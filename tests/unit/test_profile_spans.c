// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans in the profile: who was in which, what they are called, what is added up.
 * Leaves TEST_OUT/trace.data, with its symbols, told.data, which has its spans as well, and
 * trace.pb.gz for tests/golden/trace.
 */
#include "cmd/view.h"
#include "trace_fixture.h"

static struct fixture open_trace(struct profile_options po, bool named)
{
	struct span_model *m = named ? told_spans() : NULL;

	if (m)
		span_model_link(m);
	po.spans = m;
	return fixture_open(trace_capture(), m, &po);
}

/* Of all entries in the span whose id repeats the byte; 0: in none. */
static uint64_t off_cpu_in(const struct profile *p, uint8_t span)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->nr_samples; i++) {
		const struct profile_sample *s = &p->samples[i];

		if (span ? s->context && profile_context(p, s->context)->span_id[7] == span : !s->context)
			sum += s->off_cpu;
	}
	return sum;
}

static const struct profile_context *context_of(const struct profile *p, uint8_t span)
{
	size_t i;

	for (i = 0; i < p->nr_contexts; i++)
		if (p->contexts[i].span_id[0] == span)
			return &p->contexts[i];
	fail();
	return NULL;
}

static void each_span_has_its_entries(void **state)
{
	struct fixture f = open_trace((struct profile_options) { 0 }, false);
	uint64_t all = 0, in_spans;
	size_t i;

	assert_int_equal(off_cpu_in(f.p, 0xb1), 6650 * US);
	assert_int_equal(off_cpu_in(f.p, 0xd1), 4990 * US);
	assert_int_equal(off_cpu_in(f.p, 0xe1), 4500 * US);
	assert_int_equal(off_cpu_in(f.p, 0x71), 2000 * US);	/* two waits at one place, one span */
	for (i = 0; i < f.p->nr_samples; i++)
		all += f.p->samples[i].off_cpu;
	in_spans = (6650 + 4990 + 4500 + 2000) * US;
	assert_int_equal(off_cpu_in(f.p, 0), all - in_spans);
	assert_int_equal(f.p->stats.in_span, 1 + 1 + 2 + 1 + 1 + 2);
	assert_int_equal(f.p->stats.decode_errors + f.p->stats.unresolved_references, 0);
	fixture_close(&f);
}

static void attributes_have_the_process_s_keys(void **state)
{
	struct fixture f = open_trace((struct profile_options) { 0 }, false);
	const struct profile_context *c = context_of(f.p, 0xb1);
	size_t i;

	assert_int_equal(c->nr_attributes, 1);
	assert_string_equal(f.p->attributes[c->first_attribute].key, "http.route");
	assert_string_equal(f.p->attributes[c->first_attribute].value, "/pay");
	assert_int_equal(c->trace_flags, 1);
	assert_string_equal(c->span_name, "");
	for (i = 0; i < f.p->nr_tasks; i++)
		assert_string_equal(f.p->tasks[i].service, f.p->tasks[i].pid == 10 ? "gateway" : "");
	fixture_close(&f);
}

static void spans_give_names(void **state)
{
	struct fixture f = open_trace((struct profile_options) { .each = true }, true);
	const struct profile_context *c = context_of(f.p, 0xd1);
	size_t i, wakers = 0;

	assert_string_equal(c->span_name, "validate");
	assert_string_equal(c->service, "payment");
	assert_memory_equal(f.m->spans[c->span].id, c->span_id, SPAN_ID_SIZE);
	assert_int_equal(context_of(f.p, 0x71)->span, 0);
	for (i = 0; i < f.p->nr_samples; i++) {
		const struct profile_wait *w = f.p->samples[i].wait ?
					       profile_wait(f.p, f.p->samples[i].wait) : NULL;

		if (!w || !w->waker_context)
			continue;
		wakers++;
		if (w->waker_tid == 812)
			assert_string_equal(profile_context(f.p, w->waker_context)->span_name, "charge");
	}
	assert_int_equal(wakers, 3);
	fixture_close(&f);
}

/* Spans of one name are one, and those of no name none. */
static void without_ids_names_are_left(void **state)
{
	struct fixture f = open_trace((struct profile_options) { .no_ids = true }, true);
	size_t i;

	assert_int_equal(f.p->stats.in_span, 8);
	for (i = 0; i < f.p->nr_contexts; i++) {
		assert_true(*f.p->contexts[i].span_name);
		assert_int_equal(f.p->contexts[i].trace_id[0] + f.p->contexts[i].span_id[0], 0);
	}
	assert_int_equal(f.p->nr_contexts, 4);
	fixture_close(&f);
	f = open_trace((struct profile_options) { .no_ids = true }, false);
	assert_int_equal(f.p->nr_contexts, 1);		/* it has an attribute */
	fixture_close(&f);
}

static uint64_t shown(struct view_options o, bool named)
{
	struct fixture f = open_trace(o.profile, named);
	uint64_t sum = 0;
	size_t i;

	o.idle = true;
	view_narrow(f.p, &o);
	for (i = 0; i < f.p->nr_samples; i++)
		sum += f.p->samples[i].off_cpu;
	fixture_close(&f);
	return sum;
}

static void views_narrow_to_spans(void **state)
{
	assert_int_equal(shown((struct view_options) { .trace = "4b" }, false), (6650 + 4990 + 4500) * US);
	assert_int_equal(shown((struct view_options) { .trace = "4b", .span = "d1" }, false), 4990 * US);
	assert_int_equal(shown((struct view_options) { .trace = "7", .span = "d1" }, false), 0);
	assert_int_equal(shown((struct view_options) { .span_name = "val*" }, true), 4990 * US);
	assert_int_equal(shown((struct view_options) { .span_name = "val*", .profile.no_ids = true }, true),
			 4990 * US);
	assert_int_equal(shown((struct view_options) { .span_name = "val*" }, false), 0);
}

/* What publishes nothing is joined when that is asked for, and marked. */
static void joined_by_thread_when_asked(void **state)
{
	struct fixture f = open_trace((struct profile_options) { 0 }, true);
	size_t i, marked = 0;

	assert_int_equal(f.p->stats.by_thread, 0);
	assert_int_equal(off_cpu_in(f.p, 0x91), 0);
	fixture_close(&f);
	f = open_trace((struct profile_options) { .join_by_thread = true }, true);
	assert_int_equal(f.p->stats.by_thread, 1);
	assert_int_equal(f.p->stats.in_span, 8);
	assert_int_equal(off_cpu_in(f.p, 0x91), 800 * US);
	assert_string_equal(context_of(f.p, 0x91)->span_name, "old");
	for (i = 0; i < f.p->nr_contexts; i++)
		marked += f.p->contexts[i].by_thread;
	assert_int_equal(marked, 1);
	fixture_close(&f);
}

/* Its own, that of a span above it in its process, none beyond: by ids or by thread. */
static void spans_go_by_profile_ids_when_asked(void **state)
{
	struct fixture f = open_trace((struct profile_options) { .profile_ids = true, .join_by_thread = true },
				      true);
	const struct profile_context *c;
	size_t i;

	assert_int_equal(off_cpu_in(f.p, 0xa1), 6650 * US);	/* b1's */
	assert_int_equal(off_cpu_in(f.p, 0xc1), 4990 * US);	/* d1's */
	assert_int_equal(off_cpu_in(f.p, 0xe1), 4500 * US);	/* keeps its own: another process's call */
	assert_int_equal(off_cpu_in(f.p, 0x71), 2000 * US);	/* nobody told of it */
	assert_int_equal(off_cpu_in(f.p, 0xef), 800 * US);
	assert_int_equal(off_cpu_in(f.p, 0xb1) + off_cpu_in(f.p, 0xd1) + off_cpu_in(f.p, 0x91), 0);
	assert_string_equal(context_of(f.p, 0xa1)->span_name, "POST payment");
	for (i = 0; i < f.p->nr_contexts; i++) {
		c = &f.p->contexts[i];
		assert_int_equal(c->has_profile_id, c->span_id[0] != 0xe1 && c->span_id[0] != 0x71);
		if (c->has_profile_id)
			assert_memory_equal(f.m->spans[c->span].profile_id, c->span_id, SPAN_ID_SIZE);
	}
	/* b1's wait, d1's, what ran and waited in c1, and the thread's. */
	assert_int_equal(f.p->stats.with_profile_id, 1 + 1 + 2 + 1);
	fixture_close(&f);
	f = open_trace((struct profile_options) { .profile_ids = true }, false);
	assert_int_equal(off_cpu_in(f.p, 0xd1), 4990 * US);
	assert_int_equal(f.p->stats.with_profile_id, 0);
	fixture_close(&f);
}

/* Chunks that say nothing are counted; the last one of an image holds. */
static void processes_that_make_no_sense(void **state)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { 0 };
	struct capture_process_text again = {
		.image = { .pid = 10, .nr_keys = 0, .start_time = START_OF(10), .exec_id = 2 },
		.service = "renamed",
	};
	struct test_capture t = trace_begin();
	struct fixture f = { .objects = objects_create() };
	size_t i;

	assert_int_equal(capture_write_chunk(t.w, CAPTURE_PROCESS, "bad", 3), 0);
	assert_int_equal(capture_write_process(t.w, &again), 0);
	f.c = capture_end(&t);
	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(f.c, f.objects, f.s, &po, &f.p), 0);
	assert_int_equal(f.p->stats.bad_processes, 1);
	assert_int_equal(f.p->nr_attributes, 0);
	for (i = 0; i < f.p->nr_tasks; i++)
		assert_string_equal(f.p->tasks[i].service, f.p->tasks[i].pid == 10 ? "renamed" : "");
	fixture_close(&f);
}

static void *read_whole(int fd, size_t *size)
{
	void *data;

	*size = lseek(fd, 0, SEEK_END);
	data = xmalloc(*size);
	assert_int_equal(pread(fd, data, *size, 0), *size);
	return data;
}

static void write_whole(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* Beside one that is told of, too, a trace of which nobody else knows. */
static void leave_marks(struct test_capture *t)
{
	const struct capture_mark marks[] = {
		trace_mark(0x4b, 0xd1, 0xc1, 800, 5850, 54),
		trace_mark(0x33, 0x31, 0, 0, 2000, 1200),
		trace_mark(0x33, 0x32, 0x31, 500, 1500, 800),
	};

	put_marks(t, 20, marks, ARRAY_SIZE(marks));
}

static void leave(const char *path, bool told, bool marked)
{
	struct test_capture t = trace_begin();
	struct fixture f = open_trace((struct profile_options) { 0 }, true);
	void *symbols;
	size_t size;
	int fd;

	assert_int_equal(profile_symbols_pack(f.p, &symbols, &size), 0);
	fd = open(TEST_OUT "/trace.pb.gz", O_CREAT | O_TRUNC | O_WRONLY, 0644);
	assert_int_equal(profile_write_pprof(f.p, fd), 0);
	close(fd);
	capture_write_symbols(t.w, symbols, size);
	free(symbols);
	if (told) {
		fd = open(TEST_DIR "/../golden/trace.in/spans.json", O_RDONLY);
		symbols = read_whole(fd, &size);
		capture_write_chunk(t.w, CAPTURE_SPANS, symbols, size);
		/* What makes no sense takes nothing else with it. */
		capture_write_chunk(t.w, CAPTURE_SPANS, symbols, 100);
		free(symbols);
		close(fd);
	}
	if (marked)
		leave_marks(&t);
	assert_int_equal(capture_writer_finish(t.w), 0);
	symbols = read_whole(t.fd, &size);
	write_whole(path, symbols, size);
	free(symbols);
	capture_writer_destroy(t.w);
	close(t.fd);
	fixture_close(&f);
}

static void files_are_left(void **state)
{
	leave(TEST_OUT "/trace.data", false, false);
	leave(TEST_OUT "/told.data", true, false);
	leave(TEST_OUT "/marks.data", false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_span_has_its_entries),
		cmocka_unit_test(attributes_have_the_process_s_keys),
		cmocka_unit_test(spans_give_names),
		cmocka_unit_test(without_ids_names_are_left),
		cmocka_unit_test(views_narrow_to_spans),
		cmocka_unit_test(joined_by_thread_when_asked),
		cmocka_unit_test(spans_go_by_profile_ids_when_asked),
		cmocka_unit_test(processes_that_make_no_sense),
		cmocka_unit_test(files_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
