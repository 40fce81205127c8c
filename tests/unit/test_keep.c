// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slow traces alone: the tables and the histogram by themselves, then the line on synthetic
 * spans of a ring. test_keep_ledger.c has what readers make of the result.
 */
#include <errno.h>

#include "capture/decode.h"
#include "keep/keep_durations.h"
#include "keep/keep_pool.h"
#include "keep/keep_traces.h"
#include "test.h"
#include "keep_fixture.h"

#define MS	1000000ull
#define HOLD	(100 * MS)
#define LIMIT	(20 * MS)

static uint64_t seed = 11;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

/* --- tables ------------------------------------------------------------------------------- */

enum { PLACES = 100, KEYS = 300 };

/* Against an array that remembers everything. */
static void a_pool_is_bounded(void **state)
{
	struct keep_pool p;
	uint32_t place_of[KEYS] = { 0 }, key_of[PLACES + 1] = { 0 }, nr = 0, i, n, key;

	keep_pool_init(&p, PLACES);
	for (i = 0; i < 100000; i++) {
		key = rnd(KEYS);
		/* Few hashes, so that they meet. */
		for (n = keep_pool_first(&p, key % 17); n; n = keep_pool_next(&p, n))
			if (key_of[n] == key)
				break;
		assert_int_equal(n, place_of[key]);
		if (n && rnd(2)) {
			keep_pool_remove(&p, n);
			place_of[key] = 0;
			nr--;
		} else if (n) {
			keep_pool_move(&p, n, rnd(KEEP_POOL_LISTS));
		} else {
			assert_int_equal(keep_pool_full(&p), nr == PLACES);
			n = keep_pool_add(&p, key % 17, rnd(KEEP_POOL_LISTS));
			assert_int_equal(!n, nr == PLACES);
			if (!n)
				continue;
			assert_in_range(n, 1, PLACES);
			place_of[key] = n;
			key_of[n] = key;
			nr++;
		}
	}
	keep_pool_deinit(&p);
}

static void a_pool_knows_the_oldest(void **state)
{
	struct keep_pool p;
	uint32_t a, b, c;

	keep_pool_init(&p, 3);
	a = keep_pool_add(&p, 1, 0);
	b = keep_pool_add(&p, 2, 0);
	c = keep_pool_add(&p, 3, 1);
	assert_int_equal(p.lists[0].oldest, a);
	assert_int_equal(keep_pool_add(&p, 4, 0), 0);
	keep_pool_move(&p, a, 0);
	assert_int_equal(p.lists[0].oldest, b);
	keep_pool_move(&p, b, 1);
	assert_int_equal(p.lists[0].oldest, a);
	assert_int_equal(p.lists[1].oldest, c);
	keep_pool_remove(&p, c);
	keep_pool_remove(&p, b);
	assert_int_equal(p.lists[1].oldest, 0);
	assert_int_equal(keep_pool_first(&p, 2), 0);
	keep_pool_deinit(&p);
}

static void assert_near(uint64_t value, double wanted, double share)
{
	assert_in_range(value, wanted * (1 - share), wanted * (1 + share));
}

static void percentiles(void **state)
{
	struct keep_durations *d = xcalloc(1, sizeof(*d));
	uint32_t i;

	assert_int_equal(keep_durations_at(d, 0.99), 0);
	for (i = 1; i <= 1000; i++)
		keep_durations_add(d, i * MS);
	assert_near(keep_durations_at(d, 0.5), 500 * MS, 0.04);
	assert_near(keep_durations_at(d, 0.99), 990 * MS, 0.04);
	assert_near(keep_durations_at(d, 0.999), 999 * MS, 0.04);
	keep_durations_add(d, 0);
	keep_durations_add(d, 31);
	keep_durations_add(d, UINT64_MAX);
	assert_true(keep_durations_at(d, 1) > UINT64_MAX / 2);
	free(d);
}

