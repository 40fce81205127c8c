// SPDX-License-Identifier: GPL-2.0-only
/*
 * OTLP's JSON (opentelemetry-proto trace/v1, in protobuf's mapping to JSON, ids in
 * hexadecimal), and Tempo's, which is the same with ids in base64 and the names
 * of enumerators. Unknown keys are passed over, as the mapping demands.
 */
#include "span_id.h"
#include "span_json.h"

enum {
	FIELD_KEY = 1, FIELD_VALUE, FIELD_TRACE_ID, FIELD_SPAN_ID, FIELD_PARENT_ID, FIELD_NAME,
	FIELD_KIND, FIELD_START, FIELD_END, FIELD_STATUS, FIELD_STATUS_TEXT,
};

/* --- attributes --------------------------------------------------------------------------- */

static void any_value(void *ctx, int field, const struct json_scalar *v)
{
	span_json_attr_value(ctx, v);
}

static const struct json_rule any_rules[] = {
	{ "stringValue", NULL, FIELD_VALUE },
	{ "intValue", NULL, FIELD_VALUE },
	{ "boolValue", NULL, FIELD_VALUE },
	{ 0 }
};

static const struct json_node any = { .rules = any_rules, .value = any_value };

static const struct json_rule attr_rules[] = {
	{ "key", NULL, FIELD_KEY },
	{ "value", &any },
	{ 0 }
};

static void attr_enter(void *ctx, const char *key, size_t len)
{
	span_json_attr_begin(ctx);
}

static void attr_value(void *ctx, int field, const struct json_scalar *v)
{
	span_json_attr_key(ctx, v);
}

static void span_attr_leave(void *ctx)
{
	span_json_attr_of_span(ctx);
}

static void resource_attr_leave(void *ctx)
{
	struct span_json *j = ctx;

	span_json_attr_of_resource(j, j->resource);
}

static const struct json_node span_attr = {
	.rules = attr_rules, .enter = attr_enter, .leave = span_attr_leave, .value = attr_value,
};

static const struct json_node resource_attr = {
	.rules = attr_rules, .enter = attr_enter, .leave = resource_attr_leave, .value = attr_value,
};

/* --- spans -------------------------------------------------------------------------------- */

static void link_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	j->link = (struct span_link) { 0 };
	j->link_ok = true;
}

static void link_value(void *ctx, int field, const struct json_scalar *v)
{
	struct span_json *j = ctx;

	j->link_ok &= field == FIELD_TRACE_ID ?
		      span_id_parse(v->text, v->len, j->link.trace_id, TRACE_ID_SIZE) :
		      span_id_parse(v->text, v->len, j->link.span_id, SPAN_ID_SIZE);
}

static void link_leave(void *ctx)
{
	struct span_json *j = ctx;

	j->link.next = j->draft.span.links;
	if (j->link_ok)
		j->draft.span.links = span_model_link_to(j->m, &j->at, &j->link);
	else
		span_model_problem(j->m, SPAN_PROBLEM_LINK, &j->at);
}

static const struct json_rule link_rules[] = {
	{ "traceId", NULL, FIELD_TRACE_ID },
	{ "spanId", NULL, FIELD_SPAN_ID },
	{ 0 }
};

static const struct json_node link_node = {
	.rules = link_rules, .enter = link_enter, .leave = link_leave, .value = link_value,
};

static void status_value(void *ctx, int field, const struct json_scalar *v)
{
	struct span_json *j = ctx;

	if (field == FIELD_STATUS)
		j->draft.span.status = span_status_parse(v->text, v->len);
	else
		j->draft.span.status_text = span_json_text(j, v);
}

static const struct json_rule status_rules[] = {
	{ "code", NULL, FIELD_STATUS },
	{ "message", NULL, FIELD_STATUS_TEXT },
	{ 0 }
};

static const struct json_node status = { .rules = status_rules, .value = status_value };

static void span_enter(void *ctx, const char *key, size_t len)
{
	span_json_draft_begin(ctx);
}

static void span_leave(void *ctx)
{
	span_json_draft_end(ctx);
}

static void span_value(void *ctx, int field, const struct json_scalar *v)
{
	struct span_json *j = ctx;
	struct span_draft *d = &j->draft;

	switch (field) {
	case FIELD_TRACE_ID:
		d->trace_id_ok = span_id_parse(v->text, v->len, d->trace_id, TRACE_ID_SIZE);
		break;
	case FIELD_SPAN_ID:
		d->span_id_ok = span_id_parse(v->text, v->len, d->span.id, SPAN_ID_SIZE);
		break;
	case FIELD_PARENT_ID:
		d->parent_id_ok = !v->len ||
				  span_id_parse(v->text, v->len, d->span.parent_id, SPAN_ID_SIZE);
		break;
	case FIELD_NAME:
		d->span.name = span_json_text(j, v);
		break;
	case FIELD_KIND:
		d->span.kind = span_kind_parse(v->text, v->len);
		break;
	case FIELD_START:
		j->malformed |= !json_scalar_u64(v, &d->span.start);
		break;
	case FIELD_END:
		j->malformed |= !json_scalar_u64(v, &d->span.end);
		break;
	}
}

static const struct json_rule span_rules[] = {
	{ "traceId", NULL, FIELD_TRACE_ID },
	{ "spanId", NULL, FIELD_SPAN_ID },
	{ "parentSpanId", NULL, FIELD_PARENT_ID },
	{ "name", NULL, FIELD_NAME },
	{ "kind", NULL, FIELD_KIND },
	{ "startTimeUnixNano", NULL, FIELD_START },
	{ "endTimeUnixNano", NULL, FIELD_END },
	{ "attributes", &span_attr },
	{ "status", &status },
	{ "links", &link_node },
	{ 0 }
};

static const struct json_node span_node = {
	.rules = span_rules, .enter = span_enter, .leave = span_leave, .value = span_value,
};

/* --- what holds them ---------------------------------------------------------------------- */

static const struct json_rule scope_rules[] = {
	{ "spans", &span_node },
	{ 0 }
};

static const struct json_node scope = { .rules = scope_rules };

static const struct json_rule resource_rules[] = {
	{ "attributes", &resource_attr },
	{ 0 }
};

static const struct json_node resource = { .rules = resource_rules };

static const struct json_rule resource_spans_rules[] = {
	{ "resource", &resource },
	{ "scopeSpans", &scope },
	{ "instrumentationLibrarySpans", &scope },	/* its name before OTLP 0.15 */
	{ 0 }
};

/* The resource may come behind its spans, which have its number already. */
static void resource_spans_enter(void *ctx, const char *key, size_t len)
{
	struct span_json *j = ctx;

	j->resource = span_model_resource(j->m);
}

const struct json_node span_json_otlp_resource_spans = {
	.rules = resource_spans_rules, .enter = resource_spans_enter,
};
