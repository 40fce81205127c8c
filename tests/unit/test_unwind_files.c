// SPDX-License-Identifier: GPL-2.0-only
/* Which files spoil user stacks: the walks of a synthetic capture, counted and told. */
#include <sys/sendfile.h>

#include "cmd/view.h"
#include "out/unwind.h"
#include "fake_symbols.h"
#include "records.h"
#include "test.h"

#define FRAME(how, address)	((uint64_t)TICKPROF_HOW_##how << TICKPROF_FRAME_SHIFT | (address))
#define APP		0x400000ull
#define LIB		0x7f0000000000ull
#define MUSL		0x7e0000000000ull
#define ANON		0x600000ull
#define NOTHING		0x123456ull
#define KERNEL		0xffffffff81000000ull

enum { USER = TICKPROF_SAMPLE_USER, FALLBACK = TICKPROF_STACK_FALLBACK,
       BROKEN = TICKPROF_STACK_BROKEN };

/* A sample in user mode with this stack. */
#define WALK(s, task, leaf, flags, ...) do {					\
	uint64_t stack_ = PUT_STACK(s, flags, __VA_ARGS__);			\
	put_sample(s, USER, 10, leaf, task, NOWHERE, stack_);			\
} while (0)

static void put_maps(struct stream *s, uint32_t pid)
{
	put_mmap(s, 1, pid, 1, APP, 0x10000, 0, "/usr/bin/app");
	put_mmap(s, 1, pid, 1, LIB, 0x10000, 0, "/usr/lib/libx.so.1");
	put_mmap(s, 1, pid, 1, MUSL, 0x10000, 0, "/lib/ld-musl.so");
	put_mmap(s, 1, pid, 1, ANON, 0x10000, 0, "");
}

/* The first three differ only in how their frames were found, and when. */
static void put_walks(struct stream *s, uint64_t task)
{
	const uint64_t no_frame = 0;
	uint64_t none;

	WALK(s, task, LIB + 0x100, 0, FRAME(CFI, APP + 0x200), FRAME(CFI, APP + 0x300));
	WALK(s, task, LIB + 0x100, TICKPROF_STACK_LATER, FRAME(CFI, APP + 0x200),
	     FRAME(CFI, APP + 0x300));
	WALK(s, task, LIB + 0x100, FALLBACK, FRAME(FP, APP + 0x200), FRAME(CFI, APP + 0x300));
	WALK(s, task, APP + 0x100, BROKEN, FRAME(CFI, MUSL + 0x200));
	WALK(s, task, LIB + 0x100, TICKPROF_STACK_FAULT, FRAME(CFI, APP + 0x200));
	WALK(s, task, APP + 0x100, TICKPROF_STACK_DEPTH, FRAME(CFI, APP + 0x200),
	     FRAME(CFI, APP + 0x300), FRAME(CFI, APP + 0x200));
	WALK(s, task, APP + 0x100, FALLBACK, FRAME(CFI, ANON + 0x200), FRAME(FP, APP + 0x300));
	none = put_stack(s, BROKEN, &no_frame, 0);
	put_sample(s, USER, 10, ANON + 0x100, task, NOWHERE, none);
	/* What the frame pointer led to is in no mapping: left out, and not to blame. */
	WALK(s, task, MUSL + 0x100, BROKEN | FALLBACK, FRAME(FP, NOTHING));
	WALK(s, task, NOTHING, 0, FRAME(CFI, APP + 0x200));
}

/* In the kernel, and those that have no walk. */
static void put_others(struct stream *s, uint64_t task)
{
	uint64_t kernel = PUT_STACK(s, TICKPROF_STACK_KERNEL, KERNEL + 0x100);
	uint64_t user = PUT_STACK(s, 0, FRAME(REGS, LIB + 0x400), FRAME(CFI, APP + 0x300));

	put_sample(s, 0, 20, KERNEL + 0x200, task, kernel, user);
	put_sample(s, 0, 20, KERNEL + 0x200, task, kernel, NOWHERE);
	put_sample(s, USER | TICKPROF_SAMPLE_EXITING, 20, APP, task, NOWHERE, NOWHERE);
	put_sample(s, TICKPROF_SAMPLE_COMPAT, 20, KERNEL + 0x200, task, kernel, user);
}

