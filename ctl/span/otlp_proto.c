// SPDX-License-Identifier: GPL-2.0-only
/*
 * OTLP as protobuf: one TracesData or ExportTraceServiceRequest, which are the
 * same, or several, each behind its length as 4 bytes, the highest first, which
 * is what the collector's file exporter writes with "format: proto".
 *
 * protobuf-c unpacks spans and resources, one at a time. It reads whole messages
 * only and does not say where one is broken, so what holds them is walked here:
 * ResourceSpans {resource 1, scope_spans 2} of ScopeSpans {spans 2}.
 * Memory: the longest ResourceSpans or framed message, 256 MiB at most; 1 MiB for
 * the span at hand.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "proto/otlp_trace.pb-c.h"
#include "source.h"
#include "span_attr.h"

enum {
	MESSAGE_MAX = 256 << 20, STEP = 1 << 20, ARENA_SIZE = 1 << 20,
	WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5,
	FIELD_RESOURCE_SPANS = 1, FIELD_RESOURCE = 1, FIELD_SCOPE_SPANS = 2, FIELD_SPAN = 2,
	FIELD_LIBRARY_SPANS = 1000,	/* scope_spans before OTLP 0.15 */
};

struct proto {
	struct span_source *source;
	struct span_model *m;
	uint64_t offset;		/* bytes taken from the source */
	uint8_t *message;
	size_t cap_message;
	/* Where protobuf-c puts a span; emptied behind it. */
	uint8_t *arena;
	size_t arena_used;
	ProtobufCAllocator allocator;
};

/* Part of a message in memory. */
struct part {
	const uint8_t *at, *end;
	uint64_t offset;		/* of ->end in the source */
};

static uint64_t offset_of(const struct part *part)
{
	return part->offset - (part->end - part->at);
}

static int broken(struct proto *p, uint64_t offset, const char *what)
{
	const struct span_place at = { .offset = offset };

	return span_source_fail(p->source, &at, "not OTLP: %s", what);
}

/* --- unpacking one span ------------------------------------------------------------------- */

static void *arena_alloc(void *ctx, size_t size)
{
	struct proto *p = ctx;
	void *at = p->arena + p->arena_used;

	if (size > ARENA_SIZE - p->arena_used)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	p->arena_used = size < ARENA_SIZE - p->arena_used ? p->arena_used + size : ARENA_SIZE;
	return at;
}

static void arena_free(void *ctx, void *at)
{
}

static ProtobufCMessage *unpack(struct proto *p, const ProtobufCMessageDescriptor *type,
				const struct part *part)
{
	p->arena_used = 0;
	return protobuf_c_message_unpack(type, &p->allocator, part->end - part->at, part->at);
}

/* false: a value of no interest. buf is for numbers. */
static bool value_of(const Tickprof__Otlp__AnyValue *any, char buf[24], struct span_value *v)
{
	if (!any)
		return false;
	switch (any->value_case) {
	case TICKPROF__OTLP__ANY_VALUE__VALUE_STRING_VALUE:
		*v = (struct span_value) { (char *)any->string_value.data, any->string_value.len };
		return true;
	case TICKPROF__OTLP__ANY_VALUE__VALUE_INT_VALUE:
		v->len = snprintf(buf, 24, "%" PRId64, any->int_value);
		v->text = buf;
		return true;
	case TICKPROF__OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
		v->text = any->bool_value ? "true" : "false";
		v->len = strlen(v->text);
		return true;
	default:
		return false;
	}
}

static void take_links(struct proto *p, const struct span_place *at,
		       const Tickprof__Otlp__Span *in, struct span *s)
{
	struct span_link link;
	size_t i;

	for (i = 0; i < in->n_links; i++) {
		if (in->links[i]->trace_id.len != TRACE_ID_SIZE ||
		    in->links[i]->span_id.len != SPAN_ID_SIZE) {
			span_model_problem(p->m, SPAN_PROBLEM_LINK, at);
			continue;
		}
		memcpy(link.trace_id, in->links[i]->trace_id.data, TRACE_ID_SIZE);
		memcpy(link.span_id, in->links[i]->span_id.data, SPAN_ID_SIZE);
		link.next = s->links;
		s->links = span_model_link_to(p->m, at, &link);
	}
}

static bool take_id(const ProtobufCBinaryData *in, uint8_t *id, size_t size)
{
	if (in->len != size)
		return false;
	memcpy(id, in->data, size);
	return true;
}

