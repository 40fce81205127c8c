// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each span's time: of the request that synthetic_trace.h draws to the nanosecond, and of
 * programs made up at random, whose every moment is known.
 */
#include "trace_fixture.h"

static struct fixture open_ledger(struct capture *c, struct span_model *m, struct ledger_options o)
{
	const struct profile_options po = { .each = true };
	struct fixture f = fixture_open(c, m, &po);

	f.l = ledger_create(f.p, f.m, &o);
	return f;
}

/* The one span whose id repeats the byte. */
static uint32_t span_of(const struct fixture *f, uint8_t id)
{
	uint32_t n;

	for (n = 1; n < f->m->nr_spans; n++)
		if (f->m->spans[n].id[0] == id)
			return n;
	fail();
	return 0;
}

static uint64_t wall(const struct ledger_time *t)
{
	return t->running + t->queued + ledger_blocked(t);
}

static void assert_time(const struct ledger_time *t, uint64_t running, uint64_t queued, uint64_t blocked)
{
	assert_int_equal(t->running, running * US);
	assert_int_equal(t->queued, queued * US);
	assert_int_equal(ledger_blocked(t), blocked * US);
}

static void a_request_to_the_nanosecond(void **state)
{
	struct fixture f = open_ledger(trace_capture(), told_spans(), (struct ledger_options) { 0 });
	const struct ledger_span *s = f.l->spans;
	const uint32_t a = span_of(&f, 0xa1), b = span_of(&f, 0xb1), c = span_of(&f, 0xc1),
		       d = span_of(&f, 0xd1), e = span_of(&f, 0xe1), format = span_of(&f, 0xf1);

	assert_time(&s[a].total, 330, 20, 6650);
	assert_time(&s[a].self, 250, 0, 0);
	assert_time(&s[b].self, 80, 20, 6650);
	assert_time(&s[d].total, 55, 5, 4990);
	assert_time(&s[e].total, 460, 10, 4500);
	assert_int_equal(s[e].total.blocked[TICKPROF_WAIT_DISK], 4500 * US);
	assert_int_equal(s[e].total.io, 4500 * US);
	assert_int_equal(s[e].total.fault, 500 * US);
	assert_int_equal(s[e].total.faults, 1);
	/* Of 6 us in short waits it is not known which of them were in the span. */
	assert_in_range(wall(&s[c].total), 6550 * US - 2, 6550 * US);
	assert_in_range(s[c].about, 1, 6 * US);
	/* It ran 100 us, waited for nothing, and no record names it. */
	assert_in_range(wall(&s[format].total), 100 * US - 2, 100 * US);
	assert_int_equal(s[format].about, 100 * US);
	assert_int_equal(s[c].samples, 1);
	assert_int_equal(s[a].about + s[b].about + s[d].about + s[e].about, 0);
	assert_int_equal(s[a].outside + s[c].outside + s[e].outside, 0);
	assert_int_equal(s[span_of(&f, 0x51)].nr, 0);
	fixture_close(&f);
}

static void shares_add_up(void **state)
{
	struct fixture f = open_ledger(trace_capture(), told_spans(), (struct ledger_options) { 0 });
	struct ledger_shares s;
	uint32_t n;

	for (n = 1; n < f.m->nr_traces; n++) {
		ledger_shares(f.l, n, &s);
		assert_int_equal(s.running + s.queued + s.blocked + s.unseen,
				 f.m->traces[n].end - f.m->traces[n].start);
	}
	ledger_shares(f.l, f.m->spans[span_of(&f, 0xa1)].trace, &s);
	assert_int_equal(s.unseen, 0);
	assert_int_equal(s.threads, 3);
	assert_int_equal(s.spans, 6);
	ledger_shares(f.l, f.m->spans[span_of(&f, 0x51)].trace, &s);
	assert_int_equal(s.spans + s.running + s.queued + s.blocked, 0);
	fixture_close(&f);
}