/* What is ten times as many traces back counts for nothing. */
static void percentiles_age(void **state)
{
	struct keep_durations *d = xcalloc(1, sizeof(*d));
	uint32_t i;

	for (i = 0; i < 5 * KEEP_DURATIONS_NR; i++)
		keep_durations_add(d, 100 * MS);
	assert_near(keep_durations_at(d, 0.5), 100 * MS, 0.04);
	for (i = 0; i < KEEP_DURATIONS_NR; i++)
		keep_durations_add(d, MS);
	assert_near(keep_durations_at(d, 0.5), MS, 0.04);
	assert_near(keep_durations_at(d, 0.999), 100 * MS, 0.04);
	for (i = 0; i < 10 * KEEP_DURATIONS_NR; i++)
		keep_durations_add(d, MS);
	assert_near(keep_durations_at(d, 0.999), MS, 0.04);
	assert_true(d->weight < KEEP_DURATIONS_NR);
	free(d);
}

static uint32_t trace(struct keep_traces *t, uint32_t id)
{
	uint8_t bytes[16] = { 1 };

	memcpy(bytes + 4, &id, sizeof(id));
	return keep_traces_get(t, bytes);
}

static bool slow(struct keep_traces *t, uint32_t n)
{
	return keep_traces_slow(t, keep_traces_ref(t, n));
}

static void a_trace_is_slow_from_then_on(void **state)
{
	struct capture_keep counts = { 0 };
	struct keep_traces *t = keep_traces_create(10, LIMIT, 0, &counts);
	uint32_t a = trace(t, 1), b = trace(t, 2);

	assert_int_not_equal(a, b);
	assert_int_equal(trace(t, 1), a);
	assert_false(slow(t, a));
	keep_traces_sight(t, a, 1000 * MS, 1000 * MS);
	keep_traces_sight(t, a, 1010 * MS, 1000 * MS + LIMIT - 1);
	assert_false(slow(t, a));
	/* What it did before is told later. */
	keep_traces_sight(t, a, 1000 * MS - 1, 1001 * MS);
	assert_true(slow(t, a));
	assert_false(slow(t, b));
	keep_traces_destroy(t);
}

static void by_percentile_all_are_slow_at_first(void **state)
{
	struct capture_keep counts = { 0 };
	struct keep_traces *t = keep_traces_create(1000, 0, 0.9, &counts);
	uint32_t i, n, kept = 0;

	for (i = 0; i < 600; i++) {
		n = trace(t, i);
		keep_traces_hold(t, n);
		keep_traces_sight(t, n, i * MS, i * MS + (1 + i * 37 % 100) * MS);
		if (slow(t, n)) {
			keep_traces_kept(t, n);
			kept += i >= KEEP_TRACES_LEARN;
		} else {
			assert_true(i >= KEEP_TRACES_LEARN);
			keep_traces_dropped(t, n, false);
		}
		keep_traces_release(t, n);
	}
	assert_int_equal(counts.traces_learning, KEEP_TRACES_LEARN);
	assert_in_range(kept, 40, 60);
	assert_int_equal(counts.traces_kept, KEEP_TRACES_LEARN + kept);
	assert_int_equal(counts.traces_dropped, 500 - kept);
	assert_near(keep_traces_threshold(t), 90 * MS, 0.05);
	keep_traces_destroy(t);
}

/* Fast ones that nobody waits for go first, held ones never. */
static void places_are_few(void **state)
{
	struct capture_keep counts = { 0 };
	struct keep_traces *t = keep_traces_create(3, LIMIT, 0, &counts);
	const uint32_t a = trace(t, 1), b = trace(t, 2), c = trace(t, 3);
	const struct keep_trace_ref gone = keep_traces_ref(t, c);

	keep_traces_hold(t, a);
	keep_traces_hold(t, b);
	keep_traces_sight(t, b, 0, LIMIT);
	keep_traces_kept(t, b);
	keep_traces_release(t, b);
	assert_int_equal(trace(t, 4), c);
	assert_false(keep_traces_slow(t, gone));
	assert_int_equal(counts.traces_forgotten, 0);
	keep_traces_hold(t, c);
	assert_true(slow(t, b));
	/* Only the slow one is left to be forgotten, which is counted. */
	assert_int_equal(trace(t, 5), b);
	assert_int_equal(counts.traces_forgotten, 1);
	assert_false(slow(t, b));
	keep_traces_hold(t, b);
	assert_int_equal(trace(t, 6), 0);
	keep_traces_destroy(t);
}

