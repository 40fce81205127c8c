// SPDX-License-Identifier: GPL-2.0-only
/*
 * Valid files of spans, of each format, with random damage, all the way to the
 * outputs: nothing may crash or hang, every refusal has a message, every span that
 * is taken hangs in a tree, and what is written can be read again. The seed is
 * fixed; FUZZ_ROUNDS in the environment asks for more.
 */
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/json.h"
#include "proto/otlp_trace.pb-c.h"
#include "span/otlp_request.h"
#include "spans_fixture.h"

enum { SEEDS_MAX = 16, SLACK = 4096 };

static uint64_t seed = 1;
static uint64_t reads, refused, taken;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

static unsigned int rounds(void)
{
	const char *wanted = getenv("FUZZ_ROUNDS");

	return wanted ? atoi(wanted) : 1500;
}

struct sample {
	uint8_t *data;
	size_t size;
};

static struct sample samples[SEEDS_MAX];
static size_t nr_samples;

static void add_sample(uint8_t *data, size_t size)
{
	assert_true(nr_samples < SEEDS_MAX);
	samples[nr_samples++] = (struct sample) { data, size };
}

/* --- the samples -------------------------------------------------------------------------- */

static size_t wrap(uint8_t *data, size_t size, uint8_t tag)
{
	assert_true(size < 1 << 14);
	memmove(data + 3, data, size);
	data[0] = tag;
	data[1] = (size & 0x7f) | 0x80;
	data[2] = size >> 7;
	return size + 3;
}

static ProtobufCBinaryData bytes(const void *data, size_t size)
{
	return (ProtobufCBinaryData) { size, (uint8_t *)data };
}

static size_t pack_resource(uint8_t *out, const char *service)
{
	Tickprof__Otlp__AnyValue value;
	Tickprof__Otlp__KeyValue attr = TICKPROF__OTLP__KEY_VALUE__INIT, *attrs[] = { &attr };
	Tickprof__Otlp__Resource r = TICKPROF__OTLP__RESOURCE__INIT;

	tickprof__otlp__any_value__init(&value);
	value.value_case = TICKPROF__OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	value.string_value = bytes(service, strlen(service));
	attr.key = bytes("service.name", 12);
	attr.value = &value;
	r.n_attributes = 1;
	r.attributes = attrs;
	return wrap(out, tickprof__otlp__resource__pack(&r, out), 0x0a);
}

static size_t pack_span(uint8_t *out, const struct span_model *m, const struct span *s)
{
	Tickprof__Otlp__Link link = TICKPROF__OTLP__LINK__INIT, *links[] = { &link };
	Tickprof__Otlp__Status status = TICKPROF__OTLP__STATUS__INIT;
	Tickprof__Otlp__Span span = TICKPROF__OTLP__SPAN__INIT;

	span.trace_id = bytes(m->traces[s->trace].id, TRACE_ID_SIZE);
	span.span_id = bytes(s->id, SPAN_ID_SIZE);
	if (s->flags & SPAN_HAS_PARENT)
		span.parent_span_id = bytes(s->parent_id, SPAN_ID_SIZE);
	span.name = bytes(s->name, strlen(s->name));
	span.kind = s->kind;
	span.start_time_unix_nano = s->start;
	span.end_time_unix_nano = s->end;
	status.code = s->status;
	status.message = bytes(s->status_text, strlen(s->status_text));
	span.status = &status;
	link.trace_id = span.trace_id;
	link.span_id = span.span_id;
	span.n_links = 1;
	span.links = links;
	return wrap(out, tickprof__otlp__span__pack(&span, out), 0x12);
}

