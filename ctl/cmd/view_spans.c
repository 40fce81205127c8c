// SPDX-License-Identifier: GPL-2.0-only
/* Narrowing a capture to traces and spans, and naming these: see view.h. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "span/span_id.h"
#include "view.h"

/* First digits of an id, which has size bytes. */
static int parse_digits(const struct command *cmd, const char *option, size_t size,
			const char **out)
{
	char *digits = xstrdup(optarg), *at;

	for (at = digits; isxdigit((unsigned char)*at); at++)
		*at = tolower((unsigned char)*at);
	free((char *)*out);
	*out = digits;
	if (*at || at == digits || (size_t)(at - digits) > 2 * size)
		return usage_error(cmd, "--%s takes up to %zu hexadecimal digits, not '%s'", option,
				   2 * size, optarg);
	return COMMAND_RUN;
}

int view_span_option(const struct command *cmd, struct view_options *o, int id)
{
	switch (id) {
	case VIEW_TRACE:
		return parse_digits(cmd, "trace", TRACE_ID_SIZE, &o->trace);
	case VIEW_SPAN:
		return parse_digits(cmd, "span", SPAN_ID_SIZE, &o->span);
	case VIEW_JOIN:
		o->profile.join_by_thread = true;
		break;
	case VIEW_PROFILE_IDS:
		o->profile.profile_ids = true;
		break;
	case VIEW_SPAN_NAME:
		o->span_name = optarg;
		break;
	case VIEW_SPANS:
		GROW(o->spans, o->cap_spans, o->nr_spans + 1);
		o->spans[o->nr_spans++] = optarg;
		break;
	}
	return COMMAND_RUN;
}

int view_read_spans(struct view *v, const struct view_options *o)
{
	int status = EXIT_OK;
	size_t i;

	v->spans = span_options_recorded(v->capture, v->path);
	if (o->nr_spans && !v->spans)
		v->spans = span_model_create(SPAN_BYTES_MAX);
	for (i = 0; i < o->nr_spans && !status; i++)
		status = span_options_read(v->spans, o->spans[i]);
	if (!v->spans)
		return status;
	span_model_link(v->spans);
	span_options_warn(v->spans);
	return status;
}

static bool begins(const uint8_t *id, size_t size, const char *digits)
{
	char text[SPAN_ID_TEXT_MAX];

	return !digits || !strncmp(span_id_print(id, size, text), digits, strlen(digits));
}

bool view_shows_context(const struct view_options *o, const struct profile *p, uint32_t context)
{
	const struct profile_context *c;

	if (!o->trace && !o->span && !o->span_name)
		return true;
	if (!context)
		return false;
	c = profile_context(p, context);
	return begins(c->trace_id, TRACE_ID_SIZE, o->trace) &&
	       begins(c->span_id, SPAN_ID_SIZE, o->span) &&
	       (!o->span_name || !fnmatch(o->span_name, c->span_name, 0));
}
