// SPDX-License-Identifier: GPL-2.0-only
/* tickprof spans: traces from files or over HTTP, as a list or one as a tree. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/output.h"
#include "base/units.h"
#include "out/trace_view.h"
#include "span_options.h"
#include "spans_listen.h"

enum { OPT_TRACE = SPAN_OPTION_END, OPT_JSON, OPT_LISTEN, OPT_DURATION };

static const struct option_row options[] = {
	{ OPT_TRACE, "trace", "ID", "the tree of this trace; the first digits will do" },
	SPAN_OPTIONS,
	{ OPT_LISTEN, "listen", "HOST:PORT", "take spans over OTLP/HTTP there until Ctrl-C, then show\n"
					    "them; 127.0.0.1:4318 is where SDKs send" },
	{ OPT_DURATION, "duration", "TIME", "listen so long, such as 10s" },
	{ 'o', "output", "FILE", "write all spans as OTLP's JSON lines; \"-\": standard output" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	OPTIONS_COMMON
};

static struct span_filter filter = SPAN_FILTER_INIT;
static const char *trace_id, *output, *listen_at;
static uint64_t duration;
static bool json;
static const char **files;
static size_t nr_files, cap_files;

static int spans_option(const struct command *cmd, int id)
{
	switch (id) {
	case OPT_TRACE:
		trace_id = optarg;
		break;
	case OPT_JSON:
		json = true;
		break;
	case OPT_LISTEN:
		listen_at = optarg;
		break;
	case OPT_DURATION:
		if (!parse_duration(optarg, &duration) || !duration)
			return usage_error(cmd, "--duration takes a time such as 10s or 5m, not '%s'",
					   optarg);
		break;
	case 'o':
		output = optarg;
		break;
	default:
		return span_option(cmd, &filter, id);
	}
	return COMMAND_RUN;
}

static int spans_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	for (;;) {
		while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
			status = spans_option(cmd, id);
			if (status != COMMAND_RUN)
				return status;
		}
		if (id == OPTION_STOP)
			return status;
		if (!argv[optind])
			break;
		GROW(files, cap_files, nr_files + 1);
		files[nr_files++] = argv[optind++];
	}
	if (duration && !listen_at)
		return usage_error(cmd, "--duration is how long to --listen");
	if (!nr_files && !listen_at)
		return usage_error(cmd, "which file? OTLP, Tempo or Jaeger; \"-\" is standard input");
	if (output && (json || trace_id))
		return usage_error(cmd, "-o writes spans, --json and --trace print: one of them");
	return COMMAND_RUN;
}

static int write_lines(const struct span_model *m)
{
	struct output o = OUTPUT_INIT;
	FILE *f;
	int ret;

	ret = output_open(&o, output);
	if (ret)
		return exit_status(ret);
	f = fdopen(dup(o.fd), "w");
	ret = f ? trace_write_lines(m, f) : -ENOMEM;
	if (f && fclose(f) && !ret)
		ret = -errno;
	if (ret)
		err_errno(-ret, "cannot write '%s'", output);
	else
		ret = output_commit(&o);
	output_close(&o);
	return exit_status(ret);
}

static void print_json(const struct span_model *m, const struct span_selection *s, uint32_t trace)
{
	struct json_object *doc = json_document();

	trace_json_counts(m, doc);
	if (trace)
		trace_json_tree(m, &m->traces[trace], doc);
	else
		trace_json_list(m, s, doc);
	json_finish(doc);
}

static void print_head(const struct span_model *m, const struct span_selection *s)
{
	printf("# %zu traces, %zu spans", m->nr_traces - 1, m->nr_spans - 1);
	if (span_model_left_out(m))
		printf(", %" PRIu64 " left out", span_model_left_out(m));
	if (s->nr_fit + 1 < m->nr_traces)
		printf("; %zu traces fit", s->nr_fit);
	putchar('\n');
}

static int show(const struct span_model *m)
{
	struct span_selection s;
	uint32_t trace = 0;

	if (trace_id) {
		trace = span_options_trace(m, trace_id);
		if (!trace)
			return EXIT_USAGE;
	}
	span_select(m, &filter, &s);
	if (json) {
		print_json(m, &s, trace);
	} else if (trace) {
		trace_view_tree(m, &m->traces[trace], stdout);
	} else {
		print_head(m, &s);
		trace_view_list(m, &s, stdout);
	}
	span_selection_deinit(&s);
	return EXIT_OK;
}

/* What could be read is shown; the status is that of what could not. */
static int finish(struct span_model *m, int status)
{
	int shown;

	span_model_link(m);
	span_options_warn(m);
	if (m->nr_spans == 1) {
		if (!status)
			err("no spans");
		return status ? status : EXIT_EMPTY;
	}
	shown = output ? write_lines(m) : show(m);
	return shown ? shown : status;
}

static int spans_run(const struct command *cmd, int argc, char **argv)
{
	struct span_model *m = span_model_create(SPAN_BYTES_MAX);
	int status = EXIT_OK, ret;
	size_t i;

	for (i = 0; i < nr_files; i++) {
		ret = span_options_read(m, files[i]);
		if (ret)
			status = ret;
	}
	if (listen_at && !status)
		status = spans_listen(m, listen_at, duration);
	status = finish(m, status);
	span_model_destroy(m);
	free(files);
	return status;
}

const struct command cmd_spans = {
	.name = "spans",
	.summary = "Show traces from OTLP, Tempo or Jaeger",
	.usage = "[OPTIONS] [FILE...]",
	.options = options,
	.notes = "FILE is JSON or protobuf, plain or gzipped; what it is, its content tells.\n"
		 "Nothing is recorded: this needs neither the module nor privileges.",
	.parse = spans_parse,
	.run = spans_run,
};