static void put_meta(struct test_capture *t, const char *unwind)
{
	capture_write_meta(t->w, CAPTURE_META_UNWIND, unwind);
	if (strcmp(unwind, "tables"))
		return;
	capture_write_meta(t->w, CAPTURE_META_TABLES, "57");
	capture_write_meta(t->w, CAPTURE_META_COMPILED, "3");
	capture_write_meta(t->w, CAPTURE_META_WAITING, "0");
	capture_write_meta(t->w, CAPTURE_META_NO_TABLE "0", "/lib/ld-musl.so\tno call frame information");
	capture_write_meta(t->w, CAPTURE_META_NO_TABLE "1", "/tmp/a\tb.so\tnot an ELF file");
}

static struct test_capture begin(const char *unwind)
{
	static const uint64_t counters[TICKPROF_COUNTER_MAX + 1] = {
		[TICKPROF_COUNTER_USER_NO_MAPS] = 4,
	};
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	uint64_t task;

	put_maps(&s, 20);
	put_maps(&s, 30);
	task = put_task(&s, 20, 20, 1, "app", "app");
	put_walks(&s, task);
	put_others(&s, task);
	task = put_task(&s, 30, 30, 1, "other", "other");
	WALK(&s, task, LIB + 0x100, BROKEN, FRAME(CFI, LIB + 0x200));
	/* Out of code without CFI into the middle of another file, where the chain ends. */
	WALK(&s, task, MUSL + 0x100, BROKEN | FALLBACK, FRAME(FP, LIB + 0x400));
	capture_flush(&t, &s);
	stream_deinit(&s);
	put_meta(&t, unwind);
	capture_write_counters(t.w, counters);
	return t;
}

struct fixture {
	struct capture *c;
	struct objects *objects;
	struct symbolizer *s;
	struct profile *p;
	struct unwind *u;
};

static struct fixture open_walks(const char *unwind, bool walks, const struct view_options *narrow)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { .walks = walks };
	struct test_capture t = begin(unwind);
	struct fixture f = { .c = capture_end(&t), .objects = objects_create() };

	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(f.c, f.objects, f.s, &po, &f.p), 0);
	if (narrow)
		view_narrow(f.p, narrow);
	if (walks)
		f.u = unwind_create(f.p);
	return f;
}

static void close_walks(struct fixture *f)
{
	unwind_destroy(f->u);
	profile_destroy(f->p);
	symbolizer_destroy(f->s);
	objects_destroy(f->objects);
	capture_close(f->c);
}

static const struct unwind_row *row(const struct unwind *u, const char *file)
{
	size_t i;

	for (i = 0; i < u->nr_rows; i++)
		if (file && u->rows[i].file ? !strcmp(u->rows[i].file, file) :
		    !file && !u->rows[i].file)
			return &u->rows[i];
	fail_msg("no row %s", file ? file : "of nothing");
	return NULL;
}

static void assert_row(const struct unwind *u, const char *file, unsigned int stacks,
		       unsigned int broken, unsigned int fault, unsigned int depth,
		       unsigned int fallback,
		       unsigned int spoiled)
{
	const struct unwind_row *r = row(u, file);

	assert_int_equal(r->stacks, stacks);
	assert_int_equal(r->in.ended[PROFILE_END_BROKEN], broken);
	assert_int_equal(r->in.ended[PROFILE_END_FAULT], fault);
	assert_int_equal(r->in.ended[PROFILE_END_DEPTH], depth);
	assert_int_equal(r->in.fallback, fallback);
	assert_int_equal(r->spoiled, spoiled);
}

