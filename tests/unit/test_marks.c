// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/tickprof/marks.h, and who reads its ring (ctl/context/marks_ring.c): what is marked is
 * what is read, whole or not at all, and counted, with many threads, after a fork, when the ring
 * comes round; and nothing is believed of a ring that lies.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <tickprof/marks.h>

#define FIXTURE_DIR "marks"
#include "fixture.h"
#include "base/clock.h"
#include "context/marks_ring.h"

#define STRICT "-I" TEST_DIR "/../../include -Wall -Wextra -Wshadow -Wconversion -pedantic -Werror "

enum { ENTRIES = TICKPROF_MARKS_ENTRIES_ };

static const uint8_t trace[16] = { 1, 2, 3 }, parent[8] = { 9 };

/* --- the header ---------------------------------------------------------------------------- */

static const char c_program[] =
	"#include <tickprof/marks.h>\n"
	"int other(void);\n"
	"int main(void)\n"
	"{\n"
	"	const uint8_t trace[16] = { 1 }, id[8] = { 2 };\n"
	"	struct tickprof_mark mark;\n"
	"	if (tickprof_marks_open())\n"
	"		return 1;\n"
	"	tickprof_mark_begin(&mark, trace, id, NULL, 1, \"one\");\n"
	"	if (tickprof_current() != &mark.span.context || other())\n"
	"		return 2;\n"
	"	tickprof_mark_end(&mark);\n"
	"	return tickprof_current() != NULL || tickprof_marks_ring_()->head != 2;\n"
	"}\n";

static const char cc_program[] =
	"#include <tickprof/marks.h>\n"
	"extern \"C\" int other();\n"
	"extern \"C\" int other()\n"
	"{\n"
	"	const uint8_t trace[16] = { 3 }, id[8] = { 4 };\n"
	"	const tickprof_context *outer = tickprof_current();\n"
	"	{\n"
	"		tickprof::marked_span span(trace, id, id, \"two\");\n"
	"		span.kind(2);\n"
	"		if (span.set(0, \"value\") || tickprof_current() == outer)\n"
	"			return 2;\n"
	"	}\n"
	"	return tickprof_current() != outer;\n"
	"}\n";

/* Strict C and C++ of every standard, and one ring for both. */
static void compiles(void **state)
{
	static const char *const c[] = { "c11", "c17", "gnu2x" },
			  *const cc[] = { "c++11", "c++14", "c++17", "c++20", "c++23" };
	size_t i;

	write_text("main.c", c_program);
	write_text("other.cc", cc_program);
	for (i = 0; i < 5; i++)
		sh("gcc -std=%s -O%zu " STRICT "-c main.c && g++ -std=%s -O%zu " STRICT
		   "-c other.cc && g++ main.o other.o -o both && ./both", c[i % 3], i % 4, cc[i], i % 4);
	write_text("empty.c", "#include <tickprof/marks.h>\nint other(void);\n"
		   "int other(void) { __atomic_fetch_add(&tickprof_marks_ring_()->head, 1, 0); return 0; }\n");
	sh("musl-gcc -static -std=c11 -O2 " STRICT "main.c empty.c -o musl && ./musl");
}

/* Threads that mark, under a checker of races between them. */
static void races(void **state)
{
	write_text("race.c",
		   "#include <tickprof/marks.h>\n#include <pthread.h>\n"
		   "static void *work(void *arg) { const uint8_t t[16] = { 1 }; uint8_t id[8] = { 2 };\n"
		   "struct tickprof_mark m; int i; for (i = 0; i < 20000; i++) { id[1] = (uint8_t)i;\n"
		   "tickprof_mark_begin(&m, t, id, NULL, 0, \"race\"); tickprof_mark_end(&m); } return arg; }\n"
		   "int main(void) { pthread_t t[4]; int i; for (i = 0; i < 4; i++)\n"
		   "pthread_create(&t[i], NULL, work, NULL); for (i = 0; i < 4; i++) pthread_join(t[i], NULL);\n"
		   "return tickprof_marks_ring_()->head != 80000; }\n");
	sh("gcc -O1 -g -fsanitize=thread -Wno-tsan -I" TEST_DIR "/../../include -pthread race.c -o race && ./race");
	sh("gcc -O1 -g -fsanitize=address,undefined -I" TEST_DIR "/../../include -pthread race.c -o race && ./race");
}

