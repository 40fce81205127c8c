// SPDX-License-Identifier: GPL-2.0-only
/* Traces as --json: see trace_view.h. Times are nanoseconds, ids hexadecimal digits. */
#include "base/json.h"
#include "span/span_attr.h"
#include "span/span_id.h"
#include "trace_view.h"

void trace_json_id(struct json_object *o, const char *key, const uint8_t *id, size_t size)
{
	char text[SPAN_ID_TEXT_MAX];

	json_set_text(o, key, span_id_print(id, size, text));
}

static const char *const problem_keys[SPAN_PROBLEMS] = {
	[SPAN_PROBLEM_TRACE_ID] = "bad_trace_id",
	[SPAN_PROBLEM_SPAN_ID] = "bad_span_id",
	[SPAN_PROBLEM_DUPLICATE] = "duplicate",
	[SPAN_PROBLEM_CONFLICT] = "conflict",
	[SPAN_PROBLEM_MALFORMED] = "malformed",
	[SPAN_PROBLEM_FULL] = "no_memory",
	[SPAN_PROBLEM_PARENT_ID] = "bad_parent_id",
	[SPAN_PROBLEM_NO_TIME] = "no_time",
	[SPAN_PROBLEM_BACKWARD] = "backward",
	[SPAN_PROBLEM_CYCLE] = "cycle",
	[SPAN_PROBLEM_LINK] = "bad_link",
	[SPAN_PROBLEM_LONG_TEXT] = "long_text",
	[SPAN_PROBLEM_NOT_UTF8] = "not_utf8",
	[SPAN_PROBLEM_PROFILE_ID] = "bad_profile_id",
};

void trace_json_counts(const struct span_model *m, struct json_object *o)
{
	struct json_object *found = json_object_new_object();
	size_t i;

	json_set_u64(o, "nr_traces", m->nr_traces - 1);
	json_set_u64(o, "nr_spans", m->nr_spans - 1);
	json_set_u64(o, "left_out", span_model_left_out(m));
	for (i = 0; i < SPAN_PROBLEMS; i++)
		if (m->problems[i].count)
			json_set_u64(found, problem_keys[i], m->problems[i].count);
	json_object_object_add(o, "problems", found);
}

struct json_object *trace_json_trace(const struct span_model *m, const struct span_trace *t)
{
	const struct span *root = &m->spans[t->root];
	struct json_object *o = json_object_new_object();

	trace_json_id(o, "trace_id", t->id, TRACE_ID_SIZE);
	json_set_u64(o, "start", t->start);
	json_set_u64(o, "duration", t->end - t->start);
	json_set_u64(o, "nr_spans", t->nr_spans);
	json_set_u64(o, "nr_services", t->nr_services);
	json_set_u64(o, "errors", t->nr_errors);
	json_set_u64(o, "orphans", t->nr_orphans);
	json_set_text(o, "service", span_resource(m, root)->service);
	json_set_text(o, "name", root->name);
	return o;
}

void trace_json_list(const struct span_model *m, const struct span_selection *s,
		    struct json_object *o)
{
	struct json_object *traces = json_object_new_array();
	size_t i;

	json_set_u64(o, "nr_fit", s->nr_fit);
	for (i = 0; i < s->nr; i++)
		json_object_array_add(traces, trace_json_trace(m, &m->traces[s->traces[i]]));
	json_object_object_add(o, "traces", traces);
}

static void add_links(const struct span_model *m, const struct span *s, struct json_object *o)
{
	struct json_object *links = json_object_new_array(), *link;
	uint32_t n;

	for (n = s->links; n; n = m->links[n].next) {
		link = json_object_new_object();
		trace_json_id(link, "trace_id", m->links[n].trace_id, TRACE_ID_SIZE);
		trace_json_id(link, "span_id", m->links[n].span_id, SPAN_ID_SIZE);
		json_object_array_add(links, link);
	}
	json_object_object_add(o, "links", links);
}

static void add_origin(const struct span_model *m, const struct span *s, struct json_object *o)
{
	const struct span_resource *r = span_resource(m, s);
	const uint32_t pid = span_pid(m, s);

	json_set_text(o, "service", r->service);
	if (*r->host)
		json_set_text(o, "host", r->host);
	if (pid)
		json_set_u64(o, "pid", pid);
	if (s->flags & SPAN_HAS_THREAD)
		json_object_object_add(o, "thread_id", json_object_new_int64(s->thread_id));
}

struct json_object *trace_json_span(const struct span_model *m, const struct span *s)
{
	struct json_object *o = json_object_new_object();

	trace_json_id(o, "span_id", s->id, SPAN_ID_SIZE);
	if (s->flags & SPAN_HAS_PARENT)
		trace_json_id(o, "parent_id", s->parent_id, SPAN_ID_SIZE);
	json_object_object_add(o, "orphan", json_object_new_boolean(s->flags & SPAN_ORPHAN));
	json_set_u64(o, "depth", s->depth);
	if (s->flags & SPAN_HAS_PROFILE)
		trace_json_id(o, "profile_id", s->profile_id, SPAN_ID_SIZE);
	add_origin(m, s, o);
	json_set_text(o, "name", s->name);
	json_set_text(o, "kind", span_kind_name(s->kind));
	json_set_text(o, "status", span_status_name(s->status));
	if (*s->status_text)
		json_set_text(o, "status_text", s->status_text);
	json_object_object_add(o, "bad_time", json_object_new_boolean(s->flags & SPAN_BAD_TIME));
	json_set_u64(o, "start", s->start);
	json_set_u64(o, "duration", span_duration(s));
	json_set_u64(o, "self", s->self);
	if (s->links)
		add_links(m, s, o);
	return o;
}

void trace_json_tree(const struct span_model *m, const struct span_trace *t,
		    struct json_object *o)
{
	struct json_object *trace = trace_json_trace(m, t), *spans = json_object_new_array();
	uint32_t n;

	for (n = t->top; n; n = span_model_next(m, n))
		json_object_array_add(spans, trace_json_span(m, &m->spans[n]));
	json_object_object_add(trace, "spans", spans);
	json_object_object_add(o, "trace", trace);
}
