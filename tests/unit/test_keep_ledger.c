// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a recording of slow traces alone tells of them is what the whole recording tells of
 * them: threads made up at random that move from CPU to CPU and from trace to trace, several
 * in one at a time, with samples here and there.
 */
#include "trace_fixture.h"
#include "keep_fixture.h"

enum { THREADS = 7, CPUS = 3, TRACES = 40, STEPS = 120, THRESHOLD_MS = 20 };

static uint64_t seed = 3;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

struct happening {
	uint64_t time, ran, blocked, queued;	/* us */
	uint32_t thread, trace, waker;		/* traces: 0: none */
	uint8_t cpu;
	bool wait, end;
};

struct world {
	struct happening *all;
	size_t nr, cap;
	struct {
		uint64_t first, last;		/* sights, us */
		uint64_t start, end;		/* the span */
		/* Of the stays in it during which a record was made. */
		uint64_t from, until;
	} traces[TRACES + 1];
	struct stream s[CPUS];
	struct {
		uint64_t time;
		uint32_t trace;
	} last[THREADS];			/* its last record */
	uint64_t task[CPUS][THREADS], context[CPUS][TRACES + 1], stack[CPUS];
};

static void add(struct world *w, struct happening h)
{
	GROW(w->all, w->cap, w->nr + 1);
	w->all[w->nr++] = h;
}

static void be_in(struct world *w, uint32_t trace, uint64_t from, uint64_t to)
{
	if (!w->traces[trace].end || from < w->traces[trace].start)
		w->traces[trace].start = from;
	if (to > w->traces[trace].end)
		w->traces[trace].end = to;
}

static void stayed(struct world *w, uint32_t trace, uint64_t from, uint64_t to)
{
	if (!w->traces[trace].until || from < w->traces[trace].from)
		w->traces[trace].from = from;
	if (to > w->traces[trace].until)
		w->traces[trace].until = to;
}

/* Each trace has its time, about which threads come and go. */
static uint32_t pick_trace(uint64_t now)
{
	const uint32_t t = 1 + now / 8000 + rnd(4);

	return t > TRACES || !rnd(3) ? 0 : t;
}

static void live(struct world *w, uint32_t thread)
{
	uint64_t now = 1000 + rnd(5000), ran = 0, us, since = now;
	uint32_t trace = 0, step;
	uint8_t cpu = rnd(CPUS);
	bool saw = false;

	add(w, (struct happening) { .time = now, .queued = 5, .thread = thread, .cpu = cpu, .wait = true });
	for (step = 0; step < STEPS; step++) {
		us = 2 + rnd(700);
		be_in(w, trace, now, now + us);
		if (!rnd(4) && (saw = true))
			add(w, (struct happening) { .time = now + 1 + rnd(us - 1), .thread = thread, .trace = trace,
						    .cpu = cpu });
		now += us;
		ran += us;
		if (!rnd(3)) {
			if (saw)
				stayed(w, trace, since, now);
			trace = pick_trace(now);
			since = now;
			saw = false;
		}
		if (rnd(3))
			continue;
		us = rnd(8) ? rnd(900) : rnd(9000);
		if (!rnd(5))
			cpu = rnd(CPUS);
		add(w, (struct happening) { .time = now + us + 7, .ran = ran, .blocked = us, .queued = 7,
					    .thread = thread, .trace = trace, .cpu = cpu, .wait = true,
					    .waker = rnd(2) ? pick_trace(now) : 0 });
		be_in(w, trace, now, now + us + 7);
		now += us + 7;
		ran = 0;
		saw = true;
	}
	add(w, (struct happening) { .time = now, .ran = ran, .thread = thread, .trace = 0, .cpu = cpu,
				    .wait = true, .end = true });
}

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (int)x->thread - (int)y->thread;
}

static bool gone(const struct stream *s, uint64_t at)
{
	return at == NOWHERE || here(s) - at > KEEP_RING - 4096;
}

static uint64_t context_at(struct world *w, uint32_t cpu, uint32_t trace)
{
	struct stream *s = &w->s[cpu];

	if (gone(s, w->context[cpu][trace]))
		w->context[cpu][trace] = put_context(s, trace, trace, 1, "", 0);
	return w->context[cpu][trace];
}