/* --- marking and reading ------------------------------------------------------------------- */

struct taken {
	struct capture_mark *marks;
	size_t nr, cap;
};

static void take(void *arg, const struct capture_mark *mark)
{
	struct taken *t = arg;

	GROW(t->marks, t->cap, t->nr + 1);
	t->marks[t->nr++] = *mark;
}

/* Mappings of that name; the address of the last. */
static unsigned int find_mapping(uint64_t *address)
{
	__fclose FILE *f = fopen("/proc/self/maps", "re");
	unsigned int found = 0;
	char line[1024];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "TICKPROF_SPANS"))
			continue;
		*address = strtoul(line, NULL, 16);
		found++;
	}
	return found;
}

static struct memory self;

static struct marks_ring open_ring(void)
{
	struct marks_ring r;
	uint64_t address;

	assert_int_equal(find_mapping(&address), 1);
	assert_int_equal(marks_ring_open(&r, &self, address), 0);
	return r;
}

static int read_ring(struct marks_ring *r, struct taken *t, bool last)
{
	const struct marks_read how = { .budget = UINT64_MAX, .last = last, .take = take, .arg = t };

	return marks_ring_read(r, &how);
}

/* A ring with nothing unread. */
static struct marks_ring fresh_ring(void)
{
	struct taken t = { 0 };
	struct marks_ring r;

	assert_int_equal(tickprof_marks_open(), 0);
	r = open_ring();
	assert_int_equal(read_ring(&r, &t, false), 0);
	r.counts = (struct marks_counts) { 0 };
	free(t.marks);
	return r;
}

static uint64_t lost(const struct marks_ring *r)
{
	uint64_t refused = 0;
	size_t i;

	for (i = 0; i < MARK_REFUSALS; i++)
		refused += r->counts.refused[i];
	return r->counts.overwritten + r->counts.unfinished + refused;
}

static void mark(uint8_t id, const char *name)
{
	const uint8_t span_id[8] = { id };
	struct tickprof_mark m;

	tickprof_mark_begin(&m, trace, span_id, parent, 1, name);
	tickprof_mark_end(&m);
}

/* A child of fork has none until it marks, and does not write down what its parent began. */
static void forked(void **state)
{
	const uint8_t id[8] = { 1 };
	struct tickprof_mark before;
	struct taken t = { 0 };
	uint64_t address;
	struct marks_ring r;
	int status;
	pid_t pid;

	assert_int_equal(find_mapping(&address), 0);
	tickprof_mark_begin(&before, trace, id, NULL, 0, "parent's");
	assert_int_equal(find_mapping(&address), 1);
	pid = fork();
	if (!pid) {
		if (find_mapping(&address))
			_exit(1);
		tickprof_mark_end(&before);
		if (find_mapping(&address) || tickprof_current())
			_exit(2);
		mark(2, "child's");
		tickprof_mark_end(&before);
		if (find_mapping(&address) != 1 || tickprof_marks_ring_()->head != 1)
			_exit(3);
		_exit(tickprof_marks_thread_.tid == (uint32_t)getpid() ? 0 : 4);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	tickprof_mark_end(&before);
	r = open_ring();
	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 1);
	assert_int_equal(t.marks[0].name_length, 8);
	free(t.marks);
}