/* The spans of a model, one ResourceSpans each; behind their length if asked for. */
static void add_proto(const struct span_model *m, bool framed)
{
	uint8_t *data = xmalloc(64 << 10), *one;
	size_t size = 0, length, n;
	uint32_t i;

	for (i = 1; i < m->nr_spans; i++) {
		one = data + size + (framed ? 4 : 0);
		n = pack_resource(one, span_resource(m, &m->spans[i])->service);
		length = pack_span(one + n, m, &m->spans[i]);
		n += wrap(one + n, length, 0x12);
		n = wrap(one, n, 0x0a);
		if (framed)
			memcpy(one - 4, (uint8_t[]){ 0, 0, n >> 8, n }, 4);
		size = one + n - data;
	}
	add_sample(data, size);
}

static void add_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	uint8_t *data;

	assert_int_equal(fstat(fd, &st), 0);
	data = xmalloc(st.st_size + 1);
	assert_int_equal(read(fd, data, st.st_size), st.st_size);
	close(fd);
	add_sample(data, st.st_size);
}

static int make_samples(void **state)
{
	struct span_model *m = span_model_create(0);
	glob_t files;
	size_t i;

	assert_int_equal(glob(TEST_DIR "/../golden/spans.in/*.json*", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++)
		add_file(files.gl_pathv[i]);
	assert_true(nr_samples >= 6);
	globfree(&files);
	for (i = 0; i < nr_samples; i++)
		assert_int_equal(read_memory(m, samples[i].data, samples[i].size, span_read, NULL), 0);
	assert_true(m->nr_spans > 10);
	add_proto(m, false);
	add_proto(m, true);
	span_model_destroy(m);
	for (i = nr_samples - 2; i < nr_samples; i++) {
		m = span_model_create(0);
		assert_int_equal(read_memory(m, samples[i].data, samples[i].size, span_read, NULL), 0);
		assert_true(m->nr_spans > 10);
		span_model_destroy(m);
	}
	return 0;
}

static int free_samples(void **state)
{
	while (nr_samples)
		free(samples[--nr_samples].data);
	print_message("# %llu reads, %llu refused, %llu spans taken\n", (unsigned long long)reads,
		      (unsigned long long)refused, (unsigned long long)taken);
	/* Damage that always, or never, did any would show nothing. */
	assert_true(refused > reads / 20 && refused < reads * 19 / 20 && taken > reads);
	return 0;
}

/* --- damage ------------------------------------------------------------------------------- */

static const char *const snippets[] = {
	"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "-1", "0", "1e999",
	"18446744073709551615", "99999999999999999999", "\"\"", "\"traceId\":", "\"spans\":[", "\"resource\":",
	"{\"data\":[", "\"processes\":{", "\n", "\xff", "\xc3", "\xed\xa0\x80", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\xff\xff\xff\xff\x0f", "\x12\x04\x12\x02", "\x1f\x8b",
};

/* In a buffer with room for SLACK more. The new size. */
static size_t damage_once(uint8_t *data, size_t size)
{
	size_t at = rnd(size), from, len;
	const char *snippet;

	switch (rnd(12)) {
	case 0:
		data[at] ^= 1 << rnd(8);
		return size;
	case 1:
		data[at] = rnd(256);
		return size;
	case 2:				/* insert */
		snippet = snippets[rnd(ARRAY_SIZE(snippets))];
		len = strlen(snippet);
		memmove(data + at + len, data + at, size - at);
		memcpy(data + at, snippet, len);
		return size + len;
	case 3:				/* take out */
		len = 1 + rnd(64);
		len = len < size - at ? len : size - at - 1;
		memmove(data + at, data + at + len, size - at - len);
		return size - len;
	case 4:				/* another part of the same, so that it fits */
		from = rnd(size);
		len = rnd(300);
		len = len < size - at ? len : size - at;
		len = len < size - from ? len : size - from;
		memmove(data + at, data + from, len);
		return size;
	default:			/* digits and letters stay such: ids, times, keys */
		data[at] = data[at] >= '0' && data[at] <= '9' ? '0' + rnd(10) :
			   data[at] >= 'a' && data[at] <= 'z' ? 'a' + rnd(26) : data[at];
		return size;
	}
}

static size_t damage(uint8_t *data, size_t size)
{
	uint32_t n = 1 + rnd(rnd(8) ? 3 : 40);

	while (n-- && size > 16)
		size = damage_once(data, size);
	return rnd(16) ? size : 1 + rnd(size);
}

/* --- use ---------------------------------------------------------------------------------- */

/* Everything is readable again, for there is nothing wrong with what we write. */
static void write_and_read(const struct span_model *m)
{
	struct span_model *again = span_model_create(0);
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(trace_write_lines(m, f), 0);
	fclose(f);
	assert_int_equal(read_memory(again, text, size, span_read, NULL), size ? 0 : -EBADMSG);
	assert_int_equal(again->nr_spans, m->nr_spans);
	assert_int_equal(span_model_left_out(again), 0);
	for (i = 1; i < m->nr_spans; i++) {
		assert_int_equal(again->spans[i].start, m->spans[i].start);
		assert_int_equal(again->spans[i].end, m->spans[i].end);
		assert_string_equal(again->spans[i].name, m->spans[i].name);
	}
	check_model(again);
	span_model_destroy(again);
	free(text);
}

static void use(struct span_model *m)
{
	const struct span_filter f = { .service = rnd(2) ? "pay*" : NULL, .over = rnd(2) ? 1000 : 0 };
	struct json_object *o = json_object_new_object();
	FILE *null = fopen("/dev/null", "w");
	struct span_selection s;
	size_t i;

	check_model(m);
	span_select(m, &f, &s);
	trace_view_list(m, &s, null);
	trace_json_counts(m, o);
	for (i = 1; i < m->nr_traces; i++) {
		trace_view_tree(m, &m->traces[i], null);
		trace_json_tree(m, &m->traces[i], o);
	}
	json_object_put(o);
	span_selection_deinit(&s);
	fclose(null);
	write_and_read(m);
	taken += m->nr_spans - 1;
}

static void damaged_files(void **state)
{
	unsigned int i;

	for (i = 0; i < rounds(); i++) {
		const struct sample *s = &samples[rnd(nr_samples)];
		struct span_model *m = span_model_create(rnd(4) ? 0 : 2000 + rnd(4000));
		uint8_t *data = xmalloc(s->size + SLACK);
		size_t size;

		memcpy(data, s->data, s->size);
		size = damage(data, s->size);
		/* To its own size, so that a byte too far is found. */
		data = xrealloc(data, size);
		reads++;
		refused += read_memory(m, data, size, rnd(4) ? span_read : rnd(2) ? span_read_proto :
				       rnd(2) ? span_read_proto_frames : span_read_otlp_json, NULL) != 0;
		use(m);
		span_model_destroy(m);
		free(data);
	}
}

static void damaged_requests(void **state)
{
	unsigned int i;

	for (i = 0; i < rounds() / 4; i++) {
		const struct sample *s = &samples[rnd(nr_samples)];
		enum otlp_encoding encoding = s->data[0] == '{' ? OTLP_JSON : OTLP_PROTO;
		struct span_model *m = span_model_create(0);
		uLong bound = compressBound(s->size) + 64;
		uint8_t *data = xmalloc(bound + SLACK);
		z_stream z = { .next_in = s->data, .avail_in = s->size, .next_out = data,
			       .avail_out = bound };
		struct otlp_answer a;
		size_t size;

		deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		size = z.total_out;
		deflateEnd(&z);
		if (rnd(4))
			size = damage(data, size);
		otlp_request_take(m, NULL, "fuzz", encoding, true, data, size, 1 << 20, &a);
		assert_true(a.status == 200 || ((a.status == 400 || a.status == 413) && a.size));
		free(a.body);
		use(m);
		span_model_destroy(m);
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(damaged_requests),
	};

	return cmocka_run_group_tests(tests, make_samples, free_samples);
}
