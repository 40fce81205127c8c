// SPDX-License-Identifier: GPL-2.0-only
/* pyroscope.profile.id: whose counts for which span, and values that are none. */
#include "span/span_id.h"
#include "span/span_profile.h"
#include "spans_fixture.h"

struct process {
	const char *service, *host;
	uint32_t pid;
};

static const struct process shop = { "shop", "web1", 100 };

/* A resource of its own, as each request has. The span begins where its id says. */
static uint32_t add(struct span_model *m, const struct process *of, uint32_t id, uint32_t parent)
{
	const uint32_t resource = span_model_resource(m), n = add_span(m, 1, id, parent, id, 1000);
	struct span_resource *r = &m->resources[resource];

	r->service = span_model_text(m, NULL, of->service, strlen(of->service));
	r->host = span_model_text(m, NULL, of->host, strlen(of->host));
	r->pid = of->pid;
	m->spans[n].resource = resource;
	return n;
}

static void carry(struct span_model *m, uint32_t n, uint8_t byte)
{
	memset(m->spans[n].profile_id, byte, SPAN_ID_SIZE);
	m->spans[n].flags |= SPAN_HAS_PROFILE;
}

static void nearest_above(void **state)
{
	struct span_model *m = span_model_create(0);
	uint32_t leaf = add(m, &shop, 5, 4);	/* children come before their parents */
	uint32_t middle = add(m, &shop, 4, 3), carrier = add(m, &shop, 3, 2);
	uint32_t below = add(m, &shop, 2, 1), root = add(m, &shop, 1, 0);
	uint32_t orphan = add(m, &shop, 6, 99);
	uint32_t *of;

	carry(m, root, 0xaa);
	carry(m, carrier, 0xbb);
	span_model_link(m);
	of = span_profile_carriers(m);
	assert_int_equal(of[root], root);
	assert_int_equal(of[below], root);
	assert_int_equal(of[carrier], carrier);
	assert_int_equal(of[middle], carrier);
	assert_int_equal(of[leaf], carrier);
	assert_int_equal(of[orphan], 0);
	assert_int_equal(of[0], 0);
	free(of);
	span_model_destroy(m);
}

/* Whether a span of one process has its parent's, which is of the other. */
static bool inherits(const struct process *parent, const struct process *child, bool call,
		     uint32_t parent_pid, uint32_t child_pid)
{
	struct span_model *m = span_model_create(0);
	uint32_t a = add(m, parent, 1, 0), b = add(m, child, 2, 1), *of;
	bool yes;

	carry(m, a, 0xaa);
	m->spans[a].kind = SPAN_CLIENT;
	m->spans[b].kind = call ? SPAN_SERVER : SPAN_INTERNAL;
	m->spans[a].pid = parent_pid;
	m->spans[b].pid = child_pid;
	span_model_link(m);
	of = span_profile_carriers(m);
	assert_int_equal(of[a], a);
	assert_true(!of[b] || of[b] == a);
	yes = of[b];
	free(of);
	span_model_destroy(m);
	return yes;
}

static void not_beyond_the_process(void **state)
{
	const struct process other = { "other", "web1", 100 }, host = { "shop", "web2", 100 },
			     pid = { "shop", "web1", 101 }, nameless = { "", "web1", 100 };

	assert_true(inherits(&shop, &shop, false, 0, 0));
	assert_true(inherits(&shop, &shop, false, 7, 7));
	assert_true(inherits(&shop, &shop, false, 7, 0));
	assert_false(inherits(&shop, &shop, false, 7, 8));
	assert_false(inherits(&shop, &other, false, 0, 0));
	assert_false(inherits(&shop, &host, false, 0, 0));
	assert_false(inherits(&shop, &pid, false, 0, 0));
	assert_false(inherits(&nameless, &nameless, false, 0, 0));	/* two that say nothing */
	assert_false(inherits(&shop, &shop, true, 0, 0));		/* answers a call */
}

/* Nothing recurses, and nobody walks to the root from each span. */
static void deep_chain(void **state)
{
	const uint32_t depth = 200000;
	struct span_model *m = span_model_create(0);
	uint32_t i, *of;

	for (i = 1; i <= depth; i++)
		add_span(m, 1, i, i - 1, i, depth + 1);
	for (i = 1; i <= depth; i++)
		m->spans[i].resource = 0;
	carry(m, 1, 0xaa);
	span_model_link(m);
	of = span_profile_carriers(m);
	for (i = 1; i <= depth; i++)
		assert_int_equal(of[i], 1);
	free(of);
	span_model_destroy(m);
}

/* The value of the attribute, as the reader of its format finds it; NULL: it was refused. */
static const char *read_value(const char *format, const char *value)
{
	static char id[SPAN_ID_TEXT_MAX];
	struct span_model *m = span_model_create(0);
	char *text = xasprintf(format, value);
	const struct span *s;
	bool has;

	assert_int_equal(read_memory(m, text, strlen(text), span_read_json, NULL), 0);
	assert_int_equal(m->nr_spans, 2);
	s = &m->spans[1];
	has = s->flags & SPAN_HAS_PROFILE;
	assert_int_equal(m->problems[SPAN_PROBLEM_PROFILE_ID].count, !has);
	assert_int_equal(span_model_left_out(m), 0);
	span_id_print(s->profile_id, SPAN_ID_SIZE, id);
	span_model_destroy(m);
	free(text);
	return has ? id : NULL;
}

static void values(void **state)
{
	static const char otlp[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
		"\"11111111111111111111111111111111\",\"spanId\":\"2222222222222222\","
		"\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"attributes\":"
		"[{\"value\":{%s},\"key\":\"pyroscope.profile.id\"}]}]}]}]}";
	static const char jaeger[] = "{\"data\":[{\"spans\":[{\"traceID\":\"11\",\"spanID\":\"22\","
		"\"startTime\":1,\"duration\":1,\"tags\":[{\"key\":\"pyroscope.profile.id\",%s}]}]}]}";

	assert_string_equal(read_value(otlp, "\"stringValue\":\"00F067aa0ba902b7\""), "00f067aa0ba902b7");
	assert_string_equal(read_value(jaeger, "\"type\":\"string\",\"value\":\"00f067aa0ba902b7\""),
			    "00f067aa0ba902b7");
	assert_null(read_value(otlp, "\"stringValue\":\"\""));
	assert_null(read_value(otlp, "\"stringValue\":\"0000000000000000\""));
	assert_null(read_value(otlp, "\"stringValue\":\"f067aa0ba902b7\""));
	assert_null(read_value(otlp, "\"stringValue\":\"00f067aa0ba902bg\""));
	assert_null(read_value(otlp, "\"stringValue\":\"00f067aa0ba902b700\""));
	assert_null(read_value(otlp, "\"stringValue\":\"APBnqgupArc=\""));
	assert_null(read_value(otlp, "\"intValue\":\"77\""));
	assert_null(read_value(otlp, "\"arrayValue\":{\"values\":[{\"stringValue\":\"00f067aa0ba902b7\"}]}"));
	assert_null(read_value(jaeger, "\"value\":\"f067aa0ba902b7\""));	/* its ids may be short, this not */
	assert_null(read_value(jaeger, "\"value\":true"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_above),
		cmocka_unit_test(not_beyond_the_process),
		cmocka_unit_test(deep_chain),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
