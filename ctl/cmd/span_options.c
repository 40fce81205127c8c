// SPDX-License-Identifier: GPL-2.0-only
/* Commands about traces: see span_options.h. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#include "base/units.h"
#include "span/source.h"
#include "span/span_marks.h"
#include "span_options.h"

int span_option(const struct command *cmd, struct span_filter *f, int id)
{
	switch (id) {
	case SPAN_SLOWEST:
		if (!parse_u64(optarg, &f->slowest))
			return usage_error(cmd, "--slowest takes a number of traces, not '%s'", optarg);
		break;
	case SPAN_SERVICE:
		f->service = optarg;
		break;
	case SPAN_NAME:
		f->name = optarg;
		break;
	case SPAN_OVER:
		if (!parse_duration(optarg, &f->over))
			return usage_error(cmd, "--over takes a time such as 5ms, 250us or 1.5s, not '%s'",
					   optarg);
		break;
	}
	return COMMAND_RUN;
}

int span_options_read(struct span_model *m, const char *path)
{
	const size_t before = m->nr_spans;
	struct span_source s;
	int ret;

	ret = span_source_open(&s, path);
	if (!ret)
		ret = span_read(&s, m);
	if (ret && m->nr_spans > before)
		err("%s: %s; spans before that are kept (%zu)", s.name, s.error,
		    m->nr_spans - before);
	else if (ret)
		err("%s: %s", s.name, s.error);
	span_source_close(&s);
	/* A file that is not there, or cannot be read as what it is: the line named it. */
	return !ret ? EXIT_OK : ret == -EACCES || ret == -EPERM ? EXIT_PERMISSION :
	       ret == -EBADMSG || ret == -ENOENT || ret == -EISDIR ? EXIT_USAGE : EXIT_ERROR;
}

struct span_model *span_options_recorded(const struct capture *c, const char *name)
{
	const struct capture_chunk *chunks;
	struct span_model *m = NULL;
	struct span_source s;
	size_t i, nr;

	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++) {
		if (chunks[i].type != CAPTURE_SPANS)
			continue;
		if (!m)
			m = span_model_create(SPAN_BYTES_MAX);
		span_source_memory(&s, name, chunks[i].payload, chunks[i].size);
		if (span_read(&s, m))
			warn("%s: spans that came while recording: %s", name, s.error);
		span_source_close(&s);
	}
	if (!span_marks_any(c))
		return m;
	if (!m)
		m = span_model_create(SPAN_BYTES_MAX);
	if (span_marks_read(c, name, m))
		warn("%s: some of the spans that programs marked cannot be read", name);
	return m;
}

void span_options_warn(const struct span_model *m)
{
	size_t i;

	for (i = 0; i < SPAN_PROBLEMS; i++) {
		const struct span_problems *p = &m->problems[i];
		const char *s = p->count == 1 ? "" : "s", *text = span_problem_text(i);

		if (p->first && p->count > 1)
			warn("%" PRIu64 " span%s %s (the first: %s)", p->count, s, text, p->first);
		else if (p->first)
			warn("%" PRIu64 " span%s %s (%s)", p->count, s, text, p->first);
		else if (p->count)
			warn("%" PRIu64 " span%s %s", p->count, s, text);
	}
}

void span_options_warn_ids(const struct profile_options *o, const struct profile *p,
			   const char *name)
{
	if (!o->profile_ids || p->stats.with_profile_id)
		return;
	warn("%s: %s pyroscope.profile.id: --profile-ids changes nothing", name,
	     o->spans ? "nothing is in a span with" : "no spans were given that could have a");
}

uint32_t span_options_trace(const struct span_model *m, const char *id)
{
	bool several;
	uint32_t trace = span_find_trace(m, id, &several);

	if (several)
		err("several traces begin with '%s': give more digits", id);
	else if (!trace)
		err("no trace '%s' among the %zu there are", id, m->nr_traces - 1);
	return trace;
}
