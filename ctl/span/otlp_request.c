// SPDX-License-Identifier: GPL-2.0-only
/* One OTLP export request and its answer: see otlp_request.h. */
#include <errno.h>
#include <inttypes.h>
#include <json_object.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/util.h"
#include "otlp_request.h"
#include "proto/otlp_trace.pb-c.h"
#include "source.h"

enum { UNPACK_STEP = 256 << 10, MESSAGE_MAX = 512 };

static const char *const types[] = {
	[OTLP_PROTO] = "application/x-protobuf",
	[OTLP_JSON] = "application/json",
};

bool otlp_encoding_parse(const char *content_type, enum otlp_encoding *out)
{
	size_t len = content_type ? strcspn(content_type, "; \t") : 0, i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (strlen(types[i]) != len || strncasecmp(types[i], content_type, len))
			continue;
		*out = i;
		return true;
	}
	return false;
}

/* --- answers ------------------------------------------------------------------------------ */

static void pack(const ProtobufCMessage *message, struct otlp_answer *out)
{
	out->size = protobuf_c_message_get_packed_size(message);
	out->body = xmalloc(out->size);
	protobuf_c_message_pack(message, out->body);
}

static void print(struct json_object *o, struct otlp_answer *out)
{
	out->body = xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	out->size = strlen(out->body);
	json_object_put(o);
}

/* google.rpc.Code, from google/rpc/code.proto. */
static int rpc_code(unsigned int status)
{
	switch (status) {
	case 404:
		return 5;	/* NOT_FOUND */
	case 405:
		return 12;	/* UNIMPLEMENTED */
	case 413:
		return 8;	/* RESOURCE_EXHAUSTED */
	case 503:
		return 14;	/* UNAVAILABLE */
	default:
		return 3;	/* INVALID_ARGUMENT */
	}
}

void otlp_answer_error(enum otlp_encoding encoding, unsigned int status, const char *message,
		       struct otlp_answer *out)
{
	Tickprof__Otlp__RpcStatus rpc = TICKPROF__OTLP__RPC_STATUS__INIT;
	struct json_object *o;

	*out = (struct otlp_answer) { .status = status, .type = types[encoding] };
	if (encoding == OTLP_PROTO) {
		rpc.code = rpc_code(status);
		rpc.message = (char *)message;
		pack(&rpc.base, out);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "code", json_object_new_int(rpc_code(status)));
	json_object_object_add(o, "message", json_object_new_string(message));
	print(o, out);
}

/* rejected 0: all is well, and nothing is said. */
static void answer_taken(enum otlp_encoding encoding, uint64_t rejected, const char *message,
			 struct otlp_answer *out)
{
	Tickprof__Otlp__ExportTraceServiceResponse response =
		TICKPROF__OTLP__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
	Tickprof__Otlp__ExportTracePartialSuccess partial =
		TICKPROF__OTLP__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
	struct json_object *o, *p;
	char count[24];

	*out = (struct otlp_answer) { .status = 200, .type = types[encoding] };
	if (encoding == OTLP_PROTO) {
		partial.rejected_spans = rejected;
		partial.error_message = (char *)message;
		response.partial_success = rejected ? &partial : NULL;
		pack(&response.base, out);
		return;
	}
	o = json_object_new_object();
	if (rejected) {
		p = json_object_new_object();
		snprintf(count, sizeof(count), "%" PRIu64, rejected);
		json_object_object_add(p, "rejectedSpans", json_object_new_string(count));
		json_object_object_add(p, "errorMessage", json_object_new_string(message));
		json_object_object_add(o, "partialSuccess", p);
	}
	print(o, out);
}

/* --- bodies ------------------------------------------------------------------------------- */

/* 0, -EFBIG beyond max, -EBADMSG: damaged. *out on the heap. */
static int unpack(const void *body, size_t size, size_t max, uint8_t **out, size_t *nr)
{
	z_stream z = { .next_in = (Bytef *)body, .avail_in = size };
	uint8_t *data = NULL;
	size_t cap = 0;
	int ret = Z_OK;

	*nr = 0;
	if (inflateInit2(&z, 15 + 16) != Z_OK)	/* gzip's header only */
		return -EBADMSG;
	/* One byte beyond the limit tells "just so" from "too much". */
	while (ret == Z_OK && *nr <= max) {
		GROW(data, cap, *nr + UNPACK_STEP);
		z.next_out = data + *nr;
		z.avail_out = cap - *nr < max + 1 - *nr ? cap - *nr : max + 1 - *nr;
		ret = inflate(&z, Z_NO_FLUSH);
		*nr = z.next_out - data;
	}
	inflateEnd(&z);
	*out = data;
	return *nr > max ? -EFBIG : ret != Z_STREAM_END || z.avail_in ? -EBADMSG : 0;
}

static const enum span_problem not_repeated[] = {
	SPAN_PROBLEM_TRACE_ID, SPAN_PROBLEM_SPAN_ID, SPAN_PROBLEM_CONFLICT, SPAN_PROBLEM_MALFORMED,
	SPAN_PROBLEM_FULL,
};

/* What came before is no fault of the sender's, who may have missed an answer. */
static uint64_t count_rejected(const struct span_model *m, uint64_t before[SPAN_PROBLEMS],
			       enum span_problem *worst)
{
	uint64_t rejected = 0, more;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_repeated); i++) {
		more = m->problems[not_repeated[i]].count - before[not_repeated[i]];
		if (more)
			*worst = not_repeated[i];
		rejected += more;
	}
	return rejected;
}

static void read_body(struct span_model *m, const struct otlp_keeper *keeper, const char *from,
		      enum otlp_encoding encoding, const void *body, size_t size,
		      struct otlp_answer *out)
{
	const size_t spans = m->nr_spans;
	enum span_problem worst = SPAN_PROBLEM_MALFORMED;
	uint64_t before[SPAN_PROBLEMS], rejected;
	char message[MESSAGE_MAX];
	struct span_source s;
	size_t i;
	int ret;

	for (i = 0; i < SPAN_PROBLEMS; i++)
		before[i] = m->problems[i].count;
	span_source_memory(&s, from, body, size);
	ret = encoding == OTLP_PROTO ? span_read_proto(&s, m) : span_read_otlp_json(&s, m);
	span_source_close(&s);
	if (ret) {
		snprintf(message, sizeof(message), "%s%s", s.error,
			 keeper ? "" : "; spans before that were taken");
		otlp_answer_error(encoding, 400, message, out);
		return;
	}
	if (keeper && m->nr_spans > spans && !keeper->keep(keeper->arg, m, body, size)) {
		otlp_answer_error(encoding, 503, "too many spans at a time: try again", out);
		return;
	}
	rejected = count_rejected(m, before, &worst);
	answer_taken(encoding, rejected, span_problem_text(worst), out);
}

void otlp_request_take(struct span_model *m, const struct otlp_keeper *keeper, const char *from,
		       enum otlp_encoding encoding, bool gzipped, const void *body, size_t size,
		       size_t max, struct otlp_answer *out)
{
	uint8_t *unpacked = NULL;
	size_t nr = 0;
	int ret = 0;

	if (gzipped)
		ret = unpack(body, size, max, &unpacked, &nr);
	if (ret == -EFBIG)
		otlp_answer_error(encoding, 413, "the body is too large when unpacked: export in smaller batches",
				  out);
	else if (ret)
		otlp_answer_error(encoding, 400, "the body is not gzip, or damaged", out);
	else
		read_body(m, keeper, from, encoding, gzipped ? unpacked : body, gzipped ? nr : size, out);
	free(unpacked);
}
