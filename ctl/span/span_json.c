// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans from JSON, of all the kinds there are: which one it is, its first keys
 * tell. OTLP has resourceSpans; Tempo's API batches, or trace with that within;
 * Jaeger's data, its version 3 result around OTLP.
 */
#include <string.h>

#include "base/intern.h"
#include "span_json.h"

extern const struct json_node span_json_root;

static const struct json_rule root_rules[] = {
	{ "resourceSpans", &span_json_otlp_resource_spans },
	{ "batches", &span_json_otlp_resource_spans },
	{ "data", &span_json_jaeger_trace },
	{ "trace", &span_json_root },
	{ "result", &span_json_root },
	{ 0 }
};

const struct json_node span_json_root = { .rules = root_rules };

static const struct json_rule otlp_rules[] = {
	{ "resourceSpans", &span_json_otlp_resource_spans },
	{ 0 }
};

static const struct json_node otlp_root = { .rules = otlp_rules };

void span_json_draft_begin(struct span_json *j)
{
	j->at = json_walk_place(&j->walk);
	j->at.offset--;			/* behind its brace */
	j->draft = (struct span_draft) { .span.resource = j->resource, .parent_id_ok = true };
	j->malformed = false;
}

void span_json_draft_end(struct span_json *j)
{
	if (j->malformed)
		span_model_problem(j->m, SPAN_PROBLEM_MALFORMED, &j->at);
	else
		span_model_add(j->m, &j->at, &j->draft);
}

const char *span_json_text(struct span_json *j, const struct json_scalar *v)
{
	return span_model_text(j->m, &j->at, v->text, v->len);
}

void span_json_attr_begin(struct span_json *j)
{
	j->has_key = j->has_value = false;
}

void span_json_attr_key(struct span_json *j, const struct json_scalar *v)
{
	j->has_key = v->len < sizeof(j->key) && span_attr_wanted(v->text, v->len);
	if (!j->has_key)
		return;
	memcpy(j->key, v->text, v->len);
	j->key_len = v->len;
}

void span_json_attr_value(struct span_json *j, const struct json_scalar *v)
{
	j->has_value = true;
	/* Longer than the model keeps, so that it sees that it was cut. */
	j->value_len = v->len < sizeof(j->value) ? v->len : sizeof(j->value);
	memcpy(j->value, v->text, j->value_len);
}

void span_json_attr_of_span(struct span_json *j)
{
	const struct span_value v = { j->value, j->value_len };

	if (j->has_key)
		span_attr_span(j->m, &j->at, &j->draft.span, j->key, j->key_len,
			       j->has_value ? &v : NULL);
}

void span_json_attr_of_resource(struct span_json *j, uint32_t resource)
{
	const struct span_value v = { j->value, j->value_len };

	if (!j->has_key || !j->has_value)
		return;
	j->at = json_walk_place(&j->walk);
	span_attr_resource(j->m, &j->at, resource, j->key, j->key_len, &v);
}

static int read_json(struct span_source *s, struct span_model *m, const struct json_node *root,
		     bool *met)
{
	struct span_json j = {
		.m = m,
		.walk = { .source = s, .root = root, .ctx = &j },
	};
	int ret = json_walk_run(&j.walk);

	intern_destroy(j.processes);
	*met = j.walk.met;
	return ret;
}

int span_read_json(struct span_source *s, struct span_model *m)
{
	bool met;
	int ret = read_json(s, m, &span_json_root, &met);

	if (!ret && !met)
		return span_source_fail(s, NULL, "JSON, but no spans: it has none of "
					"resourceSpans, batches, data");
	return ret;
}

int span_read_otlp_json(struct span_source *s, struct span_model *m)
{
	bool met;

	return read_json(s, m, &otlp_root, &met);
}