static void what_is_marked_is_read(void **state)
{
	const uint8_t id[8] = { 1 }, inner_id[8] = { 2 };
	char text[60] = "0123456789012345678901234567890123456789012345678901234\xc3\xa4xx";
	struct marks_ring r = fresh_ring();
	struct tickprof_mark outer, inner;
	uint64_t began = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID), marked, all;
	struct taken t = { 0 };

	tickprof_mark_begin(&outer, trace, id, parent, 1, "outer");
	assert_ptr_equal(tickprof_current(), &outer.span.context);
	outer.kind = 2;
	outer.status = 1;
	tickprof_mark_begin(&inner, trace, inner_id, id, 1, NULL);
	marked = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < marked + 20000000)
		;
	inner.name = text;
	tickprof_mark_end(&inner);
	assert_ptr_equal(tickprof_current(), &outer.span.context);
	tickprof_mark_end(&outer);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	all = clock_ns(CLOCK_MONOTONIC) - began;
	assert_null(tickprof_current());

	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 2);
	assert_int_equal(lost(&r), 0);
	assert_memory_equal(t.marks[0].trace_id, trace, 16);
	assert_memory_equal(t.marks[0].span_id, inner_id, 8);
	assert_memory_equal(t.marks[0].parent_id, id, 8);
	assert_int_equal(t.marks[0].name_length, 55);
	assert_memory_equal(t.marks[0].name, text, 55);
	assert_int_equal(t.marks[0].flags, CAPTURE_MARK_CPU | CAPTURE_MARK_CUT);
	assert_memory_equal(t.marks[1].span_id, id, 8);
	assert_memory_equal(t.marks[1].parent_id, parent, 8);
	assert_int_equal(t.marks[1].name_length, 5);
	assert_memory_equal(t.marks[1].name, "outer", 5);
	assert_int_equal(t.marks[1].flags, CAPTURE_MARK_CPU);
	assert_int_equal(t.marks[1].tid, syscall(SYS_gettid));
	assert_int_equal(t.marks[1].kind, 2);
	assert_int_equal(t.marks[1].status, 1);
	assert_true(began <= t.marks[1].begin && t.marks[1].begin <= t.marks[0].begin);
	assert_true(t.marks[0].end <= t.marks[1].end);
	assert_in_range(t.marks[1].end - t.marks[1].begin, cpu / 2, all);
	assert_in_range(t.marks[1].cpu, 20000000, cpu);
	assert_in_range(t.marks[0].cpu, 20000000, t.marks[1].cpu);
	/* Nothing twice. */
	assert_int_equal(read_ring(&r, &t, true), 0);
	assert_int_equal(t.nr, 2);
	free(t.marks);
}

static void *end_mark(void *m)
{
	otel_thread_ctx_v1 = NULL;
	tickprof_mark_end(m);
	return NULL;
}

static void what_has_no_cpu_says_so(void **state)
{
	const uint8_t id[8] = { 1 };
	struct marks_ring r = fresh_ring();
	struct tickprof_mark m;
	struct taken t = { 0 };
	pthread_t thread;

	tickprof_mark_begin(&m, trace, id, NULL, 0, "wanders");
	tickprof_switch(NULL);
	pthread_create(&thread, NULL, end_mark, &m);
	pthread_join(thread, NULL);
	tickprof_mark_begin(&m, trace, id, NULL, 0, "gives way");
	m.tid = 0;
	tickprof_mark_end(&m);
	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.marks[0].flags | t.marks[1].flags | t.marks[0].cpu | t.marks[1].cpu, 0);
	assert_int_not_equal(t.marks[0].tid, syscall(SYS_gettid));
	assert_int_equal(t.marks[1].tid, syscall(SYS_gettid));
	free(t.marks);
}

