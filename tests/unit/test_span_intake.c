// SPDX-License-Identifier: GPL-2.0-only
/* Spans that come while a recording runs: what is kept is what was sent, in chunks that can be read. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <zlib.h>

#include "record/span_intake.h"
#include "span/source.h"
#include "records.h"
#include "test.h"

#define SPAN(id) "{\"traceId\":\"55555555555555555555555555555555\",\"spanId\":\"000000000000000" id "\"," \
	"\"name\":\"n\",\"startTimeUnixNano\":\"1000\",\"endTimeUnixNano\":\"2000\"}"
#define DOCUMENT(spans) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"

/* One span of trace 66… in protobuf: resource_spans, scope_spans, spans, ids and times. */
static const uint8_t proto[] = {
	0x0a, 50, 0x12, 48, 0x12, 46, 0x0a, 16, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x12, 8, 1, 2, 3, 4, 5, 6, 7, 8,
	0x39, 1, 0, 0, 0, 0, 0, 0, 0, 0x41, 2, 0, 0, 0, 0, 0, 0, 0,
};

static struct span_intake *start(void)
{
	struct span_intake *s = NULL;
	int saved = quiet_begin();

	assert_int_equal(span_intake_create("127.0.0.1:0", &s), 0);
	quiet_end(saved);
	return s;
}

/* The status of the answer. */
static int post(const struct span_intake *s, const char *head, const void *body, size_t size)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(atoi(strrchr(span_intake_address(s), ':') + 1)),
	};
	int fd __close = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	char text[512];
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	n = snprintf(text, sizeof(text), "POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		     "%s\r\nContent-Length: %zu\r\n\r\n", head, size);
	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
	for (; size; size -= n, body = (const char *)body + n) {
		n = send(fd, body, size, MSG_NOSIGNAL);
		assert_true(n > 0);
	}
	n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	assert_true(n > 12);
	text[n] = '\0';
	assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
	return status;
}

#define JSON "Content-Type: application/json"
#define PROTO "Content-Type: application/x-protobuf"
#define POST_TEXT(s, text) post(s, JSON, text, strlen(text))

/* All SPANS chunks into a model; how many there are. */
static size_t read_back(struct span_intake *s, struct span_model *m)
{
	struct test_capture t = capture_begin();
	const struct capture_chunk *chunks;
	struct span_source source;
	struct capture *c;
	size_t nr, i, found = 0;

	assert_int_equal(span_intake_write(s, t.w), 0);
	c = capture_end(&t);
	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++) {
		if (chunks[i].type != CAPTURE_SPANS)
			continue;
		found++;
		span_source_memory(&source, "chunk", chunks[i].payload, chunks[i].size);
		assert_int_equal(span_read(&source, m), 0);
		span_source_close(&source);
	}
	capture_close(c);
	return found;
}

static void what_is_sent_is_kept(void **state)
{
	static const char text[] = DOCUMENT(SPAN("1") "," SPAN("2"));
	struct span_model *m = span_model_create(0);
	struct span_intake *s = start();
	uint8_t packed[512];
	z_stream z = { .next_in = (Bytef *)text, .avail_in = strlen(text), .next_out = packed,
		       .avail_out = sizeof(packed) };

	assert_int_equal(post(s, PROTO, proto, sizeof(proto)), 200);
	assert_int_equal(read_back(s, m), 1);
	assert_int_equal(m->nr_spans - 1, 1);
	assert_int_equal(read_back(s, m), 0);
	deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(post(s, JSON "\r\nContent-Encoding: gzip", packed, z.total_out), 200);
	deflateEnd(&z);
	assert_int_equal(POST_TEXT(s, DOCUMENT(SPAN("3"))), 200);
	span_intake_stop(s);
	assert_int_equal(read_back(s, m), 2);
	assert_int_equal(m->nr_spans - 1, 4);
	assert_int_equal(span_model_left_out(m), 0);
	span_intake_destroy(s);
	span_model_destroy(m);
}