static void too_late_is_told(void **state)
{
	struct capture_keep counts = { 0 };
	struct keep_traces *t = keep_traces_create(10, LIMIT, 0, &counts);
	const uint32_t a = trace(t, 1);
	size_t size;

	keep_traces_hold(t, a);
	keep_traces_sight(t, a, 0, MS);
	keep_traces_dropped(t, a, false);
	keep_traces_release(t, a);
	assert_int_equal(counts.traces_dropped, 1);
	keep_traces_sight(t, a, 0, LIMIT);
	assert_int_equal(counts.traces_dropped, 0);
	assert_int_equal(counts.traces_missed, 1);
	/* More comes of it. */
	keep_traces_hold(t, a);
	keep_traces_kept(t, a);
	keep_traces_release(t, a);
	assert_int_equal(counts.traces_missed, 0);
	assert_int_equal(counts.traces_kept, 1);
	assert_int_equal(counts.traces_cut, 1);
	keep_traces_news(t, &size);
	assert_int_equal(size, 16);
	keep_traces_news(t, &size);
	assert_int_equal(size, 0);
	keep_traces_destroy(t);
}

/* --- the line ----------------------------------------------------------------------------- */

struct line {
	struct keep_run run;
	struct stream s;
	uint64_t now, task, context[256];
};

static const struct keep_options limit_options = {
	.limit = "20ms", .threshold = LIMIT, .hold = HOLD, .sure = HOLD, .memory = 4 << 20, .waits = true,
};

static void line_begin(struct line *l, const struct keep_options *options)
{
	*l = (struct line) { .run = keep_run_begin(), .s.position = 4096, .now = 1000 * MS };
	l->run.k = keep_create(options, 1, KEEP_RING, keep_run_sink, &l->run);
	memset(l->context, 0xff, sizeof(l->context));
	l->task = NOWHERE;
}

/* What was put into the ring is taken, and time goes on. */
static int line_round(struct line *l, uint64_t ns)
{
	const struct reader_span span = {
		.position = l->s.position, .data = l->s.data, .size = l->s.size,
	};

	keep_round(l->run.k, l->now);
	if (l->s.size && keep_take(l->run.k, &span))
		abort();
	l->s.position += l->s.size;
	l->s.size = 0;
	if (keep_held(l->run.k) > l->run.most_held)
		l->run.most_held = keep_held(l->run.k);
	l->now += ns;
	return keep_settle(l->run.k);
}

static const struct capture_keep *line_counts(struct line *l)
{
	return keep_counts(l->run.k);
}

static struct capture *line_end(struct line *l)
{
	assert_int_equal(keep_finish(l->run.k), 0);
	stream_deinit(&l->s);
	return keep_run_end(&l->run);
}

static bool gone(const struct stream *s, uint64_t at)
{
	return at == NOWHERE || here(s) - at > KEEP_RING - 4096;
}

/* A wait of that length that ends now. trace 0: none. tid: the thread. */
static struct tickprof_wait *put_now(struct line *l, uint32_t tid, uint8_t trace_id, uint64_t ns)
{
	uint64_t context = NOWHERE, at, stack;
	struct tickprof_wait *r;
	const uint64_t left = KEEP_RING - (here(&l->s) & (KEEP_RING - 1));

	/* As the module does: no record wraps. */
	if (left < 1024)
		put(&l->s, TICKPROF_RECORD_PAD, 0, left);
	l->task = put_task(&l->s, tid, tid, 2, "app", "app");
	if (trace_id) {
		if (gone(&l->s, l->context[trace_id]))
			l->context[trace_id] = put_context(&l->s, trace_id, trace_id, 1, "", 0);
		context = l->context[trace_id];
	}
	stack = PUT_STACK(&l->s, 0, 0x400000 + tid, 0x401000, 0x402000);
	at = here(&l->s);
	r = put_wait(&l->s, 0, l->now, TICKPROF_WAIT_SLEEPING, l->task, NOWHERE, stack);
	r->blocked = ns;
	r->context = context == NOWHERE ? 0 : at - context;
	return r;
}

struct found {
	uint64_t waits, samples, of_trace[256], untraced, stacks, events;
	struct decode_stats stats;
	struct decode *d;
};