static void take_span(struct proto *p, const struct span_place *at, uint32_t resource,
		      const Tickprof__Otlp__Span *in)
{
	struct span_draft d = { .span.resource = resource };
	struct span_value v;
	char buf[24];
	size_t i;

	d.trace_id_ok = take_id(&in->trace_id, d.trace_id, TRACE_ID_SIZE);
	d.span_id_ok = take_id(&in->span_id, d.span.id, SPAN_ID_SIZE);
	d.parent_id_ok = !in->parent_span_id.len ||
			 take_id(&in->parent_span_id, d.span.parent_id, SPAN_ID_SIZE);
	d.span.name = span_model_text(p->m, at, in->name.data, in->name.len);
	d.span.start = in->start_time_unix_nano;
	d.span.end = in->end_time_unix_nano;
	d.span.kind = in->kind >= 0 && in->kind < SPAN_KINDS ? in->kind : SPAN_UNSPECIFIED;
	if (in->status) {
		d.span.status = in->status->code >= 0 && in->status->code < SPAN_STATUSES ?
				in->status->code : SPAN_UNSET;
		d.span.status_text = span_model_text(p->m, at, in->status->message.data,
						     in->status->message.len);
	}
	for (i = 0; i < in->n_attributes; i++)
		span_attr_span(p->m, at, &d.span, (char *)in->attributes[i]->key.data,
			       in->attributes[i]->key.len,
			       value_of(in->attributes[i]->value, buf, &v) ? &v : NULL);
	take_links(p, at, in, &d.span);
	span_model_add(p->m, at, &d);
}

static void read_span(struct proto *p, const struct part *part, uint32_t resource)
{
	const struct span_place at = { .file = p->source->name, .offset = offset_of(part) };
	ProtobufCMessage *in = unpack(p, &tickprof__otlp__span__descriptor, part);

	if (in)
		take_span(p, &at, resource, (Tickprof__Otlp__Span *)in);
	else
		span_model_problem(p->m, SPAN_PROBLEM_MALFORMED, &at);
}

static int read_resource(struct proto *p, const struct part *part, uint32_t resource)
{
	const struct span_place at = { .file = p->source->name, .offset = offset_of(part) };
	const Tickprof__Otlp__Resource *in;
	struct span_value v;
	char buf[24];
	size_t i;

	in = (void *)unpack(p, &tickprof__otlp__resource__descriptor, part);
	if (!in)
		return broken(p, offset_of(part), "a resource that cannot be unpacked");
	for (i = 0; i < in->n_attributes; i++)
		if (value_of(in->attributes[i]->value, buf, &v))
			span_attr_resource(p->m, &at, resource, (char *)in->attributes[i]->key.data,
					   in->attributes[i]->key.len, &v);
	return 0;
}

/* --- walking what holds them -------------------------------------------------------------- */

