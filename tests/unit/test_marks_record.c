// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marked spans from the process that marks them, through a recording's thread, into a capture, and
 * from there into the spans and the times of `tickprof trace`. Processes end before they are
 * read, lie, and are told of by others, too.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <tickprof/marks.h>

#define FIXTURE_DIR "marks-record"
#include "fixture.h"
#include "base/clock.h"
#include "record/marks.h"
#include "record/marks_watch.h"
#include "span/span_marks.h"
#include "trace_fixture.h"

/* --- recording ----------------------------------------------------------------------------- */

static const uint8_t trace_id[16] = { 1 };

static void mark(uint8_t id, const char *name)
{
	const uint8_t span_id[8] = { id };
	struct tickprof_mark m;

	tickprof_mark_begin(&m, trace_id, span_id, NULL, 1, name);
	tickprof_mark_end(&m);
}

/* A process that marks 3 spans, and 4 more when it is told to; then it ends. */
struct marker {
	pid_t pid;
	int in;
	struct marks_mapping rings[MARKS_MAPPINGS_MAX];
	unsigned int nr_rings;
};

static struct marker start_marker(void (*first)(void))
{
	int in[2], out[2], i, nr;
	struct marker k;
	char c;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	k.pid = fork();
	if (!k.pid) {
		close(in[1]);
		first();
		if (write(out[1], "1", 1) != 1 || read(in[0], &c, 1) < 0)
			_exit(1);
		for (i = 0; i < 4; i++)
			mark(10 + i, "later");
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	k.in = in[1];
	assert_int_equal(read(out[0], &c, 1), 1);
	close(out[0]);
	nr = marks_place_find(k.pid, k.rings);
	assert_true(nr >= 0);
	k.nr_rings = nr;
	return k;
}

static void end_marker(struct marker *k)
{
	int status;

	assert_int_equal(write(k->in, "x", 1), 1);
	close(k->in);
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
	assert_int_equal(status, 0);
}

static void three(void)
{
	mark(1, "one");
	mark(2, "two");
	mark(3, "three");
}

/* A capture of what there is; the model of its spans. */
static struct span_model *written(struct marks *m)
{
	struct test_capture t = capture_begin();
	struct span_model *model = span_model_create(0);
	struct capture *c;

	assert_int_equal(marks_write(m, t.w), 0);
	c = capture_end(&t);
	assert_int_equal(span_marks_read(c, "test", model), 0);
	capture_close(c);
	span_model_link(model);
	return model;
}

static struct capture_process image_of(const struct marker *k, uint64_t exec_id)
{
	return (struct capture_process) { .pid = k->pid, .exec_id = exec_id, .start_time = 1 };
}

/* Until so many were taken, or rings were lost; not for ever. */
static struct marks_stats wait_for(struct marks *m, uint64_t taken)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct marks_stats s = { 0 };
	size_t turn;

	for (turn = 0; turn < 4000; turn++) {
		marks_stats(m, &s);
		if (s.taken + s.gone + s.broken >= taken)
			break;
		nanosleep(&pause, NULL);
	}
	return s;
}

/* What it marked before it ended is read after that, for the file is held on to. */
static void of_a_process_that_ends(void **state)
{
	struct marks *m = marks_create(UINT64_MAX);
	struct marker k = start_marker(three);
	const struct capture_process image = image_of(&k, 7);
	struct span_model *model;
	struct marks_stats s;

	assert_int_equal(k.nr_rings, 1);
	marks_add(m, &image, k.rings, k.nr_rings);
	marks_add(m, &image, k.rings, k.nr_rings);
	marks_watch(m, &image);
	end_marker(&k);
	marks_begin(m, 1);
	s = wait_for(m, 7);
	assert_int_equal(s.taken, 7);
	assert_int_equal(s.rings, 1);
	assert_int_equal(s.gone + s.broken + s.overwritten + s.unfinished + s.refused, 0);
	model = written(m);
	assert_int_equal(model->nr_spans - 1, 7);
	assert_string_equal(model->spans[1].name, "one");
	assert_string_equal(model->spans[7].name, "later");
	assert_int_equal(model->spans[7].thread_id, k.pid);
	assert_int_equal(model->spans[7].flags, SPAN_MARKED | SPAN_HAS_CPU | SPAN_HAS_THREAD);
	assert_int_equal(model->resources[model->spans[1].resource].pid, k.pid);
	assert_string_equal(model->resources[model->spans[1].resource].service, "test_marks_reco");
	span_model_destroy(model);
	marks_stop(m);
	marks_add(m, &image, k.rings, k.nr_rings);	/* too late for anybody */
	model = written(m);
	assert_int_equal(model->nr_spans - 1, 0);
	span_model_destroy(model);
	marks_destroy(m);
}