static void files_are_charged_for_what_happens_in_them(void **state)
{
	struct fixture f = open_walks("tables", true, NULL);
	uint64_t ended[PROFILE_ENDS] = { 0 }, spoiled = 0;
	size_t i, end;

	assert_int_equal(f.u->nr_rows, 5);
	assert_row(f.u, "/usr/bin/app", 9, 0, 1, 1, 0, 2);
	assert_row(f.u, "/usr/lib/libx.so.1", 7, 2, 0, 0, 1, 1);
	assert_row(f.u, "/lib/ld-musl.so", 3, 2, 0, 0, 1, 3);
	assert_row(f.u, "[anon]", 2, 1, 0, 0, 1, 1);
	assert_row(f.u, NULL, 1, 0, 0, 0, 0, 0);
	/* Each stack ends in one file, so rows add up to the line above them. */
	for (i = 0; i < f.u->nr_rows; i++, spoiled += f.u->rows[i - 1].spoiled)
		for (end = 0; end < PROFILE_ENDS; end++)
			ended[end] += f.u->rows[i].in.ended[end];
	assert_memory_equal(ended, f.u->all.ended, sizeof(ended));
	assert_int_equal(spoiled, profile_walks_total(&f.u->all) - ended[PROFILE_END_ROOT]);
	assert_memory_equal(&f.p->stats.walks, &f.u->all, sizeof(f.u->all));
	close_walks(&f);
}