static bool take_varint(struct part *part, uint64_t *out)
{
	unsigned int shift;

	*out = 0;
	for (shift = 0; shift < 64 && part->at < part->end; shift += 7) {
		uint8_t byte = *part->at++;

		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Behind a tag: its bytes, if it has a length. false: it does not end within the part. */
static bool take_field(struct part *part, unsigned int wire, struct part *bytes)
{
	uint64_t size;

	switch (wire) {
	case WIRE_VARINT:
		return take_varint(part, &size);
	case WIRE_64:
		size = 8;
		break;
	case WIRE_BYTES:
		if (!take_varint(part, &size))
			return false;
		break;
	case WIRE_32:
		size = 4;
		break;
	default:
		return false;
	}
	if (size > (uint64_t)(part->end - part->at))
		return false;
	bytes->at = part->at;
	bytes->end = part->at += size;
	bytes->offset = offset_of(part);
	return true;
}

/* The next field that has a length: 1 with its number, 0 at the end, or -EBADMSG. */
static int next_bytes(struct proto *p, struct part *part, uint64_t *field, struct part *bytes)
{
	const uint64_t offset = offset_of(part);
	uint64_t tag;

	while (part->at < part->end) {
		if (!take_varint(part, &tag) || !(tag >> 3) || !take_field(part, tag & 7, bytes))
			return broken(p, offset, "a field that does not end where it should");
		*field = tag >> 3;
		if ((tag & 7) == WIRE_BYTES)
			return 1;
	}
	return 0;
}

static int read_scope(struct proto *p, struct part scope, uint32_t resource)
{
	struct part bytes;
	uint64_t field;
	int ret;

	while ((ret = next_bytes(p, &scope, &field, &bytes)) > 0)
		if (field == FIELD_SPAN)
			read_span(p, &bytes, resource);
	return ret;
}

static int read_resource_spans(struct proto *p, struct part rs)
{
	uint32_t resource = span_model_resource(p->m);
	struct part bytes;
	uint64_t field;
	int ret;

	while ((ret = next_bytes(p, &rs, &field, &bytes)) > 0) {
		if (field == FIELD_RESOURCE)
			ret = read_resource(p, &bytes, resource);
		else if (field == FIELD_SCOPE_SPANS || field == FIELD_LIBRARY_SPANS)
			ret = read_scope(p, bytes, resource);
		if (ret < 0)
			return ret;
	}
	return ret;
}

/* --- from the source ---------------------------------------------------------------------- */

/* So many bytes into ->message. A length that lies costs no more than the file holds. */
static int take_message(struct proto *p, uint64_t size, const char *what)
{
	size_t done = 0, step;
	ssize_t n;

	if (size > MESSAGE_MAX)
		return broken(p, p->offset, what);
	for (; done < size; done += n) {
		step = size - done < STEP ? size - done : STEP;
		GROW(p->message, p->cap_message, done + step);
		n = span_source_read(p->source, p->message + done, step);
		if (n < 0)
			return n;
		p->offset += n;
		if (!n)
			return broken(p, p->offset, "ends in the middle of a message: was it copied whole?");
	}
	return 0;
}

static struct part message_part(const struct proto *p, uint64_t size)
{
	return (struct part) { p->message, p->message + size, p->offset };
}

/* 1, 0 at the end, -errno. A varint is short enough to be asked for byte by byte. */
static int source_varint(struct proto *p, bool may_end, uint64_t *out)
{
	uint8_t bytes[10];
	size_t nr = 0;
	ssize_t n;

	do {
		n = span_source_read(p->source, bytes + nr, 1);
		if (n < 0)
			return n;
		if (!n && !nr && may_end)
			return 0;
		p->offset += n;
		if (!n)
			return broken(p, p->offset, "ends in the middle of a message: was it copied whole?");
	} while (bytes[nr++] & 0x80 && nr < sizeof(bytes));
	return take_varint(&(struct part) { bytes, bytes + nr }, out) ? 1 :
	       broken(p, p->offset, "a number of more than 64 bits");
}

static int skip_or_read(struct proto *p, uint64_t tag)
{
	uint64_t size = (tag & 7) == WIRE_64 ? 8 : 4;
	int ret;

	if (!(tag >> 3) || (tag & 7) > WIRE_32 || (tag & 7) == 3 || (tag & 7) == 4)
		return broken(p, p->offset, "a field of no known type");
	if ((tag & 7) == WIRE_VARINT || (tag & 7) == WIRE_BYTES) {
		ret = source_varint(p, false, &size);
		if (ret < 0)
			return ret;
	}
	if ((tag & 7) == WIRE_VARINT)
		return 0;
	ret = take_message(p, size, "a message of more than 256 MiB");
	if (!ret && tag == (FIELD_RESOURCE_SPANS << 3 | WIRE_BYTES))
		ret = read_resource_spans(p, message_part(p, size));
	return ret;
}

static int read_one(struct proto *p)
{
	uint64_t tag;
	int ret;

	while ((ret = source_varint(p, true, &tag)) > 0) {
		ret = skip_or_read(p, tag);
		if (ret)
			return ret;
	}
	return ret;
}

static int read_frame(struct proto *p, const uint8_t length[4])
{
	uint32_t size = (uint32_t)length[0] << 24 | length[1] << 16 | length[2] << 8 | length[3];
	struct part frame, bytes;
	uint64_t field;
	int ret;

	ret = take_message(p, size, "a length of more than 256 MiB in front of a message");
	if (ret)
		return ret;
	frame = message_part(p, size);
	while ((ret = next_bytes(p, &frame, &field, &bytes)) > 0) {
		if (field == FIELD_RESOURCE_SPANS)
			ret = read_resource_spans(p, bytes);
		if (ret < 0)
			return ret;
	}
	return ret;
}

static int read_frames(struct proto *p)
{
	uint8_t length[4];
	int ret = 0;
	ssize_t n;

	while (!ret) {
		n = span_source_read(p->source, length, sizeof(length));
		if (n <= 0)
			return n;
		p->offset += n;
		if (n < (ssize_t)sizeof(length))
			return broken(p, p->offset, "ends in the middle of a length: was it copied whole?");
		ret = read_frame(p, length);
	}
	return ret;
}

static int run(struct span_source *s, struct span_model *m, int (*reader)(struct proto *p))
{
	struct proto p = {
		.source = s, .m = m, .arena = xmalloc(ARENA_SIZE),
		.allocator = { arena_alloc, arena_free, &p },
	};
	int ret = reader(&p);

	free(p.arena);
	free(p.message);
	return ret;
}

int span_read_proto(struct span_source *s, struct span_model *m)
{
	return run(s, m, read_one);
}

int span_read_proto_frames(struct span_source *s, struct span_model *m)
{
	return run(s, m, read_frames);
}