static void found_event(void *ctx, const struct tickprof_record *record, bool snapshot)
{
	struct found *f = ctx;

	f->events += record->type != TICKPROF_RECORD_TASK;
}

static void found_context(struct found *f, uint32_t context)
{
	if (context)
		f->of_trace[decode_context(f->d, context)->trace_id[0]]++;
	else
		f->untraced++;
}

static void found_sample(void *ctx, const struct decode_sample *s)
{
	struct found *f = ctx;

	f->samples++;
	found_context(f, s->context);
}

/* Its stack is that of its thread, be it written anew or not. */
static void found_wait(void *ctx, const struct decode_wait *w)
{
	struct found *f = ctx;

	f->waits++;
	found_context(f, w->context);
	if (w->task && w->ustack)
		assert_int_equal(decode_stack(f->d, w->ustack)->ip[0],
				 0x400000 + decode_task(f->d, w->task)->tid);
}

static struct found look(const struct capture *c)
{
	struct found f = { .d = decode_create(c) };

	decode_events(f.d, found_event, &f);
	decode_samples(f.d, found_sample, found_wait, &f);
	f.stats = *decode_stats(f.d);
	f.stacks = decode_nr_stacks(f.d);
	assert_int_equal(f.stats.gaps + f.stats.errors, 0);
	decode_destroy(f.d);
	return f;
}

static void only_slow_ones_are_kept(void **state)
{
	struct line l;
	struct capture *c;
	struct found f;
	int i;

	line_begin(&l, &limit_options);
	put_mmap(&l.s, 1000 * MS, 10, 2, 0x400000, 0x10000, 0, "/usr/bin/app");
	put_now(&l, 10, 1, 2 * MS);
	put_now(&l, 11, 2, 2 * MS);
	put_now(&l, 12, 0, 90 * MS);
	for (i = 0; i < 10; i++)
		line_round(&l, 3 * MS);
	/* Trace 1 goes on, in another thread. */
	put_now(&l, 13, 1, MS);
	line_round(&l, HOLD);
	assert_int_equal(line_counts(&l)->traces_kept, 0);
	line_round(&l, HOLD);
	line_round(&l, HOLD);
	assert_int_equal(line_counts(&l)->traces_kept, 1);
	assert_int_equal(line_counts(&l)->traces_dropped, 1);
	assert_int_equal(line_counts(&l)->waits[KEEP_SLOW], 2);
	assert_int_equal(line_counts(&l)->waits[KEEP_DROP_FAST], 1);
	assert_int_equal(line_counts(&l)->waits[KEEP_DROP_UNTRACED], 1);
	assert_int_equal(keep_held(l.run.k), 0);
	c = line_end(&l);
	f = look(c);
	assert_int_equal(f.waits, 2);
	assert_int_equal(f.of_trace[1], 2);
	assert_int_equal(f.events, 1);
	/* Neither the records that were dropped nor their stacks take room. */
	assert_int_equal(f.stacks, 2);
	assert_int_equal(f.stats.unresolved, 0);
	capture_close(c);
}

/* What stands in line is not written yet, and is written once its time has come. */
static void the_hold_time(void **state)
{
	struct line l;
	int i;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 1, LIMIT);
	line_round(&l, MS);
	for (i = 0; i < 99; i++) {
		assert_int_equal(line_counts(&l)->waits[KEEP_SLOW], 0);
		line_round(&l, MS);
	}
	line_round(&l, MS);
	line_round(&l, MS);
	assert_int_equal(line_counts(&l)->waits[KEEP_SLOW], 1);
	capture_close(line_end(&l));
}

/* The thread's records around a slow trace's are needed for its account. */
static void neighbours_are_kept(void **state)
{
	struct line l;
	struct capture *c;
	struct found f;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 0, MS);		/* too far away */
	line_round(&l, 5 * MS);
	put_now(&l, 10, 2, MS);		/* before: of a fast trace */
	line_round(&l, 40 * MS);
	put_now(&l, 10, 1, 30 * MS);	/* slow */
	line_round(&l, 5 * MS);
	put_now(&l, 10, 0, MS);		/* after */
	line_round(&l, 5 * MS);
	put_now(&l, 10, 0, MS);
	line_round(&l, 5 * MS);
	c = line_end(&l);
	f = look(c);
	assert_int_equal(f.waits, 3);
	assert_int_equal(f.of_trace[1], 1);
	assert_int_equal(f.of_trace[2], 1);
	assert_int_equal(f.untraced, 1);
	capture_close(c);
}