static void a_full_ring_overwrites_the_oldest(void **state)
{
	struct marks_ring r = fresh_ring(), late = r;
	struct marks_read how = { .budget = 100, .take = take };
	struct taken t = { 0 };
	char name[16];
	int i;

	for (i = 0; i < 3 * ENTRIES + 7; i++) {
		snprintf(name, sizeof(name), "%d", i);
		mark(1, name);
	}
	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, ENTRIES);
	assert_int_equal(r.counts.overwritten, 2 * ENTRIES + 7);
	snprintf(name, sizeof(name), "%d", 2 * ENTRIES + 7);
	assert_memory_equal(t.marks[0].name, name, strlen(name));
	/* In pieces; what the last one leaves is counted. */
	how.arg = &t;
	t.nr = 0;
	assert_int_equal(marks_ring_read(&late, &how), 0);
	assert_int_equal(t.nr, 100);
	how.last = true;
	assert_int_equal(marks_ring_read(&late, &how), 0);
	assert_int_equal(t.nr, 200);
	assert_int_equal(late.counts.overwritten, 3 * ENTRIES + 7 - 200);
	free(t.marks);
}

/* What was overwritten before anybody looked matters if what is left is of the time asked for. */
static void what_was_before(void **state)
{
	struct marks_read how = { .budget = UINT64_MAX, .take = take };
	struct marks_ring r = fresh_ring();
	struct taken t = { 0 };
	int i;

	how.arg = &t;
	for (i = 0; i < ENTRIES; i++)
		mark(1, "before");
	how.from = clock_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 10; i++)
		mark(1, "after");
	r = open_ring();
	assert_int_equal(marks_ring_read(&r, &how), 0);
	assert_int_equal(t.nr, 10);
	assert_int_equal(lost(&r), 0);
	assert_int_equal(r.counts.before, ENTRIES - 10);
	for (i = 0; i < ENTRIES; i++)
		mark(1, "after");
	t.nr = 0;
	r = open_ring();
	assert_int_equal(marks_ring_read(&r, &how), 0);
	assert_int_equal(t.nr, ENTRIES);
	assert_int_equal(r.counts.overwritten, r.next - ENTRIES);
	free(t.marks);
}

/* --- many at once -------------------------------------------------------------------------- */

enum { THREADS = 8, MARKS_EACH = 40000 };

/* Ids and name of a mark all tell thread and count. */
static void *mark_many(void *arg)
{
	const uint32_t thread = (uintptr_t)arg;
	struct tickprof_mark m;
	uint32_t words[4], i;
	char name[60];

	for (i = 0; i < MARKS_EACH; i++) {
		words[0] = words[2] = thread + 1;
		words[1] = words[3] = i + 1;
		memset(name, 'a' + i % 26, 56);
		name[i % 57] = '\0';
		tickprof_mark_begin(&m, (uint8_t *)words, (uint8_t *)words, (uint8_t *)words, 0, name);
		m.kind = i % 6;
		tickprof_mark_end(&m);
	}
	return NULL;
}

static void check_whole(const struct taken *t, uint32_t *counts)
{
	size_t i, n;

	for (i = 0; i < t->nr; i++) {
		const struct capture_mark *m = &t->marks[i];
		uint32_t words[4], count;

		memcpy(words, m->trace_id, sizeof(words));
		count = words[1] - 1;
		assert_int_equal(words[0], words[2]);
		assert_int_equal(words[1], words[3]);
		assert_memory_equal(m->span_id, words, 8);
		assert_memory_equal(m->parent_id, words, 8);
		assert_int_equal(m->kind, count % 6);
		assert_int_equal(m->name_length, count % 57);
		for (n = 0; n < m->name_length; n++)
			assert_int_equal(m->name[n], 'a' + count % 26);
		assert_in_range(words[0], 1, THREADS);
		/* Each once, and in the order of each thread. */
		assert_true(count >= counts[words[0] - 1]);
		counts[words[0] - 1] = count + 1;
	}
}