static void nothing(void)
{
}

static pid_t child_of(pid_t pid)
{
	__free char *path = xasprintf("/proc/%d/task/%d/children", pid, pid);
	__fclose FILE *f = fopen(path, "re");
	pid_t child = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &child), 1);
	return child;
}

static void wait_held(struct marks *m, uint64_t rings)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct marks_stats s = { 0 };
	size_t turn;

	for (turn = 0; turn < 4000 && s.held < rings; turn++) {
		nanosleep(&pause, NULL);
		marks_stats(m, &s);
	}
	assert_int_equal(s.held, rings);
}

static void in_a_child(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	const pid_t marker = getpid();

	if (fork())
		return;
	nanosleep(&pause, NULL);
	mark(7, "child's");
	while (getppid() == marker)
		nanosleep(&pause, NULL);
	_exit(0);
}

/* One that comes to mark spans after it was seen is found, and lost when it is gone without. */
static void found_later(void **state)
{
	struct marks *m = marks_create(1);
	struct marker k = start_marker(nothing);
	const struct capture_process image = image_of(&k, 7);
	const struct timespec pause = { .tv_nsec = 60000000 };
	struct marks_stats s;

	assert_int_equal(k.nr_rings, 0);
	marks_watch(m, &image);
	nanosleep(&pause, NULL);
	marks_stats(m, &s);
	assert_int_equal(s.held, 0);
	end_marker(&k);
	nanosleep(&pause, NULL);
	marks_stats(m, &s);
	/* It may have been looked at in its last moment: its ring is read or gone, but never broken. */
	assert_int_equal(s.broken + s.too_many, 0);
	assert_true(s.gone <= 1);
	marks_destroy(m);
	m = marks_create(1);
	/* By itself: what it marks is marked in a child of its own. */
	k = start_marker(in_a_child);
	marks_watch(m, &(struct capture_process) { .pid = child_of(k.pid), .exec_id = 9 });
	wait_held(m, 1);
	end_marker(&k);
	s = wait_for(m, 1);
	assert_int_equal(s.taken, 1);
	marks_destroy(m);
}

/* Found in a process's mappings, and before it could be opened the process has ended. */
static void found_too_late(void **state)
{
	struct marks *m = marks_create(1);
	struct marker k = start_marker(three);
	const struct capture_process image = image_of(&k, 7);
	struct marks_stats s;

	assert_int_equal(k.nr_rings, 1);
	end_marker(&k);
	marks_add(m, &image, k.rings, k.nr_rings);
	marks_stats(m, &s);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.broken + s.held, 0);
	marks_destroy(m);
}

/* When each process is looked at: often at first, then ever more seldom. */
static void when_to_look(void **state)
{
	struct capture_process image = { .pid = 5, .exec_id = 1 };
	struct marks_watch w = { 0 };
	uint64_t now = 0;
	unsigned int looks = 0, i;

	assert_int_equal(marks_watch_next(&w), UINT64_MAX);
	assert_true(marks_watch_add(&w, &image, 0));
	assert_true(marks_watch_add(&w, &image, 1));
	assert_int_equal(w.nr, 1);
	for (now = 0; now < 1000000 * MS; now = marks_watch_next(&w), looks++) {
		assert_null(now ? marks_watch_due(&w, now - 1) : NULL);
		marks_watch_again(marks_watch_due(&w, now), now);
		assert_in_range(marks_watch_next(&w) - now, 5 * MS,
				now / 8 > 5 * MS ? now / 8 : 5 * MS);
	}
	assert_in_range(looks, 80, 120);
	/* Another program of the same process. */
	image.exec_id = 2;
	assert_true(marks_watch_add(&w, &image, now));
	assert_int_equal(w.nr, 1);
	assert_int_equal(marks_watch_next(&w), now);
	image.exec_id = 1;
	marks_watch_drop(&w, &image);
	assert_int_equal(w.nr, 1);
	for (i = 6; i < 10000; i++) {
		image.pid = i;
		assert_int_equal(marks_watch_add(&w, &image, now), i <= 4100);
	}
	assert_int_equal(w.nr, 4096);
	marks_watch_deinit(&w);
}