static void the_worst_come_first(void **state)
{
	static const char *const order[] = {
		"/lib/ld-musl.so", "/usr/bin/app", "/usr/lib/libx.so.1", "[anon]",
	};
	struct fixture f = open_walks("tables", true, NULL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		assert_string_equal(f.u->rows[i].file, order[i]);
	assert_null(f.u->rows[4].file);
	close_walks(&f);
}

static void filters_hold_for_walks(void **state)
{
	struct fixture f = open_walks("tables", true, &(struct view_options) { .pids = ",30," });

	assert_int_equal(f.u->nr_rows, 2);
	assert_row(f.u, "/lib/ld-musl.so", 1, 0, 0, 0, 1, 1);
	assert_row(f.u, "/usr/lib/libx.so.1", 2, 2, 0, 0, 0, 1);
	assert_int_equal(profile_walks_total(&f.u->all), 2);
	close_walks(&f);
}

/* Otherwise samples that differ in this alone are one. */
static void only_who_asks_sees_walks_apart(void **state)
{
	struct fixture apart = open_walks("tables", true, NULL);
	struct fixture one = open_walks("tables", false, NULL);

	assert_int_equal(apart.p->nr_samples, 16);
	assert_int_equal(one.p->nr_samples, 14);
	assert_int_equal(apart.p->nr_chains, one.p->nr_chains + 1);
	assert_null(one.p->chain_how);
	close_walks(&one);
	close_walks(&apart);
}

static bool noted(const struct profile *p, const char *line)
{
	size_t i;

	for (i = 0; i < p->nr_notes; i++)
		if (!strcmp(p->notes[i], line))
			return true;
	return false;
}

static void notes_tell_of_walks_and_tables(void **state)
{
	struct fixture f = open_walks("tables", false, NULL);

	assert_true(noted(f.p, "13 user stacks: 6 complete, 1 cut at the depth limit, "
			  "1 cut at a page not resident, 5 cut where no caller was found; "
			  "in 4 some frame was found by frame pointer alone; "
			  "1 finished once a page had been read"));
	assert_true(noted(f.p, "unwind tables of 57 files, 3 of them compiled now; 2 files have none"));
	assert_true(noted(f.p, "4 user stacks walked before their process's mappings were known"));
	assert_int_equal(f.p->stats.truncated, 7);
	assert_int_equal(f.p->nr_no_tables, 2);
	assert_string_equal(f.p->no_tables[1].path, "/tmp/a\tb.so");
	assert_string_equal(f.p->no_tables[1].reason, "not an ELF file");
	close_walks(&f);
}

static void assert_advice(const struct unwind *u, const char *file, const char *text)
{
	char *advice __free = unwind_row_advice(u, row(u, file));

	assert_string_equal(advice, text);
}

static void advice_fits_the_cause(void **state)
{
	struct fixture f = open_walks("tables", true, NULL);

	assert_advice(f.u, "/lib/ld-musl.so", "no call frame information: "
		      "build with -fasynchronous-unwind-tables or frame pointers");
	assert_advice(f.u, "[anon]", "generated code, by frame pointer: let its compiler keep them");
	assert_advice(f.u, "/usr/lib/libx.so.1", "parts without call frame information");
	assert_advice(f.u, "/usr/bin/app", "deeper than --max-stack allows");
	assert_advice(f.u, NULL, "");
	close_walks(&f);
}

/* Frames of such a recording say nothing of how they were found: all the same way. */
static void without_tables_all_is_by_frame_pointer(void **state)
{
	struct fixture f = open_walks("fp", true, &(struct view_options) { .pids = ",30," });
	char *text __free = profile_walks_text(f.p, &f.u->all);

	assert_row(f.u, "/usr/lib/libx.so.1", 2, 2, 0, 0, 1, 2);
	assert_advice(f.u, "/usr/lib/libx.so.1",
		      "built without frame pointers? record with --unwind tables");
	assert_string_equal(text, "2 user stacks by frame pointer alone: 0 complete, "
			    "2 cut where no caller was found");
	assert_null(profile_tables_text(f.p, f.c));
	close_walks(&f);
}

/* What main() returns to may have no table: nothing is missing all the same. */
static void who_reached_main_is_complete(void **state)
{
	const struct symbolizer_options so = { .live = true };
	const struct profile_options po = { .walks = true };
	struct test_capture t = capture_begin();
	struct stream s = { 0 };
	struct fixture f = { .objects = objects_create() };
	uint64_t task;

	put_maps(&s, 20);
	put_mmap(&s, 1, 20, 1, 0x800000, 0x10000, 0, "/roots/main");
	task = put_task(&s, 20, 20, 1, "app", "app");
	WALK(&s, task, APP + 0x100, BROKEN, FRAME(CFI, 0x800100), FRAME(CFI, MUSL + 0x100));
	WALK(&s, task, APP + 0x100, BROKEN, FRAME(CFI, MUSL + 0x100));
	capture_flush(&t, &s);
	stream_deinit(&s);
	f.c = capture_end(&t);
	f.s = symbolizer_create(f.objects, &so);
	assert_int_equal(profile_create(f.c, f.objects, f.s, &po, &f.p), 0);
	f.u = unwind_create(f.p);
	assert_int_equal(f.p->stats.truncated, 1);
	assert_int_equal(f.u->all.ended[PROFILE_END_ROOT], 1);
	assert_row(f.u, "/lib/ld-musl.so", 2, 1, 0, 0, 0, 1);
	close_walks(&f);
}

/* For tests/golden/unwind. */
static void the_capture_is_left_behind(void **state)
{
	struct test_capture t = begin("tables");
	int fd __close = open(TEST_OUT "/unwind.data", O_RDWR | O_CREAT | O_TRUNC, 0644);
	off_t size;

	assert_int_equal(capture_writer_finish(t.w), 0);
	capture_writer_destroy(t.w);
	size = lseek(t.fd, 0, SEEK_END);
	lseek(t.fd, 0, SEEK_SET);
	assert_int_equal(sendfile(fd, t.fd, NULL, size), size);
	close(t.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_charged_for_what_happens_in_them),
		cmocka_unit_test(the_worst_come_first),
		cmocka_unit_test(filters_hold_for_walks),
		cmocka_unit_test(only_who_asks_sees_walks_apart),
		cmocka_unit_test(notes_tell_of_walks_and_tables),
		cmocka_unit_test(advice_fits_the_cause),
		cmocka_unit_test(without_tables_all_is_by_frame_pointer),
		cmocka_unit_test(who_reached_main_is_complete),
		cmocka_unit_test(the_capture_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