static void threads_at_once(void **state)
{
	struct marks_ring r = fresh_ring();
	uint32_t counts[THREADS] = { 0 };
	const uint64_t first = r.next;
	pthread_t threads[THREADS];
	uint64_t taken = 0;
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, mark_many, (void *)i);
	do {
		struct taken t = { 0 };

		assert_int_equal(read_ring(&r, &t, false), 0);
		check_whole(&t, counts);
		taken += t.nr;
		free(t.marks);
	} while (r.next < first + THREADS * MARKS_EACH);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	print_message("# %" PRIu64 " read whole, %" PRIu64 " overwritten, %" PRIu64 " unfinished\n",
		      taken, r.counts.overwritten, r.counts.unfinished);
	assert_int_equal(taken, r.counts.taken);
	assert_int_equal(taken + lost(&r), THREADS * MARKS_EACH);
	assert_true(taken > ENTRIES);
}

/* --- rings that lie ------------------------------------------------------------------------ */

/* Memory that changes between one read and the next. */
static struct {
	_Alignas(8) uint8_t bytes[4096];
	void (*change)(unsigned int read);
	unsigned int reads;
} lie;

static int read_lie(const struct memory *m, uint64_t address, void *buf, size_t size)
{
	if (lie.change)
		lie.change(lie.reads++);
	if (address > sizeof(lie.bytes) || size > sizeof(lie.bytes) - address)
		return -EFAULT;
	memcpy(buf, lie.bytes + address, size);
	return 0;
}

static const struct memory lying = { read_lie, -1 };

static struct tickprof_ring_ *lie_ring(void)
{
	struct tickprof_ring_ *ring = (void *)lie.bytes;

	memset(&lie, 0, sizeof(lie));
	memcpy(&ring->signature, "TPSPANS1", 8);
	ring->entries_at = 128;
	ring->entry_size = 128;
	ring->nr_entries = 16;
	return ring;
}

static struct tickprof_entry_ *lie_entry(unsigned int number)
{
	struct tickprof_entry_ *e = (void *)(lie.bytes + 128 + number % 16 * 128);

	*e = (struct tickprof_entry_) {
		.state = 2 * number + 2, .trace_id = { 1 }, .span_id = { 2 }, .begin = 1000, .end = 2000,
		.cpu = 500, .tid = 7, .flags = TICKPROF_MARKS_CPU_, .name_length = 1, .name = "n",
	};
	return e;
}

static void no_ring(void **state)
{
	struct tickprof_ring_ *ring = lie_ring();
	struct marks_ring r;

	assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
	assert_int_equal(marks_ring_open(&r, &lying, 8), -EBADMSG);
	assert_int_equal(marks_ring_open(&r, &lying, 4090), -EFAULT);
	assert_int_equal(marks_ring_open(&r, &lying, UINT64_MAX - 7), -EFAULT);
	ring->signature = 0;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EAGAIN);
	lie_ring()->entry_size = 64;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EBADMSG);
	lie_ring()->nr_entries = 0;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EBADMSG);
	lie_ring()->nr_entries = 17;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EBADMSG);
	lie_ring()->nr_entries = 1u << 31;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EBADMSG);
	lie_ring()->entries_at = 0;
	assert_int_equal(marks_ring_open(&r, &lying, 0), -EBADMSG);
	/* Entries beyond the mapping. */
	ring = lie_ring();
	ring->nr_entries = 64;
	ring->head = 64;
	assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
	assert_int_equal(read_ring(&r, NULL, false), -EFAULT);
}

static void heads(void **state)
{
	struct tickprof_ring_ *ring = lie_ring();
	struct taken t = { 0 };
	struct marks_ring r;

	assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
	lie_entry(0);
	ring->head = 1;
	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 1);
	ring->head = 0;
	assert_int_equal(read_ring(&r, &t, false), -EBADMSG);
	ring->head = UINT64_MAX;
	assert_int_equal(read_ring(&r, &t, false), -EBADMSG);
	ring->head = 1ull << 60;
	assert_int_equal(read_ring(&r, &t, true), 0);
	assert_int_equal(t.nr, 1);
	assert_int_equal(lost(&r), (1ull << 60) - 1);
	free(t.marks);
}

