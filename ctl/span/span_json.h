/* SPDX-License-Identifier: GPL-2.0-only */
/* What the readers of JSON share: the span and the attribute at hand. */
#ifndef TICKPROF_SPAN_JSON_H
#define TICKPROF_SPAN_JSON_H

#include "json_walk.h"
#include "span_attr.h"

enum { SPAN_JSON_KEY_MAX = 32, SPAN_JSON_VALUE_MAX = 1100, SPAN_JSON_REFERENCES_MAX = 32 };

struct span_json {
	struct span_model *m;
	struct json_walk walk;
	uint32_t resource;		/* of the spans at hand */
	struct span_place at;		/* where it begins */
	struct span_draft draft;
	bool malformed;			/* the draft's, beyond what the model checks */
	struct span_link link;
	bool link_ok;
	/* An attribute, whose value may come before its key. */
	char key[SPAN_JSON_KEY_MAX];
	size_t key_len;
	char value[SPAN_JSON_VALUE_MAX];
	size_t value_len;
	bool has_key, has_value;
	/* Jaeger: references of the span at hand; resources by their names in the trace. */
	struct span_json_reference {
		struct span_link link;
		int type;
	} references[SPAN_JSON_REFERENCES_MAX];
	size_t nr_references;
	struct intern *processes;
	uint64_t start_us, duration_us;
};

/* Objects that a document may hold, for the table of the whole. */
extern const struct json_node span_json_otlp_resource_spans;
extern const struct json_node span_json_jaeger_trace;

void span_json_draft_begin(struct span_json *j);
/* Into the model. */
void span_json_draft_end(struct span_json *j);
const char *span_json_text(struct span_json *j, const struct json_scalar *v);

/* Attributes {key, value}: their parts in either order; then one of the two last. */
void span_json_attr_begin(struct span_json *j);
void span_json_attr_key(struct span_json *j, const struct json_scalar *v);
void span_json_attr_value(struct span_json *j, const struct json_scalar *v);
void span_json_attr_of_span(struct span_json *j);
void span_json_attr_of_resource(struct span_json *j, uint32_t resource);

#endif