static void sight(struct world *w, uint32_t trace, uint64_t from, uint64_t to)
{
	if (from < w->traces[trace].first)
		w->traces[trace].first = from;
	if (to > w->traces[trace].last)
		w->traces[trace].last = to;
}

static void put_happening(struct world *w, const struct happening *h)
{
	struct stream *s = &w->s[h->cpu];
	uint64_t *task = &w->task[h->cpu][h->thread], *stack = &w->stack[h->cpu], context = NOWHERE,
		 waker = NOWHERE;
	const uint64_t begin = h->time - h->queued - h->blocked, account = begin - h->ran,
		       last = w->last[h->thread].time, since = last ? last : account;
	struct tickprof_wait *r;

	if (gone(s, *task))
		*task = put_task(s, 50, 50 + h->thread, 2, "made-up", "made-up");
	if (gone(s, *stack))
		*stack = PUT_STACK(s, 0, APP_PAGE(4), APP_PAGE(3));
	if (h->trace)
		context = context_at(w, h->cpu, h->trace);
	if (h->waker)
		waker = context_at(w, h->cpu, h->waker);
	sight(w, h->trace, since, h->time);
	sight(w, w->last[h->thread].trace, since, begin);
	w->last[h->thread].time = h->time;
	w->last[h->thread].trace = h->trace;
	sight(w, h->waker, h->time - h->queued, h->time - h->queued);
	if (!h->wait && h->trace) {
		put_span_sample(s, TICKPROF_SAMPLE_USER, TRACE_AT + h->time * US, APP_PAGE(5), *task,
				NOWHERE, *stack, context);
	} else if (!h->wait) {
		put_sample(s, TICKPROF_SAMPLE_USER, TRACE_AT + h->time * US, APP_PAGE(5), *task, NOWHERE,
			   *stack);
	} else {
		r = trace_wait(s, h->end ? TICKPROF_WAIT_END : 0,
			       h->end ? TICKPROF_WAIT_RUNNING : TICKPROF_WAIT_SLEEPING,
			       h->time - h->queued - h->blocked, h->time - h->queued, h->time, h->ran, *task,
			       NOWHERE, *stack, context);
		if (h->waker)
			woken_in(s, r, waker);
	}
}

static struct capture *make_up(struct world *w)
{
	struct test_capture t = capture_begin();
	uint32_t i;

	memset(w, 0, sizeof(*w));
	memset(w->task, 0xff, sizeof(w->task));
	memset(w->context, 0xff, sizeof(w->context));
	memset(w->stack, 0xff, sizeof(w->stack));
	for (i = 0; i <= TRACES; i++)
		w->traces[i].first = UINT64_MAX;
	for (i = 0; i < THREADS; i++)
		live(w, i);
	qsort(w->all, w->nr, sizeof(*w->all), by_time);
	for (i = 0; i < CPUS; i++) {
		w->s[i].cpu = i;
		w->s[i].position = 4096 * (i + 1);
	}
	put_mmap(&w->s[0], 1000 * MS, 50, 2, 0x400000, 0x10000, 0, "/usr/bin/made-up");
	for (i = 0; i < w->nr; i++)
		put_happening(w, &w->all[i]);
	capture_write_meta(t.w, CAPTURE_META_SOURCE, "cpu,offcpu");
	for (i = 0; i < CPUS; i++) {
		capture_flush(&t, &w->s[i]);
		stream_deinit(&w->s[i]);
	}
	free(w->all);
	w->all = NULL;
	return capture_end(&t);
}

/* NULL: nobody tells of spans. */
static struct span_model *tell(const struct world *w, bool told)
{
	struct span_model *m = span_model_create(0);
	uint32_t i;