static void contents(void **state)
{
	static const struct {
		enum mark_refusal why;
		size_t at, size;
		uint64_t value;
	} rows[] = {
		{ MARK_IDS, offsetof(struct tickprof_entry_, trace_id), 1, 0 },
		{ MARK_IDS, offsetof(struct tickprof_entry_, span_id), 1, 0 },
		{ MARK_TIMES, offsetof(struct tickprof_entry_, begin), 8, 0 },
		{ MARK_TIMES, offsetof(struct tickprof_entry_, begin), 8, 2001 },
		{ MARK_TIMES, offsetof(struct tickprof_entry_, end), 8, 999 },
		{ MARK_TIMES, offsetof(struct tickprof_entry_, end), 8, UINT64_MAX },
		{ MARK_CPU, offsetof(struct tickprof_entry_, cpu), 8, 2100 },
		{ MARK_CPU, offsetof(struct tickprof_entry_, cpu), 8, UINT64_MAX },
		{ MARK_MALFORMED, offsetof(struct tickprof_entry_, tid), 4, 0 },
		{ MARK_MALFORMED, offsetof(struct tickprof_entry_, flags), 1, 4 },
		{ MARK_MALFORMED, offsetof(struct tickprof_entry_, name_length), 1, 57 },
		{ MARK_MALFORMED, offsetof(struct tickprof_entry_, name_length), 1, 255 },
	};
	struct taken t = { 0 };
	struct marks_ring r;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tickprof_ring_ *ring = lie_ring();

		for (n = 0; n < 3; n++)
			lie_entry(n);
		memcpy((char *)lie_entry(1) + rows[i].at, &rows[i].value, rows[i].size);
		ring->head = 3;
		assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
		assert_int_equal(read_ring(&r, &t, false), 0);
		assert_int_equal(r.counts.taken, 2);
		assert_int_equal(r.counts.refused[rows[i].why], 1);
		assert_int_equal(lost(&r), 1);
	}
	assert_int_equal(t.nr, 2 * ARRAY_SIZE(rows));
	free(t.marks);
}

/* An entry of which not everything is there yet is waited for, and not for ever. */
static void unfinished(void **state)
{
	struct tickprof_ring_ *ring = lie_ring();
	struct taken t = { 0 };
	struct marks_ring r;
	unsigned int i;

	assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
	for (i = 0; i < 3; i++)
		lie_entry(i);
	lie_entry(1)->state = 3;
	ring->head = 3;
	for (i = 0; i < 2; i++) {
		assert_int_equal(read_ring(&r, &t, false), 0);
		assert_int_equal(t.nr, 1);
	}
	lie_entry(1);
	assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 3);
	lie_entry(3)->state = 7;
	lie_entry(4);
	ring->head = 5;
	for (i = 0; i < 3; i++)
		assert_int_equal(read_ring(&r, &t, false), 0);
	assert_int_equal(t.nr, 4);
	assert_int_equal(r.counts.unfinished, 1);
	/* Nothing comes after the last time. */
	lie_entry(5)->state = 0;
	ring->head = 6;
	assert_int_equal(read_ring(&r, &t, true), 0);
	assert_int_equal(r.counts.unfinished, 2);
	assert_int_equal(t.nr, 4);
	free(t.marks);
}

/* Reads of entries: 1 is the first copy, 2 the second; then the head. */
static void written_before_the_second(unsigned int read)
{
	if (read == 2)
		lie_entry(16)->cpu = 1;
}

static void written_before_the_first(unsigned int read)
{
	if (read == 1)
		lie_entry(0)->state = 1;
	if (read == 2)
		lie_entry(0);
}

/* The slot is the next one's by now, which has not yet said so. */
static void claimed_after_the_second(unsigned int read)
{
	if (read == 3)
		((struct tickprof_ring_ *)lie.bytes)->head = 17;
}

