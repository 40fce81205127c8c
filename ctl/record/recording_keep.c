// SPDX-License-Identifier: GPL-2.0-only
/* Recording slow traces alone: see recording_keep.h. */
#include <errno.h>

#include "base/clock.h"
#include "base/util.h"
#include "recording_keep.h"

static int sink(void *arg, uint32_t cpu, uint64_t position, const void *records, size_t size)
{
	struct recording *r = arg;

	return capture_write_ring(r->capture, cpu, position, records, size);
}

/* Spans tell the time of day: as it stood against ours at the beginning. */
static void span_trace(void *arg, const uint8_t *trace_id, uint64_t start, uint64_t end)
{
	const struct recording *r = arg;

	if (start > r->day_offset)
		keep_span(r->keep, trace_id, start - r->day_offset, end - r->day_offset);
}

static void mark_of_trace(void *arg, const struct capture_mark *mark)
{
	const struct recording *r = arg;

	keep_span(r->keep, mark->trace_id, mark->begin, mark->end);
}

int recording_keep_create(struct recording *r)
{
	const struct control_config *config = &r->session.state.config;
	struct keep_options options;

	if (!r->options->keep)
		return 0;
	if (!(config->flags & TICKPROF_F_CONTEXT)) {
		err("slow traces cannot be told from others on this kernel: record without --keep-slower-than, and see `tickprof check`");
		return -EOPNOTSUPP;
	}
	options = *r->options->keep;
	options.waits = config->flags & TICKPROF_F_WAITS;
	r->keep = keep_create(&options, r->session.state.cpus, config->ring_size, sink, r);
	r->day_offset = clock_offset_ns();
	span_intake_tell(r->spans, span_trace, r);
	marks_tell(r->marks, mark_of_trace, r);
	return capture_write_meta(r->capture, CAPTURE_META_KEEP, options.limit);
}

static int write_news(struct recording *r)
{
	size_t size;
	const uint8_t *news = keep_news(r->keep, &size);

	return size ? capture_write_chunk(r->capture, CAPTURE_KEPT, news, size) : 0;
}

int recording_keep_settle(struct recording *r)
{
	int ret;

	if (!r->keep)
		return 0;
	ret = keep_settle(r->keep);
	return ret ? ret : write_news(r);
}

int recording_keep_finish(struct recording *r)
{
	int ret;

	if (!r->keep)
		return 0;
	ret = keep_finish(r->keep);
	if (!ret)
		ret = write_news(r);
	return ret ? ret : capture_write_keep(r->capture, keep_counts(r->keep));
}
