// SPDX-License-Identifier: GPL-2.0-only
/* Readers of spans on what is odd, cut short or hostile; and one request at a time. */
#include <errno.h>
#include <sys/mman.h>
#include <zlib.h>

#include "proto/otlp_trace.pb-c.h"
#include "span/otlp_request.h"
#include "spans_fixture.h"

enum { SOURCE_ERROR = sizeof(((struct span_source *)0)->error) };

#define SPAN(id, more) \
	"{\"traceId\":\"aa000000000000000000000000000001\",\"spanId\":\"00000000000000" id "\"," more \
	"\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"9000\"}"
#define DOC(spans) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"

/* What span_read() says of a text: how many spans, and part of the error; NULL: none. */
static const struct {
	const char *text;
	size_t spans;
	const char *error;
} texts[] = {
	{ DOC(SPAN("01", "")), 1, NULL },
	{ "\xef\xbb\xbf" DOC(SPAN("01", "")), 1, NULL },
	{ "\n\n  " DOC(SPAN("01", "")) "\n\n" DOC(SPAN("02", "")) "\n", 2, NULL },
	{ "\n{\n\"resourceSpans\":[]}", 0, NULL },
	{ DOC(SPAN("01", "")) DOC(SPAN("02", "")), 2, NULL },
	{ "[" DOC(SPAN("01", "")) "," DOC(SPAN("02", "")) "]", 2, NULL },
	{ "{\"batches\":[]}", 0, NULL },
	{ "{\"data\":null,\"errors\":[{\"code\":404}]}", 0, NULL },
	/* names that mean something elsewhere */
	{ "{\"resourceSpans\":[{\"scopeSpans\":[{\"scope\":{\"spans\":[" SPAN("01", "") "]}}]}]}", 0, NULL },
	{ DOC(SPAN("01", "\"events\":[{\"spanId\":\"77\",\"traceId\":\"\",\"name\":\"x\"}],")), 1, NULL },
	{ DOC(SPAN("01", "\"name\":{\"name\":[1,[2,{\"spanId\":3}]]},")), 1, NULL },
	{ DOC(SPAN("01", "\"name\":null,\"kind\":null,\"status\":null,\"links\":null,")), 1, NULL },
	{ DOC(SPAN("01", "\"name\":[\"a\",\"b\"],")), 1, NULL },
	{ "{\"resourceSpans\":{\"scopeSpans\":{\"spans\":" SPAN("01", "") "}}}", 1, NULL },
	{ "", 0, "empty: no spans" },
	{ " \n\t ", 0, "neither JSON nor" },
	{ "{", 0, "line 1, byte 2: ends in the middle" },
	{ "{}", 0, "JSON, but no spans" },
	{ "[]", 0, "JSON, but no spans" },
	{ "{\"resourceMetrics\":[]}", 0, "JSON, but no spans" },
	{ DOC(SPAN("01", "")) "\n\n" DOC(SPAN("02", "")) "x", 2, "line 3, byte 1" },
	{ DOC(SPAN("01", "")) "\n{\"resourceSpans\":[", 1, "line 2, byte 19: ends in the middle" },
	{ DOC(SPAN("01", "") "," "{\"traceId\":\"aa\"" ), 1, "line 1, byte" },
	{ DOC(SPAN("01", "\"name\":\"a\nb\",")), 0, "line 1, byte" },
	{ DOC(SPAN("01", "\"x\":tru,")), 0, "not JSON" },
	{ "{\"resourceSpans\":[{]}", 0, "not JSON" },
	{ "\x28\xb5\x2f\xfd zstd", 0, "`zstd -d`" },
	{ "<?xml version=\"1.0\"?>", 0, "neither JSON nor" },
	{ "\x7f" "ELF\x02\x01\x01", 0, "neither JSON nor" },
};

static void odd_texts(void **state)
{
	char error[SOURCE_ERROR];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct span_model *m = span_model_create(0);
		int ret = read_memory(m, texts[i].text, strlen(texts[i].text), span_read, error);

		if (!texts[i].error != !ret || (ret && !strstr(error, texts[i].error)) ||
		    m->nr_spans - 1 != texts[i].spans)
			print_message("%s\n  %zu spans, '%s'\n", texts[i].text, m->nr_spans - 1, error);
		assert_int_equal(m->nr_spans - 1, texts[i].spans);
		assert_int_equal(!texts[i].error, !ret);
		if (ret)
			assert_non_null(strstr(error, texts[i].error));
		check_model(m);
		span_model_destroy(m);
	}
}