/* Neither what has no spans nor what cannot be read goes into the capture, and nobody waits. */
static void what_is_not_kept(void **state)
{
	struct span_model *m = span_model_create(0);
	struct span_intake *s = start();

	assert_int_equal(POST_TEXT(s, "{}"), 200);
	assert_int_equal(post(s, PROTO, "", 0), 200);
	assert_int_equal(POST_TEXT(s, DOCUMENT(SPAN("1")) "x"), 400);
	assert_int_equal(post(s, PROTO, proto, sizeof(proto) - 1), 400);
	assert_int_equal(post(s, "Content-Type: text/plain", "x", 1), 415);
	span_intake_stop(s);
	assert_int_equal(read_back(s, m), 0);
	span_intake_destroy(s);
	span_model_destroy(m);
}

/* What nobody writes is not piled up without end; who is sent away may come again. */
static void memory_is_bounded(void **state)
{
	const size_t size = 15 << 20;
	struct span_model *m = span_model_create(0);
	struct span_intake *s = start();
	char *body = xmalloc(size + 1);
	int i;

	memset(body, ' ', size);
	memcpy(body, DOCUMENT(SPAN("1")), strlen(DOCUMENT(SPAN("1"))));
	for (i = 0; i < 4; i++)
		assert_int_equal(post(s, JSON, body, size), 200);
	assert_int_equal(post(s, JSON, body, size), 503);
	assert_int_equal(POST_TEXT(s, DOCUMENT(SPAN("2"))), 200);
	assert_int_equal(read_back(s, m), 5);
	assert_int_equal(m->nr_spans - 1, 2);
	assert_int_equal(post(s, JSON, body, size), 200);
	span_intake_destroy(s);
	span_model_destroy(m);
	free(body);
}

struct told {
	uint8_t first[8];
	uint64_t start[8], end[8];
	size_t nr;
};

static void take_trace(void *arg, const uint8_t *trace_id, uint64_t begin, uint64_t end)
{
	struct told *t = arg;

	assert_true(t->nr < 8);
	t->first[t->nr] = trace_id[0];
	t->start[t->nr] = begin;
	t->end[t->nr++] = end;
}

#define TIMED(trace, id, start, end) "{\"traceId\":\"" trace trace trace trace "\",\"spanId\":\"000000000000000" id "\"," \
	"\"name\":\"n\",\"startTimeUnixNano\":\"" start "\",\"endTimeUnixNano\":\"" end "\"}"

/* By request and trace, from the first to the last moment; spans without times say nothing. */
static void traces_are_told(void **state)
{
	struct span_model *m = span_model_create(0);
	struct span_intake *s = start();
	struct told told = { 0 };

	assert_int_equal(POST_TEXT(s, DOCUMENT(SPAN("1"))), 200);
	span_intake_tell(s, take_trace, &told);
	assert_int_equal(POST_TEXT(s, DOCUMENT(TIMED("55555555", "2", "3000", "5000") ","
					      TIMED("66666666", "3", "100", "200") ","
					      TIMED("55555555", "4", "2000", "4000") ","
					      TIMED("77777777", "5", "0", "0"))), 200);
	assert_int_equal(POST_TEXT(s, DOCUMENT(TIMED("66666666", "6", "300", "400"))), 200);
	span_intake_stop(s);
	assert_int_equal(read_back(s, m), 3);
	/* What came before anybody asked is kept all the same. */
	assert_int_equal(told.nr, 3);
	assert_int_equal(told.first[0], 0x55);
	assert_int_equal(told.start[0], 2000);
	assert_int_equal(told.end[0], 5000);
	assert_int_equal(told.first[1], 0x66);
	assert_int_equal(told.end[1], 200);
	assert_int_equal(told.start[2], 300);
	span_intake_destroy(s);
	span_model_destroy(m);
}

static void an_address_in_use(void **state)
{
	struct span_intake *s = start(), *other = NULL;
	int saved = quiet_begin();

	assert_int_equal(span_intake_create(span_intake_address(s), &other), -EADDRINUSE);
	assert_int_equal(span_intake_create("nonsense", &other), -EINVAL);
	quiet_end(saved);
	assert_null(other);
	span_intake_destroy(s);
	span_intake_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_is_kept),
		cmocka_unit_test(what_is_not_kept),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(traces_are_told),
		cmocka_unit_test(an_address_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
