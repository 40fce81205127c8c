// SPDX-License-Identifier: GPL-2.0-only
/* The model of spans: what it takes, the trees it makes, what is chosen and how it is shown. */
#include <malloc.h>

#include "span/span_id.h"
#include "spans_fixture.h"

static void ids(void **state)
{
	static const uint8_t trace[] = { 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
					 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36 };
	static const struct {
		const char *text;
		size_t size;
		bool good, good_short;
	} rows[] = {
		{ "4bf92f3577b34da6a3ce929d0e0e4736", 16, true, true },
		{ "4BF92F3577B34DA6A3CE929D0E0E4736", 16, true, true },
		{ "S/kvNXezTaajzpKdDg5HNg==", 16, true, false },
		{ "S_kvNXezTaajzpKdDg5HNg==", 16, true, false },
		{ "S/kvNXezTaajzpKdDg5HNg", 16, true, false },
		{ "4bf92f3577b34da6", 8, true, true },
		{ "S/kvNXezTaY=", 8, true, false },
		{ "S/kvNXezTaY", 8, true, false },
		/* one digit short, one too many, a bit too many, another alphabet */
		{ "4bf92f3577b34da6a3ce929d0e0e473", 16, false, true },
		{ "4bf92f3577b34da6a3ce929d0e0e47361", 16, false, false },
		{ "4bf92f3577b34da6a3ce929d0e0e473g", 16, false, false },
		{ "S/kvNXezTaajzpKdDg5HNh==", 16, false, false },
		{ "S/kvNXezTaajzpKdDg5HNg=", 16, true, false },
		{ "S/kvNXezTaajzpKdDg5HNg===", 16, false, false },
		{ "S/kvNXezTaajzpKdDg5H==", 16, false, false },
		{ "S/kvNXezTaajzpKdDg5HN===", 16, false, false },
		{ "S/kv NXezTaajzpKdDg5HNg=", 16, false, false },
		{ "========================", 16, false, false },
		{ "4bf92f3577b34da", 8, false, true },
		{ "", 16, false, false },
		{ "", 8, false, false },
	};
	uint8_t id[TRACE_ID_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool good = span_id_parse(rows[i].text, strlen(rows[i].text), id, rows[i].size);

		if (good != rows[i].good)
			print_message("id '%s'\n", rows[i].text);
		assert_int_equal(good, rows[i].good);
		if (good)
			assert_memory_equal(id, trace, rows[i].size);
		assert_int_equal(span_id_parse_short(rows[i].text, strlen(rows[i].text), id,
						     rows[i].size), rows[i].good_short);
	}
	assert_true(span_id_parse_short("abc", 3, id, 8));
	assert_memory_equal(id, "\0\0\0\0\0\0\x0a\xbc", 8);
}

/* Children that overlap, outlive their parent, or have no time. */
static void self_times(void **state)
{
	struct span_model *m = span_model_create(0);
	uint32_t root = add_span(m, 1, 1, 0, 100, 1100);

	add_span(m, 1, 2, 1, 200, 400);
	add_span(m, 1, 3, 1, 300, 500);		/* with 2: 200 to 500 */
	add_span(m, 1, 4, 1, 350, 450);		/* within */
	add_span(m, 1, 5, 1, 50, 150);		/* began before: 100 to 150 */
	add_span(m, 1, 6, 1, 1000, 2000);	/* outlives it: 1000 to 1100 */
	add_span(m, 1, 7, 1, 3000, 4000);	/* never within */
	add_span(m, 1, 8, 1, 700, 600);		/* makes no sense */
	add_span(m, 1, 9, 2, 200, 400);		/* a child's child, all of it */
	check_model(m);
	assert_int_equal(m->spans[root].self, 1000 - 300 - 50 - 100);
	assert_int_equal(m->spans[2].self, 0);
	assert_int_equal(m->problems[SPAN_PROBLEM_BACKWARD].count, 1);
	assert_int_equal(m->traces[1].start, BASE + 50);
	assert_int_equal(m->traces[1].end, BASE + 4000);
	span_model_destroy(m);
}