/* Tokens fall on the ends of the reader's chunks wherever blanks push them, lines still count. */
static void chunk_ends(void **state)
{
	static const char doc[] = "\n" DOC(SPAN("01", "\"name\":\"a name that may be cut\","))
				  "\n" DOC(SPAN("01", ""));
	enum { CHUNK = 64 << 10 };
	char *text = xmalloc(CHUNK + sizeof(doc)), error[SOURCE_ERROR];
	size_t shift, at;

	for (shift = 0; shift < sizeof(doc); shift++) {
		struct span_model *m = span_model_create(0);

		at = CHUNK - shift;
		memset(text, ' ', at);
		text[0] = '{', text[1] = '}', text[100] = '\n';
		memcpy(text + at, doc, sizeof(doc) - 1);
		assert_int_equal(read_memory(m, text, at + sizeof(doc) - 1, span_read, error), 0);
		assert_int_equal(m->nr_spans, 2);
		assert_string_equal(m->spans[1].name, "a name that may be cut");
		assert_string_equal(m->problems[SPAN_PROBLEM_CONFLICT].first, "memory line 4, byte 44");
		span_model_destroy(m);
	}
	free(text);
}

static void long_tokens(void **state)
{
	const size_t size = 40 << 20;
	char *text = xmalloc(size), error[SOURCE_ERROR];
	struct span_model *m = span_model_create(0);

	memset(text, 'x', size);
	memcpy(text, "{\"a\":\"", 6);
	assert_int_equal(read_memory(m, text, size, span_read, error), -EBADMSG);
	assert_non_null(strstr(error, "a value of more than"));
	memset(text, '[', size);
	assert_int_equal(read_memory(m, text, size, span_read, error), -EBADMSG);
	assert_non_null(strstr(error, "line 1, byte 129: nested deeper than 128"));
	span_model_destroy(m);
	free(text);
}

/* The resource behind its spans; Jaeger's processes behind theirs, and only within their trace. */
static void late_names(void **state)
{
	static const char otlp[] =
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" SPAN("01", "") "]}],\"resource\":{\"attributes\":"
		"[{\"value\":{\"stringValue\":\"late\"},\"key\":\"service.name\"}]}}]}";
	static const char jaeger[] =
		"{\"data\":[{\"spans\":[{\"traceID\":\"1\",\"spanID\":\"a\",\"processID\":\"p1\",\"operationName\":\"x\","
		"\"startTime\":5,\"duration\":7,\"references\":[{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"1\",\"spanID\":\"b\"},"
		"{\"refType\":\"CHILD_OF\",\"traceID\":\"2\",\"spanID\":\"c\"},{\"refType\":\"CHILD_OF\",\"traceID\":\"1\",\"spanID\":\"d\"}]}],"
		"\"processes\":{\"p1\":{\"tags\":[{\"key\":\"hostname\",\"value\":\"h\"}],\"serviceName\":\"first\"}}},"
		"{\"processes\":{\"p1\":{\"serviceName\":\"second\"}},\"spans\":[{\"processID\":\"p1\",\"traceID\":"
		"\"00000000000000020000000000000003\",\"spanID\":\"e\",\"startTime\":5,\"duration\":18446744073709551615},"
		"{\"processID\":\"p1\",\"traceID\":\"2\",\"spanID\":\"e\",\"startTime\":5,\"duration\":0}]}]}";
	struct span_model *m = span_model_create(0);

	assert_int_equal(read_memory(m, otlp, strlen(otlp), span_read, NULL), 0);
	assert_int_equal(read_memory(m, jaeger, strlen(jaeger), span_read, NULL), 0);
	check_model(m);
	assert_int_equal(m->nr_spans, 4);
	assert_string_equal(span_resource(m, &m->spans[1])->service, "late");
	assert_string_equal(span_resource(m, &m->spans[2])->service, "first");
	assert_string_equal(span_resource(m, &m->spans[2])->host, "h");
	assert_string_equal(span_resource(m, &m->spans[3])->service, "second");
	assert_int_equal(m->spans[2].start, 5000);
	assert_int_equal(m->spans[2].end, 12000);
	assert_int_equal(m->spans[2].parent_id[SPAN_ID_SIZE - 1], 0xd);
	assert_int_equal(m->links[m->spans[2].links].trace_id[TRACE_ID_SIZE - 1], 2);
	assert_int_equal(m->nr_links, 3);
	assert_int_equal(m->problems[SPAN_PROBLEM_MALFORMED].count, 1);	/* years beyond counting */
	span_model_destroy(m);
}

/* --- protobuf ----------------------------------------------------------------------------- */

/* tag, length, and what is there already, moved up. */
static size_t wrap(uint8_t *data, size_t size, uint8_t tag)
{
	assert_true(size < 1 << 14);
	memmove(data + 3, data, size);
	data[0] = tag;
	data[1] = (size & 0x7f) | 0x80;
	data[2] = size >> 7;
	return size + 3;
}

