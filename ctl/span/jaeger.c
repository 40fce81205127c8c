// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jaeger's JSON, as /api/traces/ID and its user interface give it: {"data":
 * [{traceID, spans [{references, startTime, duration, tags, processID}],
 * processes {ID: {serviceName, tags}}}]}. Times are microseconds; ids may lack
 * zeros in front. The processes mostly come behind the spans, which until then
 * have the number of a resource without name.
 */
#include <string.h>

#include "base/intern.h"
#include "span_id.h"
#include "span_json.h"

enum {
	FIELD_KEY = 1, FIELD_VALUE, FIELD_TRACE_ID, FIELD_SPAN_ID, FIELD_PARENT_ID, FIELD_NAME,
	FIELD_START, FIELD_DURATION, FIELD_PROCESS, FIELD_REFERENCE, FIELD_SERVICE,
};

enum { REFERENCE_OTHER, REFERENCE_FOLLOWS, REFERENCE_CHILD };

static bool trace_id(const struct json_scalar *v, uint8_t *id)
{
	return span_id_parse_short(v->text, v->len, id, TRACE_ID_SIZE);
}

static bool span_id(const struct json_scalar *v, uint8_t *id)
{
	return span_id_parse_short(v->text, v->len, id, SPAN_ID_SIZE);
}

/* --- tags --------------------------------------------------------------------------------- */

static void tag_enter(void *ctx, const char *key, size_t len)
{
	span_json_attr_begin(ctx);
}

static void tag_value(void *ctx, int field, const struct json_scalar *v)
{
	if (field == FIELD_KEY)
		span_json_attr_key(ctx, v);
	else
		span_json_attr_value(ctx, v);
}

static void span_tag_leave(void *ctx)
{
	span_json_attr_of_span(ctx);
}

static void process_tag_leave(void *ctx)
{
	struct span_json *j = ctx;

	span_json_attr_of_resource(j, j->resource);
}

static const struct json_rule tag_rules[] = {
	{ "key", NULL, FIELD_KEY },
	{ "value", NULL, FIELD_VALUE },
	{ 0 }
};

static const struct json_node span_tag = {
	.rules = tag_rules, .enter = tag_enter, .leave = span_tag_leave, .value = tag_value,
};

static const struct json_node process_tag = {
	.rules = tag_rules, .enter = tag_enter, .leave = process_tag_leave, .value = tag_value,
};

/* --- references --------------------------------------------------------------------------- */

static void reference_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	j->link = (struct span_link) { 0 };
	j->link_ok = true;
	if (j->nr_references < SPAN_JSON_REFERENCES_MAX)
		j->references[j->nr_references].type = REFERENCE_OTHER;
}

static void reference_value(void *ctx, int field, const struct json_scalar *v)
{
	struct span_json *j = ctx;
	int type = json_scalar_is(v, "CHILD_OF") ? REFERENCE_CHILD :
		   json_scalar_is(v, "FOLLOWS_FROM") ? REFERENCE_FOLLOWS : REFERENCE_OTHER;

	if (field == FIELD_TRACE_ID)
		j->link_ok &= trace_id(v, j->link.trace_id);
	else if (field == FIELD_SPAN_ID)
		j->link_ok &= span_id(v, j->link.span_id);
	else if (j->nr_references < SPAN_JSON_REFERENCES_MAX)
		j->references[j->nr_references].type = type;
}

static void reference_leave(void *ctx)
{
	struct span_json *j = ctx;

	if (!j->link_ok || j->nr_references == SPAN_JSON_REFERENCES_MAX)
		span_model_problem(j->m, SPAN_PROBLEM_LINK, &j->at);
	else
		j->references[j->nr_references++].link = j->link;
}

static const struct json_rule reference_rules[] = {
	{ "refType", NULL, FIELD_REFERENCE },
	{ "traceID", NULL, FIELD_TRACE_ID },
	{ "spanID", NULL, FIELD_SPAN_ID },
	{ 0 }
};

static const struct json_node reference = {
	.rules = reference_rules, .enter = reference_enter, .leave = reference_leave,
	.value = reference_value,
};

/* The first of that type within the span's own trace; NULL: none. */
static struct span_json_reference *find_reference(struct span_json *j, int type)
{
	struct span_json_reference *r;

	for (r = j->references; r < j->references + j->nr_references; r++)
		if (r->type == type &&
		    !memcmp(r->link.trace_id, j->draft.trace_id, TRACE_ID_SIZE))
			return r;
	return NULL;
}