static void left_out(void **state)
{
	static const struct span_place at = { .file = "file", .line = 3, .offset = 4 };
	struct span_draft d = { .trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true };
	struct span_model *m = span_model_create(0);

	assert_int_equal(span_model_add(m, &at, &d), 0);	/* zeros */
	d.trace_id[3] = 1;
	assert_int_equal(span_model_add(m, &at, &d), 0);
	d.span.id[3] = 1;
	d.trace_id_ok = false;
	assert_int_equal(span_model_add(m, &at, &d), 0);
	d.trace_id_ok = true;
	d.span_id_ok = false;
	assert_int_equal(span_model_add(m, &at, &d), 0);
	assert_int_equal(m->problems[SPAN_PROBLEM_TRACE_ID].count, 2);
	assert_int_equal(m->problems[SPAN_PROBLEM_SPAN_ID].count, 2);
	assert_string_equal(m->problems[SPAN_PROBLEM_SPAN_ID].first, "file line 3, byte 5");
	assert_int_equal(add_span(m, 1, 1, 0, 1, 2), 1);
	assert_int_equal(add_span(m, 1, 1, 0, 1, 2), 0);
	assert_int_equal(add_span(m, 1, 1, 0, 1, 3), 0);
	assert_int_equal(add_span(m, 1, 1, 7, 1, 2), 0);
	assert_int_equal(add_span(m, 2, 1, 0, 1, 2), 2);	/* another trace */
	assert_int_equal(m->problems[SPAN_PROBLEM_DUPLICATE].count, 1);
	assert_int_equal(m->problems[SPAN_PROBLEM_CONFLICT].count, 2);
	assert_int_equal(span_model_left_out(m), 7);
	assert_int_equal(m->nr_traces, 3);
	check_model(m);
	span_model_destroy(m);
}

/* Looking for what is not there must not fill the index. */
static void look_ups(void **state)
{
	struct span_model *m = span_model_create(0);
	uint8_t trace[TRACE_ID_SIZE] = { 9 }, span[SPAN_ID_SIZE] = { 9 };
	size_t before;
	unsigned int i;

	add_span(m, 1, 1, 0, 1, 2);
	before = mallinfo2().uordblks;		/* 0 with a sanitizer's malloc() */
	for (i = 0; i < 100000; i++) {
		memcpy(trace, &i, 4);
		memcpy(span, &i, 4);
		assert_int_equal(span_model_find_trace(m, trace), 0);
		assert_int_equal(span_model_find(m, m->traces[1].id, span), 0);
	}
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(add_span(m, 1, 2, 1, 1, 2), 2);
	check_model(m);
	span_model_destroy(m);
}

static void circles(void **state)
{
	struct span_model *m = span_model_create(0);
	unsigned int i;

	add_span(m, 1, 1, 1, 1, 9);		/* its own parent */
	for (i = 0; i < 5; i++)			/* 10 to 14 in a ring, 12 starting first */
		add_span(m, 2, 10 + i, 10 + (i + 1) % 5, 10 + (i + 3) % 5, 99);
	add_span(m, 2, 20, 14, 30, 40);		/* a tail that leads into it */
	add_span(m, 2, 21, 20, 30, 40);
	check_model(m);
	check_model(m);				/* again, as after more came */
	assert_int_equal(m->problems[SPAN_PROBLEM_CYCLE].count, 2);
	assert_int_equal(m->spans[m->traces[2].root].id[SPAN_ID_SIZE - 4], 12);
	assert_int_equal(m->traces[2].nr_orphans, 1);
	span_model_destroy(m);
}

/* As deep as it gets: nothing recurses. The children come before their parents. */
static void deep_chain(void **state)
{
	enum { DEPTH = 300000 };
	struct span_model *m = span_model_create(0);
	FILE *null = fopen("/dev/null", "w");
	uint32_t i;

	for (i = DEPTH; i; i--)
		add_span(m, 1, i, i - 1, i, 2 * DEPTH - i);
	check_model(m);
	assert_int_equal(m->spans[1].depth, DEPTH - 1);
	assert_int_equal(m->traces[1].nr_orphans, 0);
	trace_view_tree(m, &m->traces[1], null);
	fclose(null);
	span_model_destroy(m);
}