/* A TracesData of one span, as the reader's own .proto packs it. */
static size_t pack_one(uint8_t *out, uint8_t id)
{
	uint8_t trace[TRACE_ID_SIZE] = { 1 }, span[SPAN_ID_SIZE] = { id };
	Tickprof__Otlp__Span s = TICKPROF__OTLP__SPAN__INIT;
	size_t size;

	s.trace_id = (ProtobufCBinaryData) { sizeof(trace), trace };
	s.span_id = (ProtobufCBinaryData) { sizeof(span), span };
	s.name = (ProtobufCBinaryData) { 4, (uint8_t *)"name" };
	s.start_time_unix_nano = 5;
	s.end_time_unix_nano = 6;
	size = tickprof__otlp__span__pack(&s, out);
	size = wrap(out, size, 0x12);		/* spans */
	size = wrap(out, size, 0x12);		/* scope_spans */
	return wrap(out, size, 0x0a);		/* resource_spans */
}

static void proto_cut_anywhere(void **state)
{
	uint8_t data[1024];
	size_t first = pack_one(data, 1), size = first + pack_one(data + first, 2), cut;

	for (cut = 1; cut <= size; cut++) {
		struct span_model *m = span_model_create(0);
		char error[SOURCE_ERROR];
		int ret = read_memory(m, data, cut, span_read_proto, error);

		assert_int_equal(m->nr_spans - 1, cut == size ? 2 : cut >= first ? 1 : 0);
		if (cut == size || cut == first)
			assert_int_equal(ret, 0);
		else
			assert_non_null(strstr(error, "was it copied whole?"));
		check_model(m);
		span_model_destroy(m);
	}
}

static void proto_frames(void **state)
{
	uint8_t data[1024] = { 0 }, huge[] = { 0x7f, 0xff, 0xff, 0xff, 0x0a };
	size_t size = pack_one(data + 4, 1);
	struct span_model *m = span_model_create(0);
	char error[SOURCE_ERROR];

	data[2] = size >> 8;
	data[3] = size;
	assert_int_equal(read_memory(m, data, size + 4, span_read, error), 0);
	assert_int_equal(m->nr_spans, 2);
	assert_int_equal(read_memory(m, data, size + 3, span_read, error), -EBADMSG);
	assert_non_null(strstr(error, "was it copied whole?"));
	assert_int_equal(read_memory(m, data, size + 6, span_read_proto_frames, error), -EBADMSG);
	assert_non_null(strstr(error, "in the middle of a length"));
	assert_int_equal(read_memory(m, huge, sizeof(huge), span_read_proto_frames, error), -EBADMSG);
	assert_non_null(strstr(error, "more than 256 MiB"));
	/* A message that is shorter than its fields say. */
	data[3]--;
	assert_int_equal(read_memory(m, data, size + 4, span_read, error), -EBADMSG);
	assert_non_null(strstr(error, "byte 5: not OTLP"));
	span_model_destroy(m);
}

/* A span that is none costs itself; one that would need more than an arena, too. */
static void proto_bad_span(void **state)
{
	const size_t many = 400000;
	uint8_t *data = xmalloc(2 * many + 1024), *at;
	struct span_model *m = span_model_create(0);
	size_t size = pack_one(data, 1), first = size;
	char place[64];

	/* the id's length runs beyond the span */
	size += pack_one(data + size, 2);
	data[first + 9 + 1] = 0x7f;
	size += pack_one(data + size, 3);
	assert_int_equal(read_memory(m, data, size, span_read_proto, NULL), 0);
	assert_int_equal(m->nr_spans - 1, 2);
	assert_int_equal(m->problems[SPAN_PROBLEM_MALFORMED].count, 1);
	snprintf(place, sizeof(place), "memory byte %zu", first + 9 + 1);
	assert_string_equal(m->problems[SPAN_PROBLEM_MALFORMED].first, place);
	/* as many empty attributes as fit, each of which takes memory */
	at = data + 12;
	for (size = 0; size < 2 * many; size += 2)
		memcpy(at + size, "\x4a", 2);
	memcpy(data, "\x0a\x88\xea\x30\x12\x84\xea\x30\x12\x80\xea\x30", 12);
	assert_int_equal(read_memory(m, data, 12 + 2 * many, span_read_proto, NULL), 0);
	assert_int_equal(m->problems[SPAN_PROBLEM_MALFORMED].count, 2);
	check_model(m);
	span_model_destroy(m);
	free(data);
}

/* --- files -------------------------------------------------------------------------------- */