/* Where the file may not be opened there is the process's memory, as long as there is the process. */
static void of_memory_that_goes(void **state)
{
	struct marks *m = marks_create(1);
	struct marker k = start_marker(three);
	const struct capture_process image = image_of(&k, 7);
	struct marks_stats s;

	k.rings[0].dev_major = 77;
	marks_add(m, &image, k.rings, k.nr_rings);
	s = wait_for(m, 3);
	assert_int_equal(s.gone, 0);
	/* Killed: what it marked after this might be read, or not. */
	assert_int_equal(kill(k.pid, SIGKILL), 0);
	assert_int_equal(waitpid(k.pid, NULL, 0), k.pid);
	close(k.in);
	s = wait_for(m, 4);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.taken, 3);
	marks_destroy(m);
}

/* All that is there is read when the recording ends, while they live. */
static void the_last_read(void **state)
{
	struct marks *m = marks_create(1);
	struct marker a = start_marker(three), b = start_marker(three);
	struct capture_process image = image_of(&a, 7);
	struct span_model *model;

	marks_add(m, &image, a.rings, a.nr_rings);
	image = image_of(&b, 8);
	marks_add(m, &image, b.rings, b.nr_rings);
	marks_stop(m);
	model = written(m);
	/* The same ids in both: told of, and not believed twice. */
	assert_int_equal(model->nr_spans - 1, 3);
	assert_int_equal(span_model_left_out(model), 3);
	span_model_destroy(model);
	marks_destroy(m);
	end_marker(&a);
	end_marker(&b);
}

static volatile int *marked;	/* shared with children */

static void in_a_child_when_told(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const pid_t marker = getpid();
	sigset_t told;
	int number;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	if (fork())
		return;
	sigwait(&told, &number);
	mark(7, "child's");
	*marked = 1;
	while (getppid() == marker)
		nanosleep(&pause, NULL);
	_exit(0);
}

