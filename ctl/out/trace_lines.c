// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans as OTLP's JSON lines (the OpenTelemetry file exporter's format): see
 * trace_view.h. Only what the model keeps is there to be written: no events, and
 * of the attributes those that tickprof uses.
 */
#include <errno.h>
#include <inttypes.h>
#include <json_object.h>

#include "base/json.h"
#include "span/span_id.h"
#include "trace_view.h"

enum { LINE_SPANS = 512 };

/* 64 bits are text in protobuf's JSON. */
static void set_long(struct json_object *o, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	json_set_text(o, key, text);
}

static void set_time(struct json_object *o, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_set_text(o, key, text);
}

static void add_attribute(struct json_object *list, const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_set_text(o, "key", key);
	json_object_object_add(o, "value", value);
	json_object_array_add(list, o);
}

static void add_text(struct json_object *list, const char *key, const char *text)
{
	struct json_object *value;

	if (!*text)
		return;
	value = json_object_new_object();
	json_set_text(value, "stringValue", text);
	add_attribute(list, key, value);
}

static void add_number(struct json_object *list, const char *key, int64_t number)
{
	struct json_object *value = json_object_new_object();

	set_long(value, "intValue", number);
	add_attribute(list, key, value);
}

static struct json_object *resource_object(const struct span_resource *r)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	add_text(list, "service.name", r->service);
	add_text(list, "host.name", r->host);
	if (r->pid)
		add_number(list, "process.pid", r->pid);
	json_object_object_add(o, "attributes", list);
	return o;
}

static void add_attributes(struct json_object *o, const struct span *s)
{
	struct json_object *list = json_object_new_array();
	char id[SPAN_ID_TEXT_MAX];

	if (s->pid)
		add_number(list, "process.pid", s->pid);
	if (s->flags & SPAN_HAS_THREAD)
		add_number(list, "thread.id", s->thread_id);
	if (s->flags & SPAN_HAS_PROFILE)
		add_text(list, "pyroscope.profile.id",
			 span_id_print(s->profile_id, SPAN_ID_SIZE, id));
	if (json_object_array_length(list))
		json_object_object_add(o, "attributes", list);
	else
		json_object_put(list);
}

static void add_links(struct json_object *o, const struct span_model *m, const struct span *s)
{
	struct json_object *list, *link;
	uint32_t n;

	if (!s->links)
		return;
	list = json_object_new_array();
	for (n = s->links; n; n = m->links[n].next) {
		link = json_object_new_object();
		trace_json_id(link, "traceId", m->links[n].trace_id, TRACE_ID_SIZE);
		trace_json_id(link, "spanId", m->links[n].span_id, SPAN_ID_SIZE);
		json_object_array_add(list, link);
	}
	json_object_object_add(o, "links", list);
}

static void add_status(struct json_object *o, const struct span *s)
{
	struct json_object *status;

	if (s->status == SPAN_UNSET && !*s->status_text)
		return;
	status = json_object_new_object();
	if (*s->status_text)
		json_set_text(status, "message", s->status_text);
	json_object_object_add(status, "code", json_object_new_int(s->status));
	json_object_object_add(o, "status", status);
}

static struct json_object *span_object(const struct span_model *m, const struct span *s)
{
	struct json_object *o = json_object_new_object();

	trace_json_id(o, "traceId", m->traces[s->trace].id, TRACE_ID_SIZE);
	trace_json_id(o, "spanId", s->id, SPAN_ID_SIZE);
	if (s->flags & SPAN_HAS_PARENT)
		trace_json_id(o, "parentSpanId", s->parent_id, SPAN_ID_SIZE);
	json_set_text(o, "name", s->name);
	json_object_object_add(o, "kind", json_object_new_int(s->kind));
	set_time(o, "startTimeUnixNano", s->start);
	set_time(o, "endTimeUnixNano", s->end);
	add_attributes(o, s);
	add_links(o, m, s);
	add_status(o, s);
	return o;
}

/* A line for spans number first to last, all of one resource. */
static struct json_object *line_object(const struct span_model *m, size_t first, size_t last)
{
	struct json_object *doc = json_object_new_object(), *list = json_object_new_array();
	struct json_object *rs = json_object_new_object(), *scopes = json_object_new_array();
	struct json_object *scope = json_object_new_object(), *spans = json_object_new_array();

	for (; first <= last; first++)
		json_object_array_add(spans, span_object(m, &m->spans[first]));
	json_object_object_add(scope, "spans", spans);
	json_object_array_add(scopes, scope);
	json_object_object_add(rs, "resource",
			       resource_object(&m->resources[m->spans[last].resource]));
	json_object_object_add(rs, "scopeSpans", scopes);
	json_object_array_add(list, rs);
	json_object_object_add(doc, "resourceSpans", list);
	return doc;
}

int trace_write_lines(const struct span_model *m, FILE *f)
{
	size_t first, last;

	for (first = 1; first < m->nr_spans; first = last + 1) {
		struct json_object *line;

		for (last = first; last + 1 < m->nr_spans && last + 1 - first < LINE_SPANS; last++)
			if (m->spans[last + 1].resource != m->spans[first].resource)
				break;
		line = line_object(m, first, last);
		fprintf(f, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(line);
	}
	return fflush(f) || ferror(f) ? -(errno ? errno : EIO) : 0;
}
