// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of interest: see span_attr.h. */
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "json_walk.h"
#include "span_attr.h"
#include "span_id.h"

enum attr {
	ATTR_NONE, ATTR_SERVICE, ATTR_HOST, ATTR_PID, ATTR_THREAD, ATTR_KIND, ATTR_STATUS,
	ATTR_STATUS_TEXT, ATTR_ERROR, ATTR_PROFILE,
};

static const struct {
	const char *key;
	enum attr attr;
} attrs[] = {
	{ "service.name", ATTR_SERVICE },
	{ "host.name", ATTR_HOST },
	{ "hostname", ATTR_HOST },		/* Jaeger's clients */
	{ "process.pid", ATTR_PID },
	{ "thread.id", ATTR_THREAD },
	{ "span.kind", ATTR_KIND },		/* OpenTracing's, hence Jaeger's */
	{ "otel.status_code", ATTR_STATUS },	/* OpenTelemetry's rules for Jaeger */
	{ "otel.status_description", ATTR_STATUS_TEXT },
	{ "error", ATTR_ERROR },
	{ "pyroscope.profile.id", ATTR_PROFILE },	/* of Pyroscope's wrappers around SDKs */
};

static const char *const kinds[SPAN_KINDS] = {
	"unspecified", "internal", "server", "client", "producer", "consumer",
};

static const char *const statuses[SPAN_STATUSES] = { "unset", "ok", "error" };

static enum attr find(const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		if (strlen(attrs[i].key) == len && !memcmp(attrs[i].key, key, len))
			return attrs[i].attr;
	return ATTR_NONE;
}

bool span_attr_wanted(const char *key, size_t len)
{
	return find(key, len) != ATTR_NONE;
}

static unsigned int parse_enum(const char *text, size_t len, const char *prefix,
			       const char *const *names, unsigned int nr)
{
	size_t skip = strlen(prefix);
	unsigned int i;

	if (len == 1 && *text >= '0' && *text <= '9')
		return (unsigned int)(*text - '0') < nr ? *text - '0' : 0;
	if (len > skip && !strncasecmp(text, prefix, skip)) {
		text += skip;
		len -= skip;
	}
	for (i = 0; i < nr; i++)
		if (strlen(names[i]) == len && !strncasecmp(names[i], text, len))
			return i;
	return 0;
}

enum span_kind span_kind_parse(const char *text, size_t len)
{
	return parse_enum(text, len, "SPAN_KIND_", kinds, SPAN_KINDS);
}

enum span_status span_status_parse(const char *text, size_t len)
{
	return parse_enum(text, len, "STATUS_CODE_", statuses, SPAN_STATUSES);
}

const char *span_kind_name(unsigned int kind)
{
	return kinds[kind < SPAN_KINDS ? kind : 0];
}

const char *span_status_name(unsigned int status)
{
	return statuses[status < SPAN_STATUSES ? status : 0];
}

static bool number(const struct span_value *v, int64_t *out)
{
	const struct json_scalar s = { JSON_TEXT, v->text, v->len };

	return json_scalar_i64(&s, out);
}

static uint32_t pid_of(const struct span_value *v, uint32_t before)
{
	int64_t n;

	return number(v, &n) && n > 0 && n <= INT32_MAX ? n : before;
}

static void take_profile_id(struct span_model *m, const struct span_place *at, struct span *s,
			    const struct span_value *v)
{
	static const uint8_t none[SPAN_ID_SIZE];

	s->flags |= SPAN_HAS_PROFILE;
	if (v && v->len == 2 * SPAN_ID_SIZE &&
	    span_id_parse_short(v->text, v->len, s->profile_id, SPAN_ID_SIZE) &&
	    memcmp(s->profile_id, none, SPAN_ID_SIZE))
		return;
	s->flags &= ~SPAN_HAS_PROFILE;
	span_model_problem(m, SPAN_PROBLEM_PROFILE_ID, at);
}

void span_attr_span(struct span_model *m, const struct span_place *at, struct span *s,
		    const char *key, size_t len, const struct span_value *v)
{
	const enum attr attr = find(key, len);

	if (attr == ATTR_PROFILE)
		take_profile_id(m, at, s, v);
	if (!v)
		return;
	switch (attr) {
	case ATTR_THREAD:
		if (number(v, &s->thread_id))
			s->flags |= SPAN_HAS_THREAD;
		break;
	case ATTR_PID:
		s->pid = pid_of(v, s->pid);
		break;
	case ATTR_KIND:
		s->kind = span_kind_parse(v->text, v->len);
		break;
	case ATTR_STATUS:
		s->status = span_status_parse(v->text, v->len);
		break;
	case ATTR_STATUS_TEXT:
		s->status_text = span_model_text(m, at, v->text, v->len);
		break;
	case ATTR_ERROR:
		if (v->len == 4 && !memcmp(v->text, "true", 4))
			s->status = SPAN_ERROR;
		break;
	default:
		break;
	}
}

void span_attr_resource(struct span_model *m, const struct span_place *at, uint32_t resource,
			const char *key, size_t len, const struct span_value *v)
{
	struct span_resource *r = &m->resources[resource];

	if (!resource)
		return;
	switch (find(key, len)) {
	case ATTR_SERVICE:
		r->service = span_model_text(m, at, v->text, v->len);
		break;
	case ATTR_HOST:
		r->host = span_model_text(m, at, v->text, v->len);
		break;
	case ATTR_PID:
		r->pid = pid_of(v, r->pid);
		break;
	default:
		break;
	}
}