static void more_comes(void **state)
{
	struct span_model *m = span_model_create(0);

	add_span(m, 1, 2, 1, 20, 30);
	check_model(m);
	assert_int_equal(m->traces[1].nr_orphans, 1);
	add_span(m, 1, 1, 0, 10, 40);
	check_model(m);
	assert_int_equal(m->traces[1].nr_orphans, 0);
	assert_int_equal(m->traces[1].root, 2);
	assert_int_equal(m->spans[1].depth, 1);
	span_model_destroy(m);
}

/* What does not fit is counted, and whole spans only come in. */
static void limit(void **state)
{
	static const struct span_place at = { .file = "test" };
	struct span_model *m = span_model_create(64 << 10);
	char name[32];
	uint32_t i;

	for (i = 1; i <= 2000; i++) {
		snprintf(name, sizeof(name), "a name of its own %u", i);
		span_model_text(m, &at, name, strlen(name));
		add_span(m, 1 + i / 2, i, 0, i, i + 1);
	}
	assert_in_range(m->nr_spans, 150, 400);
	assert_int_equal(m->nr_spans - 1 + m->problems[SPAN_PROBLEM_FULL].count, 2000);
	for (i = 1; i < m->nr_spans; i++)
		assert_string_equal(m->spans[i].name, "name");
	assert_int_equal(span_model_resource(m), 0);
	check_model(m);
	span_model_destroy(m);
}

static void texts(void **state)
{
	static const struct span_place at = { .file = "test" };
	struct span_model *m = span_model_create(0);
	char longer[1100];
	const char *text;

	assert_string_equal(span_model_text(m, &at, "a\tb\033[1m\x7f", 8), "a?b?[1m?");
	assert_string_equal(span_model_text(m, &at, "gr\xc3\xbc\xc3\x9f", 6), "gr\xc3\xbc\xc3\x9f");
	assert_string_equal(span_model_text(m, &at, "\xc2\x9b" "31m", 5), "??31m");	/* CSI in UTF-8 */
	assert_int_equal(m->problems[SPAN_PROBLEM_NOT_UTF8].count, 0);
	assert_string_equal(span_model_text(m, &at, "x\xffy\xc3", 4), "x?y?");
	assert_string_equal(span_model_text(m, &at, "a\0b", 3), "a?b");
	assert_int_equal(m->problems[SPAN_PROBLEM_NOT_UTF8].count, 1);
	/* Cut before a character that would be cut in two. */
	memset(longer, 'x', sizeof(longer));
	memcpy(longer + 1022, "\xc3\xbc", 2);
	text = span_model_text(m, &at, longer, sizeof(longer));
	assert_int_equal(strlen(text), 1022);
	assert_int_equal(m->problems[SPAN_PROBLEM_LONG_TEXT].count, 1);
	assert_int_equal(m->problems[SPAN_PROBLEM_NOT_UTF8].count, 1);
	assert_ptr_equal(span_model_text(m, &at, "same", 4), span_model_text(m, &at, "same", 4));
	span_model_destroy(m);
}

static struct span_model *shop(void)
{
	static const char text[] =
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},"
		"\"scopeSpans\":[{\"spans\":["
		"{\"traceId\":\"aa000000000000000000000000000001\",\"spanId\":\"0000000000000001\",\"name\":\"GET /users/[id]\","
		"\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"9000\"},"
		"{\"traceId\":\"aa000000000000000000000000000001\",\"spanId\":\"0000000000000002\",\"name\":\"query\","
		"\"startTimeUnixNano\":\"2000\",\"endTimeUnixNano\":\"3000\"},"
		"{\"traceId\":\"ab000000000000000000000000000002\",\"spanId\":\"0000000000000001\",\"name\":\"query\","
		"\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"4000\"}]}]},"
		"{\"scopeSpans\":[{\"spans\":["
		"{\"traceId\":\"ab000000000000000000000000000002\",\"spanId\":\"0000000000000003\",\"name\":\"ping\","
		"\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"50000\"}]}]}]}";
	struct span_model *m = span_model_create(0);

	assert_int_equal(read_memory(m, text, strlen(text), span_read, NULL), 0);
	check_model(m);
	return m;
}