static void the_function_at_fault(void **state)
{
	struct fixture f = open_ledger(trace_capture(), told_spans(), (struct ledger_options) { 0 });
	struct ledger_stack *stacks;
	struct ledger_waker *wakers;
	struct ledger_blame blame;
	struct ledger_fault fault;
	size_t nr;

	stacks = ledger_stacks(f.l, span_of(&f, 0xd1), LEDGER_WAITS, &nr);
	ledger_blame(f.l, stacks, nr, &blame);
	assert_int_equal(blame.nr, 1);
	assert_string_equal(blame.rows[0].path[0], "validate_card");
	assert_string_equal(blame.rows[0].path[1], "pay");
	assert_string_equal(blame.rows[0].site, "sk_wait_data");
	assert_true(blame.rows[0].weight * 100 >= blame.total * 99);
	free(stacks);
	wakers = ledger_wakers(f.l, span_of(&f, 0xd1), &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(wakers[0].tid, 812);
	assert_int_equal(f.l->of_context[wakers[0].context], span_of(&f, 0xe1));
	assert_int_equal(wakers[0].blocked, 4990 * US);
	free(wakers);
	/* The gateway waited for the payment, and that for the validator, who waited for a disk. */
	ledger_fault(f.l, f.m->spans[span_of(&f, 0xa1)].trace, &fault);
	assert_int_equal(fault.span, span_of(&f, 0xe1));
	assert_string_equal(fault.what, "blocked");
	assert_int_equal(fault.ns, 4500 * US);
	free(ledger_stacks(f.l, span_of(&f, 0xa1), LEDGER_ENDS, &nr));
	assert_int_equal(nr, 0);
	assert_string_equal(fault.blame.rows[0].path[0], "read_ledger");
	fixture_close(&f);
}

/* Who is woken by the network's interrupt waited for its child all the same, but for 100 us. */
static void a_wait_is_its_child_s(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0 };
	struct ledger_stack *stacks;
	struct fixture f;
	uint64_t task, b1;
	size_t nr;

	task = put_task(&s, 10, 11, 2, "gateway", "gateway");
	b1 = put_context(&s, 0x4b, 0xb1, 1, "", 0);
	trace_wait(&s, TICKPROF_WAIT_IRQ, TICKPROF_WAIT_SLEEPING, 200, 6850, 6870, 50, task, NOWHERE, NOWHERE,
		   b1);
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_ledger(capture_end(&t), told_spans(), (struct ledger_options) { 0 });
	stacks = ledger_stacks(f.l, span_of(&f, 0xb1), LEDGER_ENDS, &nr);
	assert_int_equal(nr, 1);
	assert_int_equal(stacks[0].weight, 100 * US);
	free(stacks);
	fixture_close(&f);
}

/* Nothing but ids: from the first to the last sight. */
static void spans_that_nobody_told_of(void **state)
{
	struct fixture f = open_ledger(trace_capture(), span_model_create(0), (struct ledger_options) { 0 });
	const uint32_t k = span_of(&f, 0x71), d = span_of(&f, 0xd1);

	assert_true(ledger_is_sight(f.l, k));
	assert_time(&f.l->spans[k].total, 300, 50, 2000);
	assert_int_equal(span_duration(&f.m->spans[k]), 2350 * US);
	assert_int_equal(f.l->spans[k].about, 0);
	assert_time(&f.l->spans[d].total, 0, 5, 4990);
	assert_string_equal(span_resource(f.m, &f.m->spans[k])->service, "gateway");
	assert_string_equal(span_resource(f.m, &f.m->spans[d])->service, "payment");
	fixture_close(&f);
}

static void joined_by_thread_when_asked(void **state)
{
	struct fixture f = open_ledger(trace_capture(), told_spans(), (struct ledger_options) { 0 });

	assert_int_equal(f.l->spans[span_of(&f, 0x91)].nr, 0);
	assert_int_equal(f.l->by_thread, 0);
	fixture_close(&f);
	f = open_ledger(trace_capture(), told_spans(), (struct ledger_options) { .join_by_thread = true });
	assert_time(&f.l->spans[span_of(&f, 0x91)].total, 190, 10, 800);
	assert_true(f.l->spans[span_of(&f, 0x91)].by_thread);
	assert_false(f.l->spans[span_of(&f, 0xd1)].by_thread);
	assert_true(f.l->by_thread);
	fixture_close(&f);
}

/*
 * Programs made up at random: one thread, spans within spans, waits here and there. What
 * each span did is added up on the way.
 */
enum { SPANS_MAX = 60, DEPTH_MAX = 6 };

struct made_up {
	struct stream s;
	struct span_model *m;
	uint64_t now, ran, end;		/* us; end: of the record before */
	uint64_t task, context[SPANS_MAX];
	uint32_t nr, depth, stack[DEPTH_MAX + 1];
	struct {
		uint64_t start, end, running, blocked, queued;
		bool waited;
	} truth[SPANS_MAX];
};

static uint64_t seed = 7;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