	for (i = 1; told && i <= TRACES; i++) {
		struct span_draft d = {
			.trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true,
			.span = {
				.start = 1700000000000000000ull + TRACE_AT - 1000 * MS +
					 w->traces[i].start * US,
				.end = 1700000000000000000ull + TRACE_AT - 1000 * MS + w->traces[i].end * US,
				.kind = SPAN_INTERNAL,
			},
		};

		if (!w->traces[i].end)
			continue;
		memset(d.trace_id, i, TRACE_ID_SIZE);
		memset(d.span.id, i, SPAN_ID_SIZE);
		assert_true(span_model_add(m, NULL, &d));
	}
	return m;
}

static struct fixture open_ledger(struct capture *c, struct span_model *m)
{
	const struct profile_options po = { .each = true };
	const struct ledger_options lo = { 0 };
	struct fixture f = fixture_open(c, m, &po);

	f.l = ledger_create(f.p, f.m, &lo);
	return f;
}

static uint32_t span_of(const struct fixture *f, uint8_t id)
{
	uint8_t trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];

	memset(trace_id, id, sizeof(trace_id));
	memset(span_id, id, sizeof(span_id));
	return span_model_find(f->m, trace_id, span_id);
}

static struct capture *filter(const struct capture *whole, struct capture_keep *counts, bool *kept)
{
	const struct keep_options options = {
		.limit = "20ms", .threshold = THRESHOLD_MS * MS, .hold = 80 * MS, .sure = 80 * MS,
		.memory = KEEP_MEMORY_MIN, .waits = true,
	};
	struct keep_run run = keep_run_begin();
	const struct capture_chunk *chunks;
	struct capture *c;
	size_t nr, i, at;

	run.k = keep_create(&options, CPUS, KEEP_RING, keep_run_sink, &run);
	assert_int_equal(keep_run_feed(&run, whole, TRACE_AT, 3 * MS, 200 * US), 0);
	c = keep_run_end(&run);
	assert_true(capture_read_keep(c, counts));
	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++)
		for (at = 0; chunks[i].type == CAPTURE_KEPT && at < chunks[i].size; at += TRACE_ID_SIZE)
			kept[((const uint8_t *)chunks[i].payload)[at]] = true;
	return c;
}

/*
 * Where nobody tells when spans began and ended, the time in which a thread went from one to
 * another is shared out by the sights of both, of which the other's may be missing.
 */
static void assert_like(const struct ledger_span *x, const struct ledger_span *y)
{
	assert_int_equal(x->self.queued, y->self.queued);
	assert_int_equal(ledger_blocked(&x->self), ledger_blocked(&y->self));
	assert_int_equal(x->self.waits, y->self.waits);
	assert_int_equal(x->samples, y->samples);
	assert_in_range(y->self.running, x->self.running - x->about, x->self.running + y->about);
}

static void assert_same(const struct fixture *a, const struct fixture *b, uint8_t id, bool told)
{
	const struct ledger_span *x = &a->l->spans[span_of(a, id)], *y = &b->l->spans[span_of(b, id)];

	assert_true(x->nr);
	if (!told)
		return assert_like(x, y);
	assert_memory_equal(&x->self, &y->self, sizeof(x->self));
	assert_memory_equal(&x->total, &y->total, sizeof(x->total));
	assert_int_equal(x->nr, y->nr);
	assert_int_equal(x->about, y->about);
	assert_int_equal(x->samples, y->samples);
	assert_int_equal(x->threads, y->threads);
	assert_int_equal(x->outside, y->outside);
}

/* By a sample or a wait of its own. */
static bool seen(const struct fixture *f, uint8_t id)
{
	const struct ledger_span *s = &f->l->spans[span_of(f, id)];
	size_t i;

	for (i = s->first; i < s->first + s->nr; i++)
		if (f->l->segments[i].entry)
			return true;
	return false;
}