static int read_file(struct span_model *m, const void *data, size_t size, char *error)
{
	int fd = memfd_create("spans", 0), ret;
	struct span_source s;
	char path[64];

	assert_int_equal(write(fd, data, size), size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = span_source_open(&s, path);
	assert_int_equal(ret, 0);
	ret = span_read(&s, m);
	strcpy(error, s.error);
	span_source_close(&s);
	close(fd);
	return ret;
}

static size_t zip(const char *text, uint8_t *out, size_t max)
{
	z_stream z = { .next_in = (Bytef *)text, .avail_in = strlen(text), .next_out = out,
		       .avail_out = max };

	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static void zipped_files(void **state)
{
	uint8_t data[1024];
	size_t size = zip(DOC(SPAN("01", "")) "\n", data, sizeof(data)), cut;
	char error[SOURCE_ERROR];
	struct span_model *m;

	for (cut = 2; cut <= size; cut++) {
		m = span_model_create(0);
		if (cut == size) {
			assert_int_equal(read_file(m, data, cut, error), 0);
			assert_int_equal(m->nr_spans, 2);
		} else {
			assert_true(read_file(m, data, cut, error) < 0);
			assert_true(error[0]);
		}
		if (cut > 18 && cut < size)
			assert_non_null(strstr(error, "ends early"));
		span_model_destroy(m);
	}
	/* Two joined are one to gzip. */
	cut = size + zip(DOC(SPAN("02", "")), data + size, sizeof(data) - size);
	m = span_model_create(0);
	assert_int_equal(read_file(m, data, cut, error), 0);
	assert_int_equal(m->nr_spans, 3);
	data[size - 6] ^= 1;			/* the first one's checksum */
	assert_true(read_file(m, data, cut, error) < 0);
	assert_non_null(strstr(error, "damaged gzip data"));
	span_model_destroy(m);
}

/* --- requests ----------------------------------------------------------------------------- */

static unsigned int request(struct span_model *m, enum otlp_encoding encoding, bool gzipped,
			    const void *body, size_t size, size_t max, char *said)
{
	struct otlp_answer a;

	otlp_request_take(m, NULL, "test", encoding, gzipped, body, size, max, &a);
	memcpy(said, a.body, a.size);
	said[a.size] = '\0';
	free(a.body);
	return a.status;
}

static void requests(void **state)
{
	static const char two[] = DOC(SPAN("01", "") "," SPAN("", ""));
	static const char foreign[] = "{\"batches\":[{\"scopeSpans\":[{\"spans\":[" SPAN("09", "") "]}]}]}";
	struct span_model *m = span_model_create(0);
	uint8_t data[1024];
	char said[1024];
	size_t size;

	assert_int_equal(request(m, OTLP_JSON, false, two, strlen(two), 1000, said), 200);
	assert_string_equal(said, "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":"
			    "\"left out: no span id of 8 bytes, or one of zeros\"}}");
	/* Exactly as large as is allowed, and a byte more. */
	size = zip(two, data, sizeof(data));
	assert_int_equal(request(m, OTLP_JSON, true, data, size, strlen(two), said), 200);
	assert_int_equal(request(m, OTLP_JSON, true, data, size, strlen(two) - 1, said), 413);
	assert_int_equal(request(m, OTLP_JSON, true, data, size - 1, 1000, said), 400);
	assert_int_equal(request(m, OTLP_JSON, true, data, size + 1, 1000, said), 400);
	assert_int_equal(request(m, OTLP_JSON, false, foreign, strlen(foreign), 1000, said), 200);
	assert_int_equal(m->nr_spans, 2);
	size = pack_one(data, 7);
	assert_int_equal(request(m, OTLP_PROTO, false, data, size, 1000, said), 200);
	assert_string_equal(said, "");
	assert_int_equal(m->nr_spans, 3);
	assert_int_equal(request(m, OTLP_PROTO, false, data, size - 1, 1000, said), 400);
	assert_memory_equal(said, "\x08\x03\x12", 3);	/* google.rpc.Status: code 3, message */
	assert_non_null(strstr(said, "was it copied whole?"));
	span_model_destroy(m);
}

static void content_types(void **state)
{
	enum otlp_encoding e;

	assert_true(otlp_encoding_parse("application/json", &e) && e == OTLP_JSON);
	assert_true(otlp_encoding_parse("Application/JSON;charset=utf-8", &e) && e == OTLP_JSON);
	assert_true(otlp_encoding_parse("application/x-protobuf ", &e) && e == OTLP_PROTO);
	assert_false(otlp_encoding_parse("application/jsonl", &e));
	assert_false(otlp_encoding_parse("text/plain", &e));
	assert_false(otlp_encoding_parse("", &e));
	assert_false(otlp_encoding_parse(NULL, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_texts),
		cmocka_unit_test(chunk_ends),
		cmocka_unit_test(long_tokens),
		cmocka_unit_test(late_names),
		cmocka_unit_test(proto_cut_anywhere),
		cmocka_unit_test(proto_frames),
		cmocka_unit_test(proto_bad_span),
		cmocka_unit_test(zipped_files),
		cmocka_unit_test(requests),
		cmocka_unit_test(content_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