static void filters(void **state)
{
	static const struct {
		struct span_filter f;
		size_t nr, nr_fit;
		uint8_t first;		/* second digit of the first trace's id */
	} rows[] = {
		{ { 0 }, 2, 2, 0xab },
		{ { .slowest = 1 }, 1, 2, 0xab },
		{ { .over = 10000 }, 1, 1, 0xab },
		{ { .over = 49000 }, 1, 1, 0xab },
		{ { .over = 49001 }, 0, 0, 0 },
		{ { .service = "shop" }, 2, 2, 0xab },
		{ { .service = "sh*p" }, 2, 2, 0xab },
		{ { .service = "sho" }, 0, 0, 0 },
		{ { .service = "" }, 1, 1, 0xab },
		{ { .name = "GET /users/[id]" }, 1, 1, 0xaa },
		{ { .name = "GET *" }, 1, 1, 0xaa },
		{ { .name = "query", .over = 2000 }, 1, 1, 0xab },
		{ { .name = "query", .over = 1000 }, 2, 2, 0xab },
		/* of the service and of the name, but not one span */
		{ { .service = "shop", .name = "ping" }, 0, 0, 0 },
		{ { .service = "shop", .over = 8000 }, 1, 1, 0xaa },
	};
	struct span_model *m = shop();
	struct span_selection s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		span_select(m, &rows[i].f, &s);
		assert_int_equal(s.nr, rows[i].nr);
		assert_int_equal(s.nr_fit, rows[i].nr_fit);
		if (s.nr)
			assert_int_equal(m->traces[s.traces[0]].id[0], rows[i].first);
		span_selection_deinit(&s);
	}
	span_model_destroy(m);
}

static void trace_by_name(void **state)
{
	struct span_model *m = shop();
	bool several;

	assert_int_equal(span_find_trace(m, "aa000000000000000000000000000001", &several), 1);
	assert_int_equal(span_find_trace(m, "AB000000000000000000000000000002", &several), 2);
	assert_int_equal(span_find_trace(m, "qgAAAAAAAAAAAAAAAAAAAQ==", &several), 1);
	assert_int_equal(span_find_trace(m, "ab", &several), 2);
	assert_false(several);
	assert_int_equal(span_find_trace(m, "a", &several), 0);
	assert_true(several);
	assert_int_equal(span_find_trace(m, "", &several), 0);
	assert_false(several);
	assert_int_equal(span_find_trace(m, "ac", &several), 0);
	assert_int_equal(span_find_trace(m, "aa0000000000000000000000000000011", &several), 0);
	span_model_destroy(m);
}

static void time_texts(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "      0 ns" }, { 999, "    999 ns" }, { 1000, "  1.000 us" },
		{ 999999, "999.999 us" }, { 7000000, "  7.000 ms" }, { 999999499, "999.999 ms" }, { 999999500, "   1.000 s" },
		{ 1000000000, "   1.000 s" }, { UINT64_MAX, "18446744073.710 s" },
	};
	char text[SPAN_TIME_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(span_time_text(rows[i].ns, text), rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(self_times),
		cmocka_unit_test(left_out),
		cmocka_unit_test(look_ups),
		cmocka_unit_test(circles),
		cmocka_unit_test(deep_chain),
		cmocka_unit_test(more_comes),
		cmocka_unit_test(limit),
		cmocka_unit_test(texts),
		cmocka_unit_test(filters),
		cmocka_unit_test(trace_by_name),
		cmocka_unit_test(time_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