/* Each process is looked at once more when the recording ends, however seldom it was by then. */
static void the_last_look(void **state)
{
	const struct timespec pause = { .tv_nsec = 600000000 };
	struct marks *m = marks_create(1);
	struct marker with, without;
	struct capture_process image;
	struct span_model *model;
	pid_t child;

	marked = mmap(NULL, sizeof(*marked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(marked, MAP_FAILED);
	with = start_marker(in_a_child_when_told);
	without = start_marker(nothing);
	child = child_of(with.pid);
	image = (struct capture_process) { .pid = child, .exec_id = 8 };
	marks_watch(m, &image);
	image = image_of(&without, 7);
	marks_watch(m, &image);
	nanosleep(&pause, NULL);
	assert_int_equal(kill(child, SIGUSR1), 0);
	while (!*marked)
		;
	marks_stop(m);
	model = written(m);
	assert_int_equal(model->nr_spans - 1, 1);
	span_model_destroy(model);
	marks_destroy(m);
	end_marker(&without);
	end_marker(&with);
}

static void garbage(void)
{
	struct tickprof_ring_ *ring = tickprof_marks_map_();

	memset(ring, 0x5a, sizeof(*ring));
}

/* It is a ring, of a file that becomes shorter. */
static void truncated(void)
{
	int fd = memfd_create("TICKPROF_SPANS", 0);
	struct tickprof_ring_ *ring;

	if (ftruncate(fd, sizeof(*ring)))
		_exit(1);
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(&ring->signature, "TPSPANS1", 8);
	ring->entries_at = 128;
	ring->entry_size = 128;
	ring->nr_entries = 4096;
	ring->head = 4096;
	if (ftruncate(fd, 4096))
		_exit(1);
}

/* Somebody's file of that name, which opening might never return from: not one in memory. */
static void named_alike(void)
{
	char *path = xasprintf("%s", fixture("memfd:TICKPROF_SPANS"));
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 4096) ||
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(1);
}

static void named(int byte)
{
	int fd = memfd_create("TICKPROF_SPANS", 0);
	void *ring;

	if (ftruncate(fd, sizeof(struct tickprof_ring_)))
		_exit(1);
	ring = mmap(NULL, sizeof(struct tickprof_ring_), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		_exit(1);
	memset(ring, byte, sizeof(struct tickprof_ring_));
}

/* One that is being made for ever and two that are none; in the child one that is comes later. */
static void liars_first(void)
{
	named(0);
	named(0xa5);
	named(0xa5);
	in_a_child();
}

/* What is none is told once, and the process is looked at until it has one that is. */
static void behind_liars(void **state)
{
	struct marker k = start_marker(liars_first);
	struct marks *m = marks_create(1);
	struct marks_stats s;

	assert_int_equal(k.nr_rings, 3);
	marks_watch(m, &(struct capture_process) { .pid = child_of(k.pid), .exec_id = 9 });
	wait_held(m, 2);
	marks_stats(m, &s);
	assert_int_equal(s.broken, 2);
	end_marker(&k);
	s = wait_for(m, 3);
	assert_int_equal(s.broken, 2);
	assert_int_equal(s.taken, 1);
	marks_destroy(m);
}

static void liars(void **state)
{
	static void (*const kinds[])(void) = { garbage, truncated };
	struct marks_stats s;
	struct marker k;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct marks *m = marks_create(1);
		struct capture_process image;

		k = start_marker(kinds[i]);
		image = image_of(&k, 7);
		assert_int_equal(k.nr_rings, 1);
		marks_add(m, &image, k.rings, k.nr_rings);
		s = wait_for(m, 1);
		assert_int_equal(s.taken, 0);
		assert_int_equal(s.broken + s.gone, 1);
		marks_destroy(m);
		end_marker(&k);
	}
	sh("true");	/* makes the folder */
	k = start_marker(named_alike);
	assert_int_equal(k.nr_rings, 0);
	end_marker(&k);
}

/* --- into spans ---------------------------------------------------------------------------- */

static struct span_model *read_marks(struct test_capture *t, struct capture **c)
{
	struct span_model *m = span_model_create(0);

	*c = capture_end(t);
	assert_true(span_marks_any(*c));
	assert_int_equal(span_marks_read(*c, "test", m), 0);
	return m;
}

/* Captures lie, too. */
static void what_a_capture_says(void **state)
{
	struct test_capture t = capture_begin();
	struct capture_mark marks[8];
	const struct capture_process_text text = {
		.image = { .pid = 20, .exec_id = 2 }, .service = "payment",
	};
	struct span_model *m;
	struct capture *c;
	size_t i;

	for (i = 0; i < 8; i++)
		marks[i] = trace_mark(1, 1 + i, 0, 100, 200, 50);
	marks[1].flags = CAPTURE_MARK_CUT;
	marks[2].end = marks[2].begin - 1;
	marks[3].name_length = 200;
	marks[4].begin = 5;
	marks[4].end = 6;			/* before the recording */
	marks[4].cpu = 0;
	marks[5].begin = UINT64_MAX - 10;
	marks[5].end = UINT64_MAX - 5;		/* no time of this world */
	memset(marks[6].trace_id, 0, 16);
	marks[7].cpu = marks[7].end - marks[7].begin + 500;
	put_marks(&t, 20, marks, 8);
	put_marks(&t, 30, marks, 0);
	capture_write_process(t.w, &text);	/* may come later */
	m = read_marks(&t, &c);
	assert_int_equal(m->nr_spans - 1, 3);
	assert_int_equal(m->problems[SPAN_PROBLEM_MALFORMED].count, 4);
	assert_string_equal(m->spans[1].name, "marked");
	assert_string_equal(m->spans[2].name, "marked…");
	assert_int_equal(m->spans[1].cpu, 50 * US);
	assert_int_equal(m->spans[1].start, 1700000000000000000ull + TRACE_AT - 1000 * MS + 100 * US);
	assert_int_equal(m->spans[2].flags & SPAN_HAS_CPU, 0);
	assert_int_equal(m->spans[3].cpu, 100 * US);
	assert_string_equal(m->resources[m->spans[1].resource].service, "payment");
	capture_close(c);
	span_model_destroy(m);

	t = capture_begin();
	put_marks(&t, 30, marks, 1);
	assert_int_equal(capture_write_chunk(t.w, CAPTURE_MARKS, marks, 50), 0);
	c = capture_end(&t);
	m = span_model_create(0);
	assert_int_equal(span_marks_read(c, "test", m), -EBADMSG);
	assert_int_equal(m->nr_spans - 1, 1);
	assert_string_equal(m->resources[m->spans[1].resource].service, "a-comm");
	capture_close(c);
	span_model_destroy(m);
}

/* Any bytes at all: what is taken makes sense. */
static void any_bytes(void **state)
{
	uint64_t seed = 3;
	unsigned int round;
	uint32_t n;
	size_t i;

	for (round = 0; round < 300; round++) {
		struct test_capture t = capture_begin();
		struct capture_mark marks[8];
		struct span_model *m;
		struct capture *c;
		uint8_t *bytes = (uint8_t *)marks;

		for (i = 0; i < 8; i++)
			marks[i] = trace_mark(1, 1 + i, i, 100, 200, 50);
		for (i = 0; i < 1 + round % 40; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			bytes[(seed >> 33) % sizeof(marks)] = seed >> 24;
		}
		put_marks(&t, 20, marks, 8);
		m = read_marks(&t, &c);
		span_model_link(m);
		for (n = 1; n < m->nr_spans; n++) {
			assert_true(m->spans[n].end >= m->spans[n].start);
			assert_true(m->spans[n].cpu <= span_duration(&m->spans[n]));
			assert_true(m->spans[n].kind < SPAN_KINDS);
		}
		assert_true(m->nr_spans - 1 + span_model_left_out(m) <= 8);
		capture_close(c);
		span_model_destroy(m);
	}
}

static uint32_t span_of(const struct span_model *m, uint8_t id)
{
	uint32_t n;

	for (n = 1; n < m->nr_spans; n++)
		if (m->spans[n].id[0] == id)
			return n;
	fail();
	return 0;
}

static void tell(struct span_model *m)
{
	struct span_source source;

	assert_int_equal(span_source_open(&source, TEST_DIR "/../golden/trace.in/spans.json"), 0);
	assert_int_equal(span_read(&source, m), 0);
	span_source_close(&source);
}

/* Told of by its program's SDK as well, before or after, and once more: one span. */
static void marked_and_told(void **state)
{
	unsigned int marks_first;

	for (marks_first = 0; marks_first < 2; marks_first++) {
		const struct capture_mark d1 = trace_mark(0x4b, 0xd1, 0xc1, 801, 5849, 50);
		struct span_model *m = span_model_create(0);
		struct test_capture t = capture_begin();
		const struct span *s;
		struct capture *c;
		uint32_t nr;

		put_marks(&t, 20, &d1, 1);
		c = capture_end(&t);
		if (!marks_first)
			tell(m);
		assert_int_equal(span_marks_read(c, "test", m), 0);
		if (marks_first)
			tell(m);
		assert_int_equal(span_model_left_out(m), 0);
		nr = m->nr_spans;
		tell(m);
		assert_int_equal(m->nr_spans, nr);
		assert_int_equal(m->problems[SPAN_PROBLEM_DUPLICATE].count, nr - 1);
		assert_int_equal(m->problems[SPAN_PROBLEM_CONFLICT].count, 0);
		assert_int_equal(span_marks_read(c, "test", m), 0);
		assert_int_equal(m->nr_spans, nr);
		span_model_link(m);
		s = &m->spans[span_of(m, 0xd1)];
		assert_string_equal(s->name, "validate");
		assert_string_equal(span_resource(m, s)->service, "payment");
		assert_int_equal(s->kind, SPAN_CLIENT);
		assert_int_equal(span_duration(s), 5048 * US);
		assert_int_equal(s->cpu, 50 * US);
		assert_int_equal(s->pid, 20);
		assert_int_equal(s->thread_id, 21);
		assert_int_equal(m->spans[s->parent].id[0], 0xc1);
		capture_close(c);
		span_model_destroy(m);
	}
}

/* --- into times ---------------------------------------------------------------------------- */

/* Of what ran, what marked spans in the same thread ran is not the span's own. */
static void samples_and_marks(void **state)
{
	const struct profile_options po = { .each = true };
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0 };
	struct capture_mark marks[6];
	struct ledger_shares shares;
	struct ledger_fault fault;
	struct span_model *m;
	struct capture *c;
	struct fixture f;
	uint64_t task, context;
	const struct ledger_span *l;

	marks[0] = trace_mark(1, 0x10, 0, 0, 1000, 700);
	marks[1] = trace_mark(1, 0x11, 0x10, 100, 600, 400);
	marks[2] = trace_mark(1, 0x12, 0x11, 200, 500, 150);
	marks[3] = trace_mark(1, 0x13, 0x10, 700, 800, 90);
	marks[3].tid = 22;			/* of another thread */
	marks[4] = trace_mark(1, 0x14, 0x10, 700, 800, 0);
	marks[4].flags = 0;
	marks[5] = trace_mark(1, 0x15, 0x14, 720, 760, 30);	/* within 10, two above */
	capture_write_meta(t.w, CAPTURE_META_SOURCE, "cpu");
	put_marks(&t, 20, marks, 6);
	task = put_task(&s, 20, 21, 2, "payment", "payment");
	context = put_context(&s, 1, 0x11, 1, "", 0);
	put_span_sample(&s, TICKPROF_SAMPLE_USER, TRACE_AT + 150 * US, APP_PAGE(5), task, NOWHERE, NOWHERE,
			context);
	context = put_context(&s, 1, 0x14, 1, "", 0);
	put_span_sample(&s, TICKPROF_SAMPLE_USER, TRACE_AT + 710 * US, APP_PAGE(5), task, NOWHERE, NOWHERE,
			context);
	capture_flush(&t, &s);
	stream_deinit(&s);
	m = read_marks(&t, &c);
	f = fixture_open(c, m, &po);
	f.l = ledger_create(f.p, m, &(struct ledger_options) { 0 });
	l = f.l->spans;
	assert_int_equal(l[span_of(m, 0x10)].basis, LEDGER_BY_MARKS);
	assert_int_equal(l[span_of(m, 0x10)].total.running, 700 * US);
	assert_int_equal(l[span_of(m, 0x10)].self.running, (700 - 400 - 30) * US);
	assert_int_equal(l[span_of(m, 0x11)].self.running, 250 * US);
	assert_int_equal(l[span_of(m, 0x11)].total.running, 400 * US);
	assert_int_equal(l[span_of(m, 0x11)].samples, 1);
	assert_int_equal(l[span_of(m, 0x12)].self.running, 150 * US);
	assert_int_equal(l[span_of(m, 0x13)].self.running, 90 * US);
	assert_int_equal(l[span_of(m, 0x14)].basis, LEDGER_BY_SAMPLES);
	assert_int_equal(l[span_of(m, 0x14)].self.running, f.p->period);
	ledger_fault(f.l, m->spans[1].trace, &fault);
	assert_string_equal(fault.what, "running");
	ledger_shares(f.l, m->spans[1].trace, &shares);
	assert_int_equal(shares.running, 1000 * US);	/* with one that is estimated, no more than all */
	assert_int_equal(shares.unseen, 0);
	assert_int_equal(shares.spans, 6);
	fixture_close(&f);
}