/* A wait closes the account of all samples since the wait before. */
static void the_wait_behind_samples_is_kept(void **state)
{
	struct line l;
	struct capture *c;
	struct capture_keep k;
	struct found f;
	uint64_t task;
	int i;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 0, MS);
	task = l.task;
	l.context[1] = put_context(&l.s, 1, 1, 1, "", 0);
	for (i = 0; i < 6; i++) {
		l.now += 6 * MS;
		if (i < 5)
			put_span_sample(&l.s, TICKPROF_SAMPLE_USER, l.now, 0x400100, task, NOWHERE, NOWHERE,
					l.context[1]);
		else
			put_sample(&l.s, TICKPROF_SAMPLE_USER, l.now, 0x400100, task, NOWHERE, NOWHERE);
	}
	put_sample(&l.s, TICKPROF_SAMPLE_USER, l.now + 1, 0x400100, task, NOWHERE, NOWHERE);
	l.now += MS;
	put_now(&l, 10, 0, MS / 2);
	line_round(&l, MS);
	c = line_end(&l);
	f = look(c);
	/* The slow ones, the one before and the one after them, and the wait that closes. */
	assert_int_equal(f.samples, 6);
	assert_int_equal(f.waits, 2);
	assert_true(capture_read_keep(c, &k));
	assert_int_equal(k.samples[KEEP_SLOW], 5);
	assert_int_equal(k.samples[KEEP_BESIDE], 1);
	assert_int_equal(k.samples[KEEP_DROP_UNTRACED], 1);
	assert_int_equal(k.waits[KEEP_BESIDE], 2);
	capture_close(c);
}

static void untraced_when_asked(void **state)
{
	struct keep_options options = limit_options;
	struct line l;
	struct capture *c;
	struct found f;

	options.untraced = true;
	line_begin(&l, &options);
	put_now(&l, 10, 0, MS);
	put_now(&l, 11, 1, MS);
	line_round(&l, MS);
	c = line_end(&l);
	f = look(c);
	assert_int_equal(f.waits, 1);
	assert_int_equal(f.untraced, 1);
	capture_close(c);
}

/* A thread that wakes another is at work for its trace; so is what a span tells. */
static void other_sights(void **state)
{
	struct line l;
	struct tickprof_wait *w;
	uint8_t id[16];
	uint64_t at;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 1, MS);
	put_now(&l, 10, 2, MS);
	line_round(&l, 30 * MS);
	w = put_now(&l, 11, 0, MS);
	at = l.s.position + ((char *)w - l.s.data);
	w->waker_context = at - l.context[1];
	line_round(&l, 5 * MS);
	memset(id, 2, sizeof(id));
	keep_span(l.run.k, id, 900 * MS, 990 * MS);
	line_round(&l, 5 * HOLD);
	line_round(&l, 5 * HOLD);
	assert_int_equal(line_counts(&l)->traces_kept, 2);
	capture_close(line_end(&l));
}

static void memory_is_bounded(void **state)
{
	struct keep_options options = limit_options;
	const struct capture_keep *k;
	struct line l;
	uint64_t written;
	struct capture *c;
	struct found f;
	int i;

	options.memory = KEEP_MEMORY_MIN;
	options.hold = 3600 * 1000 * MS;
	line_begin(&l, &options);
	for (i = 0; i < 20000; i++) {
		/* Trace 1 is slow soon, and all the time; the others never are. */
		put_now(&l, 10 + i % 7, i % 10 ? 2 + i % 200 : 1, MS / 10);
		line_round(&l, MS / 50);
	}
	k = line_counts(&l);
	assert_in_range(l.run.most_held, KEEP_MEMORY_MIN / 2, KEEP_MEMORY_MIN);
	assert_true(k->waits[KEEP_SLOW] > 500);
	written = k->waits[KEEP_SLOW] + k->waits[KEEP_BESIDE];
	c = line_end(&l);
	f = look(c);
	assert_true(f.waits > written);
	assert_int_equal(f.stats.unresolved, 0);
	capture_close(c);
}

