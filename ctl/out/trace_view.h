/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces for people and programs: the list, the tree of one, and OTLP's JSON lines. */
#ifndef TICKPROF_TRACE_VIEW_H
#define TICKPROF_TRACE_VIEW_H

#include <json_types.h>
#include <stdio.h>

#include "span/span_filter.h"

#define SPAN_TIME_MAX 24

/* Nanoseconds with a unit, right-aligned in 10 columns; returns out. */
const char *span_time_text(uint64_t ns, char out[SPAN_TIME_MAX]);

/* Everything below wants a model that span_model_link() has been through. */
void trace_view_list(const struct span_model *m, const struct span_selection *s, FILE *f);
void trace_view_tree(const struct span_model *m, const struct span_trace *t, FILE *f);
/* Into the object: the counts of all; "traces"; "trace" with its "spans", depth first. */
void trace_json_counts(const struct span_model *m, struct json_object *o);
void trace_json_list(const struct span_model *m, const struct span_selection *s,
		    struct json_object *o);
void trace_json_tree(const struct span_model *m, const struct span_trace *t,
		    struct json_object *o);
/* The parts of these. */
void trace_view_name(const struct span_model *m, const struct span *s, FILE *f);
void trace_view_marks(const struct span_model *m, const struct span *s, FILE *f);
void trace_view_date(uint64_t ns, FILE *f);
struct json_object *trace_json_trace(const struct span_model *m, const struct span_trace *t);
struct json_object *trace_json_span(const struct span_model *m, const struct span *s);
void trace_json_id(struct json_object *o, const char *key, const uint8_t *id, size_t size);

/*
 * All spans as OTLP's JSON lines, with what the model knows of them. 0 or -errno.
 * A line holds spans that came together, 512 at most.
 */
int trace_write_lines(const struct span_model *m, FILE *f);

#endif