static void slow_traces_are_told_in_full(void **state)
{
	uint64_t slow = 0, dropped = 0, records = 0;
	unsigned int round;

	for (round = 0; round < 200; round++) {
		bool kept[256] = { false };
		struct capture_keep counts;
		struct world w;
		struct capture *whole = make_up(&w), *part = filter(whole, &counts, kept);
		struct fixture a = open_ledger(whole, tell(&w, round % 2)),
			       b = open_ledger(part, tell(&w, round % 2));
		uint32_t i;

		for (i = 1; i <= TRACES; i++) {
			const uint64_t limit = THRESHOLD_MS * 1000;
			const bool is_slow = w.traces[i].last > w.traces[i].first &&
					     w.traces[i].last - w.traces[i].first >= limit;

			assert_int_equal(kept[i], is_slow && seen(&a, i));
			/* Whoever took so long in truth is among them, if records show it. */
			assert_true(kept[i] || w.traces[i].until - w.traces[i].from < limit);
			if (kept[i])
				assert_same(&a, &b, i, round % 2);
			slow += kept[i];
		}
		assert_int_equal(counts.traces_cut + counts.traces_missed + counts.traces_undecided, 0);
		assert_int_equal(a.p->stats.samples, capture_keep_kept(counts.samples) +
				 capture_keep_dropped(counts.samples));
		/* The record of a thread's end is no wait. */
		assert_int_equal(a.p->stats.waits + THREADS, capture_keep_kept(counts.waits) +
				 capture_keep_dropped(counts.waits));
		assert_in_range(capture_keep_kept(counts.waits), b.p->stats.waits,
				b.p->stats.waits + THREADS);
		assert_int_equal(b.p->stats.samples, capture_keep_kept(counts.samples));
		assert_int_equal(b.p->stats.unresolved_references + b.p->stats.gaps +
				 b.p->stats.decode_errors, 0);
		dropped += capture_keep_dropped(counts.waits);
		records += a.p->stats.waits;
		fixture_close(&a);
		fixture_close(&b);
	}
	/* Neither nothing nor all. */
	assert_true(slow > 200 && slow < 200 * TRACES * 9 / 10);
	assert_true(dropped > records / 10);
	printf("# %llu slow traces, %llu of %llu waits dropped\n", (unsigned long long)slow,
	       (unsigned long long)dropped, (unsigned long long)records);
}

static void copy_file(int from, const char *path)
{
	int to __close = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char buffer[4096];
	ssize_t n;

	assert_true(to >= 0);
	assert_int_equal(lseek(from, 0, SEEK_SET), 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(to, buffer, n), n);
}

/* Of the request that synthetic_trace.h draws and the trace beside it; tests/golden/keep shows the file. */
static void the_payment_request(void **state)
{
	const struct keep_options options = {
		.limit = "5ms", .threshold = 5 * MS, .hold = 2000 * MS, .sure = 2000 * MS, .memory = KEEP_MEMORY_MIN,
		.waits = true,
	};
	struct keep_run run = { .out = capture_begin() };
	int fd __close = dup(run.out.fd);
	struct capture *whole = trace_capture(), *part;
	struct fixture a, b;
	uint32_t n, same = 0;

	capture_write_meta(run.out.w, CAPTURE_META_SOURCE, "cpu,offcpu");
	capture_write_meta(run.out.w, CAPTURE_META_KEEP, "5ms");
	run.k = keep_create(&options, 4, 1 << 20, keep_run_sink, &run);
	assert_int_equal(keep_run_feed(&run, whole, TRACE_AT - 100 * MS, MS, 0), 0);
	part = keep_run_end(&run);
	copy_file(fd, TEST_OUT "/kept.data");
	a = open_ledger(whole, told_spans());
	b = open_ledger(part, told_spans());
	for (n = 1; n < a.m->nr_spans; n++) {
		const struct span_trace *t = &a.m->traces[a.m->spans[n].trace];
		const uint32_t other = span_model_find(b.m, t->id, a.m->spans[n].id);

		if (t->id[0] == 0x4b) {
			assert_memory_equal(&a.l->spans[n].total, &b.l->spans[other].total,
					    sizeof(struct ledger_time));
			assert_memory_equal(&a.l->spans[n].self, &b.l->spans[other].self,
					    sizeof(struct ledger_time));
			same += a.l->spans[n].nr > 0;
		} else if (other) {
			assert_int_equal(b.l->spans[other].nr, 0);
		}
	}
	assert_int_equal(same, 6);
	fixture_close(&a);
	fixture_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_payment_request),
		cmocka_unit_test(slow_traces_are_told_in_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