/* The waits' account stays where it is whole; where it has gaps the thread's clock knows better. */
static void waits_and_marks(void **state)
{
	const struct profile_options po = { .each = true };
	const struct capture_mark marks[] = {
		trace_mark(0x4b, 0xd1, 0xc1, 800, 5850, 54),
		trace_mark(0x4b, 0xf8, 0xc1, 2000, 3000, 500),
	};
	struct test_capture t = trace_begin();
	struct span_model *m = told_spans();
	const struct ledger_span *l;
	struct capture *c;
	struct fixture f;

	put_marks(&t, 20, marks, 2);
	c = capture_end(&t);
	assert_int_equal(span_marks_read(c, "test", m), 0);
	f = fixture_open(c, m, &po);
	f.l = ledger_create(f.p, m, &(struct ledger_options) { 0 });
	l = f.l->spans;
	assert_int_equal(l[span_of(m, 0xd1)].basis, LEDGER_BY_WAITS);
	assert_int_equal(l[span_of(m, 0xd1)].total.running, 55 * US);
	assert_int_equal(l[span_of(m, 0xa1)].basis, LEDGER_BY_WAITS);
	assert_int_equal(l[span_of(m, 0xf8)].basis, LEDGER_BY_MARKS);
	assert_int_equal(l[span_of(m, 0xf8)].total.running, 500 * US);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_process_that_ends),
		cmocka_unit_test(found_later),
		cmocka_unit_test(found_too_late),
		cmocka_unit_test(when_to_look),
		cmocka_unit_test(of_memory_that_goes),
		cmocka_unit_test(the_last_read),
		cmocka_unit_test(the_last_look),
		cmocka_unit_test(liars),
		cmocka_unit_test(behind_liars),
		cmocka_unit_test(what_a_capture_says),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(marked_and_told),
		cmocka_unit_test(samples_and_marks),
		cmocka_unit_test(waits_and_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
