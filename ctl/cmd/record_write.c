// SPDX-License-Identifier: GPL-2.0-only
/* From a finished recording to the file asked for: see record_write.h. */
#include <getopt.h>
#include <string.h>

#include "span/span.h"
#include "cmd.h"
#include "record_write.h"
#include "span_options.h"

void record_write_option(int id, struct record_write_options *o)
{
	switch (id) {
	case 'o':
		o->path = optarg;
		break;
	case OPT_LABEL_CPU:
		o->profile.label_cpu = true;
		break;
	case OPT_NO_LINES:
		o->profile.lines = false;
		break;
	case OPT_NO_IDS:
		o->profile.no_ids = true;
		break;
	case OPT_PROFILE_IDS:
		o->profile.profile_ids = true;
		break;
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

bool record_writes_profile(const char *path)
{
	return !strcmp(path, "-") || ends_with(path, ".pb.gz") || ends_with(path, ".pb") ||
	       ends_with(path, ".pprof.gz") || ends_with(path, ".pprof");
}

/* Who wants no ids in a file must not find them there. */
int record_write_check(const struct command *cmd, const struct record_write_options *o)
{
	if (!*o->path)
		return usage_error(cmd, "-o needs a file name");
	if (o->profile.no_ids && !record_writes_profile(o->path))
		return usage_error(cmd, "a capture has its ids: --no-ids wants a profile such as "
				   "FILE.pb.gz, or `tickprof convert --no-ids` from the capture");
	if (o->profile.profile_ids && !record_writes_profile(o->path))
		return usage_error(cmd, "--profile-ids is about a profile such as FILE.pb.gz; what "
				   "reads the capture takes it, too");
	if (o->profile.no_ids && o->profile.profile_ids)
		return usage_error(cmd, "--no-ids leaves out what --profile-ids is about");
	return COMMAND_RUN;
}

static int append_symbols(struct recording *r, const struct profile *profile)
{
	__free void *blob = NULL;
	size_t size;
	int ret;

	ret = profile_symbols_pack(profile, &blob, &size);
	if (!ret)
		ret = capture_write_symbols(r->capture, blob, size);
	return ret ? ret : capture_writer_finish(r->capture);
}

/* NULL: none came. */
static struct span_model *linked_spans(const struct capture *c, const char *path)
{
	struct span_model *m = span_options_recorded(c, path);

	if (m) {
		span_model_link(m);
		span_options_warn(m);
	}
	return m;
}

int record_write(struct recording *r, int fd, const struct output *out,
		 const struct record_write_options *o, uint64_t *truncated)
{
	const struct symbolizer_options so = { .lines = o->profile.lines, .live = true };
	const bool keep = fd == out->fd;	/* the capture */
	struct profile_options po = o->profile;
	struct symbolizer *symbolizer = symbolizer_create(r->objects, &so);
	struct span_model *spans = NULL;
	struct profile *profile = NULL;
	struct capture *capture = NULL;
	int ret = 0;

	/* A capture to keep gets its symbols first. */
	if (!keep)
		ret = capture_writer_finish(r->capture);
	if (!ret)
		ret = capture_open_fd(fd, o->path, &capture);
	if (!ret && !keep)
		po.spans = spans = linked_spans(capture, o->path);
	if (!ret)
		ret = profile_create(capture, r->objects, symbolizer, &po, &profile);
	if (!ret) {
		span_options_warn_ids(&po, profile, o->path);
		*truncated = profile->stats.truncated;
		ret = keep ? append_symbols(r, profile) : profile_write_pprof(profile, out->fd);
		if (ret)
			err_errno(-ret, "cannot write '%s'", o->path);
	}
	profile_destroy(profile);
	span_model_destroy(spans);
	capture_close(capture);
	symbolizer_destroy(symbolizer);
	return ret;
}