/* CHILD_OF is the parent, else FOLLOWS_FROM, as Jaeger draws it; the others are links. */
static void resolve_references(struct span_json *j)
{
	struct span_json_reference *parent = find_reference(j, REFERENCE_CHILD), *r;
	struct span *s = &j->draft.span;

	if (!parent)
		parent = find_reference(j, REFERENCE_FOLLOWS);
	if (parent)
		memcpy(s->parent_id, parent->link.span_id, SPAN_ID_SIZE);
	for (r = j->references; r < j->references + j->nr_references; r++) {
		if (r == parent)
			continue;
		r->link.next = s->links;
		s->links = span_model_link_to(j->m, &j->at, &r->link);
	}
}

/* --- processes and spans ------------------------------------------------------------------ */

/* The resource that this trace calls so; made when first heard of. */
static uint32_t process(struct span_json *j, const char *name, size_t len)
{
	struct intern_entry *e;
	uint32_t resource;

	if (!j->processes || !len || len > 255)
		return 0;
	e = intern_find(j->processes, name, len);
	if (e)
		return (uintptr_t)e->value;
	resource = span_model_resource(j->m);
	if (resource)
		intern_get(j->processes, name, len)->value = (void *)(uintptr_t)resource;
	return resource;
}

static void process_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	j->resource = process(j, key, len);
}

static void process_value(void *ctx, int field, const struct json_scalar *v)
{
	const struct span_value value = { v->text, v->len };
	struct span_json *j = ctx;

	j->at = json_walk_place(&j->walk);
	span_attr_resource(j->m, &j->at, j->resource, "service.name", strlen("service.name"),
			   &value);
}

static void process_leave(void *ctx)
{
	((struct span_json *)ctx)->resource = 0;
}

static void span_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	span_json_draft_begin(j);
	j->nr_references = 0;
	j->start_us = j->duration_us = 0;
}

static void span_leave(void *ctx)
{
	struct span_json *j = ctx;
	struct span *s = &j->draft.span;

	resolve_references(j);
	j->malformed |= __builtin_mul_overflow(j->start_us, 1000, &s->start) ||
			__builtin_mul_overflow(j->duration_us, 1000, &s->end) ||
			__builtin_add_overflow(s->start, s->end, &s->end);
	if (!s->start)
		s->end = 0;
	span_json_draft_end(j);
}

static void span_value(void *ctx, int field, const struct json_scalar *v)
{
	struct span_json *j = ctx;
	struct span_draft *d = &j->draft;

	switch (field) {
	case FIELD_TRACE_ID:
		d->trace_id_ok = trace_id(v, d->trace_id);
		break;
	case FIELD_SPAN_ID:
		d->span_id_ok = span_id(v, d->span.id);
		break;
	case FIELD_PARENT_ID:
		d->parent_id_ok = !v->len || span_id(v, d->span.parent_id);
		break;
	case FIELD_NAME:
		d->span.name = span_json_text(j, v);
		break;
	case FIELD_START:
		j->malformed |= !json_scalar_u64(v, &j->start_us);
		break;
	case FIELD_DURATION:
		j->malformed |= !json_scalar_u64(v, &j->duration_us);
		break;
	case FIELD_PROCESS:
		d->span.resource = process(j, v->text, v->len);
		break;
	}
}

static const struct json_rule span_rules[] = {
	{ "traceID", NULL, FIELD_TRACE_ID },
	{ "spanID", NULL, FIELD_SPAN_ID },
	{ "parentSpanID", NULL, FIELD_PARENT_ID },	/* before there were references */
	{ "operationName", NULL, FIELD_NAME },
	{ "references", &reference },
	{ "startTime", NULL, FIELD_START },
	{ "duration", NULL, FIELD_DURATION },
	{ "tags", &span_tag },
	{ "processID", NULL, FIELD_PROCESS },
	{ 0 }
};

static const struct json_node span_node = {
	.rules = span_rules, .enter = span_enter, .leave = span_leave, .value = span_value,
};

static const struct json_rule process_rules[] = {
	{ "serviceName", NULL, FIELD_SERVICE },
	{ "tags", &process_tag },
	{ 0 }
};

static const struct json_node process_node = {
	.rules = process_rules, .enter = process_enter, .leave = process_leave,
	.value = process_value,
};

static const struct json_rule processes_rules[] = {
	{ NULL, &process_node },
	{ 0 }
};

static const struct json_node processes = { .rules = processes_rules };

static void trace_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	intern_destroy(j->processes);
	j->processes = intern_create();
	j->resource = 0;
}

static const struct json_rule trace_rules[] = {
	{ "spans", &span_node },
	{ "processes", &processes },
	{ 0 }
};

const struct json_node span_json_jaeger_trace = { .rules = trace_rules, .enter = trace_enter };
