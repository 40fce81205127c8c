/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few attributes that tickprof makes use of, by OpenTelemetry's names and
 * Jaeger's; all others pass.
 */
#ifndef TICKPROF_SPAN_ATTR_H
#define TICKPROF_SPAN_ATTR_H

#include "span.h"

struct span_value {
	const char *text;	/* as text, numbers as digits; may be without NUL */
	size_t len;
};

/*
 * Of a span: thread.id, process.pid, pyroscope.profile.id; as Jaeger's tag also kind, status and
 * error. v NULL: a value of another type, such as a list.
 */
void span_attr_span(struct span_model *m, const struct span_place *at, struct span *s,
		    const char *key, size_t len, const struct span_value *v);
/* Of what sent it: service.name, host.name, process.pid. "resource" 0 is left alone. */
void span_attr_resource(struct span_model *m, const struct span_place *at, uint32_t resource,
			const char *key, size_t len, const struct span_value *v);
/* Whether one of the two would look at it. */
bool span_attr_wanted(const char *key, size_t len);

/*
 * A number, or OTLP's name of it: SPAN_KIND_SERVER, STATUS_CODE_ERROR; of either
 * case, without prefix too.
 */
enum span_kind span_kind_parse(const char *text, size_t len);
enum span_status span_status_parse(const char *text, size_t len);
const char *span_kind_name(unsigned int kind);		/* "server" */
const char *span_status_name(unsigned int status);	/* "error" */

#endif