static void torn_entries(void **state)
{
	static void (*const changes[])(unsigned int) = {
		NULL, written_before_the_second, written_before_the_first, claimed_after_the_second,
	};
	struct taken t = { 0 };
	struct marks_ring r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		struct tickprof_ring_ *ring = lie_ring();

		lie_entry(0);
		ring->head = 1;
		assert_int_equal(marks_ring_open(&r, &lying, 0), 0);
		lie.change = changes[i];
		lie.reads = 0;
		t.nr = 0;
		assert_int_equal(read_ring(&r, &t, true), 0);
		assert_int_equal(t.nr, !changes[i]);
		assert_int_equal(lost(&r), changes[i] ? 1 : 0);
	}
	free(t.marks);
}

/* Any bytes that change all the time. */
static uint64_t seed = 1;

static uint64_t random64(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 32 | seed << 32;
}

static void scramble(unsigned int read)
{
	unsigned int i;

	for (i = 0; i < 40; i++)
		lie.bytes[64 + random64() % (sizeof(lie.bytes) - 64)] = random64() % 4 ? random64() % 3 : random64();
}

static void garbage(void **state)
{
	unsigned int round, i;

	for (round = 0; round < 20000; round++) {
		struct tickprof_ring_ *ring = lie_ring();
		struct taken t = { 0 };
		struct marks_ring r;

		for (i = 0; i < 16; i++)
			lie_entry(i);
		ring->head = random64() % 3 ? random64() % 40 : random64();
		lie.change = round % 2 ? scramble : NULL;
		if (marks_ring_open(&r, &lying, 0))
			continue;
		for (i = 0; i < 3; i++) {
			const uint64_t next = r.next;
			const int ret = read_ring(&r, &t, i == 2);

			assert_true(!ret || ret == -EBADMSG || ret == -EFAULT);
			assert_true(r.next >= next);
		}
		assert_int_equal(t.nr, r.counts.taken);
		for (i = 0; i < t.nr; i++)
			assert_int_equal(mark_check(&t.marks[i], UINT64_MAX), MARK_REFUSALS);
		free(t.marks);
	}
}

/* --- cost ---------------------------------------------------------------------------------- */

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
static volatile long instructions;

static void on_trap(int sig)
{
	instructions++;
}

static inline void step(bool on)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(on ? flags | 0x100 : flags & ~0x100ul);
}

/* In user space, from the trap flag, which stops after each; a system call is one. */
static void cost(void **state)
{
	const uint8_t id[8] = { 1 };
	struct tickprof_mark m;
	uint64_t began, ended;
	int i;

	mark(1, "POST /pay");
	signal(SIGTRAP, on_trap);
	step(true);
	tickprof_mark_begin(&m, trace, id, NULL, 0, "POST /pay");
	tickprof_mark_end(&m);
	step(false);
	signal(SIGTRAP, SIG_DFL);
	began = clock_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 100000; i++) {
		tickprof_mark_begin(&m, trace, id, NULL, 0, "POST /pay");
		tickprof_mark_end(&m);
	}
	ended = clock_ns(CLOCK_MONOTONIC);
	print_message("# begin and end: %ld instructions, %.0f ns\n", instructions,
		      (ended - began) / 1e5);
	assert_in_range(instructions, 100, 1000);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles),
		cmocka_unit_test(races),
		cmocka_unit_test(forked),
		cmocka_unit_test(what_is_marked_is_read),
		cmocka_unit_test(what_has_no_cpu_says_so),
		cmocka_unit_test(a_full_ring_overwrites_the_oldest),
		cmocka_unit_test(what_was_before),
		cmocka_unit_test(threads_at_once),
		cmocka_unit_test(no_ring),
		cmocka_unit_test(heads),
		cmocka_unit_test(contents),
		cmocka_unit_test(unfinished),
		cmocka_unit_test(torn_entries),
		cmocka_unit_test(garbage),
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(cost),
#endif
	};

	if (memory_open(&self, getpid()))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