static void pass(struct made_up *x, uint64_t running, uint64_t blocked, uint64_t queued)
{
	const uint32_t n = x->stack[x->depth];

	x->truth[n].running += running;
	x->truth[n].blocked += blocked;
	x->truth[n].queued += queued;
	x->truth[n].waited |= blocked || queued;
	x->now += running + blocked + queued;
}

static void made_run(struct made_up *x)
{
	const uint32_t us = 1 + rnd(400);

	pass(x, us, 0, 0);
	x->ran += us;
}

static void made_wait(struct made_up *x)
{
	const uint32_t blocked = rnd(2000), queued = 1 + rnd(50), n = x->stack[x->depth];

	trace_wait(&x->s, 0, TICKPROF_WAIT_SLEEPING, x->now, x->now + blocked, x->now + blocked + queued,
		   x->ran, x->task, NOWHERE, NOWHERE, n ? x->context[n] : NOWHERE);
	pass(x, 0, blocked, queued);
	x->ran = 0;
}

static void made_begin(struct made_up *x)
{
	const uint32_t n = ++x->nr;

	x->stack[++x->depth] = n;
	x->truth[n].start = x->now;
	x->context[n] = put_context(&x->s, 1, n, 1, "", 0);
}

static void made_end(struct made_up *x)
{
	const uint32_t n = x->stack[x->depth--];
	struct span_draft d = {
		.trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true,
		.span = {
			.start = 1700000000000000000ull + TRACE_AT - 1000 * MS + x->truth[n].start * US,
			.end = 1700000000000000000ull + TRACE_AT - 1000 * MS + x->now * US,
			.kind = SPAN_INTERNAL,
		},
	};

	memset(d.trace_id, 1, TRACE_ID_SIZE);
	memset(d.span.id, n, SPAN_ID_SIZE);
	memset(d.span.parent_id, x->stack[x->depth], SPAN_ID_SIZE);
	assert_true(span_model_add(x->m, NULL, &d));
	x->truth[n].end = x->now;
}

static struct capture *make_up(struct made_up *x)
{
	struct test_capture t = capture_begin();
	struct capture *c;

	*x = (struct made_up) { .m = span_model_create(0) };
	x->task = put_task(&x->s, 50, 50, 2, "made-up", "made-up");
	capture_write_meta(t.w, CAPTURE_META_SOURCE, "offcpu");
	made_run(x);
	made_wait(x);
	while (x->nr + 1 < SPANS_MAX || x->depth) {
		switch (rnd(5)) {
		case 0:
			made_wait(x);
			break;
		case 1:
			if (x->nr + 1 < SPANS_MAX && x->depth < DEPTH_MAX) {
				made_begin(x);
				made_run(x);
			}
			break;
		case 2:
			if (x->depth) {
				made_run(x);
				made_end(x);
				made_run(x);
			}
			break;
		default:
			made_run(x);
		}
	}
	made_run(x);
	made_wait(x);
	capture_flush(&t, &x->s);
	c = capture_end(&t);
	stream_deinit(&x->s);
	return c;
}

/* One who has waited is told to the nanosecond, and every span adds up to its wall time. */
static void made_up_programs_add_up(void **state)
{
	uint64_t seen = 0, exact = 0;
	unsigned int round;

	for (round = 0; round < 300; round++) {
		struct made_up x;
		struct capture *c = make_up(&x);
		struct fixture f = open_ledger(c, x.m, (struct ledger_options) { 0 });
		uint32_t id;

		for (id = 1; id <= x.nr; id++) {
			const struct ledger_span *s = &f.l->spans[span_of(&f, id)];

			if (!wall(&s->total))
				continue;
			seen++;
			assert_int_equal(wall(&s->total), (x.truth[id].end - x.truth[id].start) * US);
			assert_int_equal(s->self.queued, x.truth[id].queued * US);
			assert_int_equal(ledger_blocked(&s->self), x.truth[id].blocked * US);
			assert_int_equal(s->outside, 0);
			if (s->about)
				continue;
			exact++;
			assert_int_equal(s->self.running, x.truth[id].running * US);
		}
		fixture_close(&f);
	}
	/* All but those that a thread began and ended between two waits, in no other; about are those in another. */
	assert_true(seen > 300 * (SPANS_MAX - 1) * 9 / 10);
	assert_true(exact > seen * 6 / 10);
}