/* What goes before its time and is not slow by then is neither fast nor of no trace. */
static void what_goes_early_is_undecided(void **state)
{
	struct keep_options options = limit_options;
	const struct capture_keep *k;
	struct line l;
	int i;

	options.memory = KEEP_MEMORY_MIN;
	line_begin(&l, &options);
	put_now(&l, 10, 1, MS);
	line_round(&l, MS);
	for (i = 0; i < 20000; i++)
		put_now(&l, 11, 0, 100);
	line_round(&l, MS);
	k = line_counts(&l);
	assert_int_equal(k->waits[KEEP_DROP_UNDECIDED], 1);
	assert_int_equal(k->traces_undecided, 1);
	assert_int_equal(k->traces_dropped, 0);
	/* It turns out slow after all. */
	l.now += LIMIT;
	put_now(&l, 10, 1, MS);
	line_round(&l, 5 * HOLD);
	line_round(&l, 5 * HOLD);
	assert_int_equal(k->traces_undecided, 0);
	assert_int_equal(k->traces_kept, 1);
	assert_int_equal(k->traces_cut, 1);
	capture_close(line_end(&l));
}

/* Of whom nothing more came for long it is known, be memory short. */
static void what_goes_late_is_decided(void **state)
{
	struct keep_options options = limit_options;
	const struct capture_keep *k;
	struct line l;
	int i;

	options.memory = KEEP_MEMORY_MIN;
	options.sure = 2 * LIMIT;
	line_begin(&l, &options);
	put_now(&l, 10, 1, MS);
	line_round(&l, 2 * LIMIT);
	line_round(&l, MS);
	put_now(&l, 10, 2, MS);
	for (i = 0; i < 20000; i++)
		put_now(&l, 11, 0, 100);
	line_round(&l, MS);
	k = line_counts(&l);
	assert_int_equal(k->waits[KEEP_DROP_FAST], 1);
	assert_int_equal(k->traces_dropped, 1);
	assert_int_equal(k->waits[KEEP_DROP_UNDECIDED], 1);
	assert_int_equal(k->traces_undecided, 1);
	capture_close(line_end(&l));
}

static void under_way_at_the_end(void **state)
{
	struct capture_keep k;
	struct line l;
	struct capture *c;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 1, MS)->hdr.flags |= TICKPROF_WAIT_OPEN;
	put_now(&l, 11, 2, MS);
	put_now(&l, 12, 3, LIMIT)->hdr.flags |= TICKPROF_WAIT_OPEN;
	line_round(&l, MS);
	c = line_end(&l);
	assert_true(capture_read_keep(c, &k));
	assert_int_equal(k.traces_undecided, 1);
	assert_int_equal(k.traces_dropped, 1);
	assert_int_equal(k.traces_kept, 1);
	assert_int_equal(k.waits[KEEP_DROP_UNDECIDED], 1);
	capture_close(c);
}

/* A ring's lengths long: what is far back is written again, and nobody's stack is another's. */
static void laps_of_the_ring(void **state)
{
	struct line l;
	struct capture *c;
	struct found f;
	int i;

	line_begin(&l, &limit_options);
	for (i = 0; i < 5000; i++) {
		put_now(&l, 10 + i % 5, 1 + i % 3, MS / 10);
		line_round(&l, 2 * MS);
	}
	assert_true(l.s.position > 10 * KEEP_RING);
	c = line_end(&l);
	f = look(c);
	/* Each is slow from its 20th ms on, and was still in line by then. */
	assert_int_equal(f.waits, 5000);
	assert_int_equal(f.stats.unresolved, 0);
	capture_close(c);
}

/* A reference to nothing stays one, for readers to count. */
static void what_was_unresolved_stays_so(void **state)
{
	struct line l;
	struct capture *c;

	line_begin(&l, &limit_options);
	put_now(&l, 10, 1, LIMIT)->kstack = 16;
	line_round(&l, MS);
	c = line_end(&l);
	assert_int_equal(look(c).stats.unresolved, 1);
	capture_close(c);
}