/* A record that is missing makes time unseen, and none the wrong span's. */
static void what_is_missing_is_unseen(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0 };
	struct span_model *m = told_spans();
	struct fixture f;
	uint64_t task, e1;

	task = put_task(&s, 812, 812, 2, "validator", "validator");
	e1 = put_context(&s, 0x4b, 0xe1, 1, "", 0);
	trace_wait(&s, 0, TICKPROF_WAIT_DISK, 1000, 2000, 2010, 5, task, NOWHERE, NOWHERE, e1);
	/* Between them another: this one tells of 100 us before it. */
	trace_wait(&s, 0, TICKPROF_WAIT_DISK, 4000, 5000, 5000, 100, task, NOWHERE, NOWHERE, e1);
	/* It ends beyond the span, at 5820. */
	trace_wait(&s, 0, TICKPROF_WAIT_DISK, 5500, 5900, 6000, 500, task, NOWHERE, NOWHERE, e1);
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_ledger(capture_end(&t), m, (struct ledger_options) { 0 });
	assert_time(&f.l->spans[span_of(&f, 0xe1)].total, 5 + 100 + 500, 10, 1000 + 1000 + 320);
	assert_int_equal(f.l->spans[span_of(&f, 0xe1)].outside, 180 * US);
	assert_int_equal(ledger_unseen(f.l, span_of(&f, 0xe1)), (4970 - 605 - 10 - 2320) * US);
	fixture_close(&f);
}

/* Without waits there is the sampler's estimate, and no more. */
static void samples_alone(void **state)
{
	struct test_capture t = capture_begin();
	struct stream s = { .cpu = 0 };
	struct fixture f;
	uint64_t task, c1;
	size_t i, nr;

	capture_write_meta(t.w, CAPTURE_META_SOURCE, "cpu");
	task = put_task(&s, 20, 21, 2, "payment", "payment");
	c1 = put_context(&s, 0x4b, 0xc1, 1, "", 0);
	for (i = 0; i < 3; i++)
		put_span_sample(&s, TICKPROF_SAMPLE_USER, TRACE_AT + (1000 + i) * US, APP_PAGE(5), task,
				NOWHERE, NOWHERE, c1);
	capture_flush(&t, &s);
	stream_deinit(&s);
	f = open_ledger(capture_end(&t), told_spans(), (struct ledger_options) { 0 });
	assert_int_equal(f.l->spans[span_of(&f, 0xc1)].total.running, 3 * f.p->period);
	assert_int_equal(f.l->spans[span_of(&f, 0xc1)].samples, 3);
	free(ledger_stacks(f.l, span_of(&f, 0xc1), LEDGER_SAMPLES, &nr));
	assert_int_equal(nr, 1);
	fixture_close(&f);
}

/* Any records at all: nothing crashes, and no span has more than its wall time in a thread. */
static void damaged_records(void **state)
{
	unsigned int i;
	size_t n, nr;

	for (i = 0; i < 400; i++) {
		struct test_capture t = capture_begin();
		struct trace_stream x = { .s = { .cpu = 0 } };
		struct fixture f;
		uint32_t span;

		i % 2 ? trace_gateway(&x) : trace_payment(&x);
		for (n = 0; n < 4; n++)
			x.s.data[rnd(x.s.size)] ^= 1 << rnd(8);
		capture_flush(&t, &x.s);
		stream_deinit(&x.s);
		f = open_ledger(capture_end(&t), i % 3 ? told_spans() : span_model_create(0),
				(struct ledger_options) { .join_by_thread = i % 5 });
		for (span = 1; span < f.m->nr_spans; span++) {
			struct ledger_part *parts = ledger_parts(f.l, span, &nr);
			struct ledger_stack *stacks = ledger_stacks(f.l, span, i % 3, &n);
			struct ledger_blame blame;
			struct ledger_shares shares;
			struct ledger_fault fault;

			ledger_blame(f.l, stacks, n, &blame);
			free(stacks);
			free(parts);
			free(ledger_wakers(f.l, span, &nr));
			ledger_shares(f.l, f.m->spans[span].trace, &shares);
			ledger_fault(f.l, f.m->spans[span].trace, &fault);
		}
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_to_the_nanosecond),
		cmocka_unit_test(shares_add_up),
		cmocka_unit_test(the_function_at_fault),
		cmocka_unit_test(a_wait_is_its_child_s),
		cmocka_unit_test(spans_that_nobody_told_of),
		cmocka_unit_test(joined_by_thread_when_asked),
		cmocka_unit_test(made_up_programs_add_up),
		cmocka_unit_test(what_is_missing_is_unseen),
		cmocka_unit_test(samples_alone),
		cmocka_unit_test(damaged_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