static void a_full_disk_is_told(void **state)
{
	struct line l;

	line_begin(&l, &limit_options);
	l.run.refuse = -ENOSPC;
	put_now(&l, 10, 1, LIMIT);
	assert_int_equal(line_round(&l, 2 * HOLD), 0);
	assert_int_equal(line_round(&l, MS), -ENOSPC);
	l.run.refuse = 0;
	capture_close(line_end(&l));
}

/* The counts go into the capture and come back. */
static void counts_are_kept(void **state)
{
	struct capture_keep k, all = { 0 };
	char *lines[CAPTURE_KEEP_LINES];
	struct test_capture t = capture_begin();
	struct capture *c;
	size_t i, nr;

	for (i = offsetof(struct capture_keep, threshold) / 8; i < sizeof(all) / 8; i++)
		((uint64_t *)&all)[i] = 1000 + i;
	capture_write_meta(t.w, CAPTURE_META_KEEP, "p99");
	strcpy(all.limit, "p99");
	all.complete = true;
	capture_write_keep(t.w, &all);
	c = capture_end(&t);
	assert_true(capture_read_keep(c, &k));
	assert_memory_equal(&k, &all, sizeof(k));
	nr = capture_keep_text(&k, lines);
	assert_int_equal(nr, CAPTURE_KEEP_LINES);
	for (i = 0; i < nr; i++)
		free(lines[i]);
	capture_close(c);
	/* Whatever stands there is fit to be printed. */
	t = capture_begin();
	capture_write_meta(t.w, CAPTURE_META_KEEP, "5\033[2Jms and so on, for longer than there is room");
	c = capture_end(&t);
	assert_true(capture_read_keep(c, &k));
	assert_false(k.complete);
	assert_string_equal(k.limit, "5?[2Jms?and?so?on,?for?longer?t");
	assert_int_equal(capture_keep_text(&k, lines), 1);
	free(lines[0]);
	capture_close(c);
	t = capture_begin();
	c = capture_end(&t);
	assert_false(capture_read_keep(c, &k));
	capture_close(c);
}

/* Any records at all whose sizes add up, which is what the reader sees to. */
static void damaged_records(void **state)
{
	struct keep_options options = limit_options;
	int i, n;

	options.hold = 10 * MS;
	for (i = 0; i < 300; i++) {
		struct line l;

		line_begin(&l, &options);
		for (n = 0; n < 60; n++) {
			const struct tickprof_record *r;
			size_t at, flips;

			put_now(&l, 10 + rnd(4), rnd(6), rnd(30) * MS);
			for (flips = rnd(6); flips; flips--) {
				at = rnd(l.s.size);
				/* Anything but sizes. */
				if (at % 8 < 4 || at < 40)
					l.s.data[at] ^= 1 << rnd(8);
			}
			for (at = 0; at < l.s.size; at += r->size) {
				r = (const void *)(l.s.data + at);
				if (r->size < sizeof(*r) || r->size % 8 || r->size > l.s.size - at) {
					l.s.size = at;
					break;
				}
			}
			line_round(&l, 2 * MS);
		}
		keep_finish(l.run.k);
		stream_deinit(&l.s);
		capture_close(keep_run_end(&l.run));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_is_bounded),
		cmocka_unit_test(a_pool_knows_the_oldest),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(percentiles_age),
		cmocka_unit_test(a_trace_is_slow_from_then_on),
		cmocka_unit_test(by_percentile_all_are_slow_at_first),
		cmocka_unit_test(places_are_few),
		cmocka_unit_test(too_late_is_told),
		cmocka_unit_test(only_slow_ones_are_kept),
		cmocka_unit_test(the_hold_time),
		cmocka_unit_test(neighbours_are_kept),
		cmocka_unit_test(the_wait_behind_samples_is_kept),
		cmocka_unit_test(untraced_when_asked),
		cmocka_unit_test(other_sights),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(what_goes_early_is_undecided),
		cmocka_unit_test(what_goes_late_is_decided),
		cmocka_unit_test(under_way_at_the_end),
		cmocka_unit_test(laps_of_the_ring),
		cmocka_unit_test(what_was_unresolved_stays_so),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(counts_are_kept),
		cmocka_unit_test(damaged_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
