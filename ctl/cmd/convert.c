// SPDX-License-Identifier: GPL-2.0-only
/* tickprof convert: a capture into pprof or OTLP profiles. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "base/output.h"
#include "view.h"

enum { OPT_LABEL_CPU = VIEW_OPTION_END, OPT_NO_IDS, OPT_FORMAT };

static const struct option_row options[] = {
	VIEW_OPTIONS,
	{ 'o', "output", "FILE", "the profile; - is standard output (tickprof.pb.gz, or\n"
				 "tickprof.otlp.gz)" },
	{ OPT_FORMAT, "format", "FORMAT", "pprof, or otlp: OpenTelemetry's profiles (pprof)" },
	{ OPT_LABEL_CPU, "label-cpu", NULL, "add the label cpu" },
	{ OPT_NO_IDS, "no-ids", NULL, "leave trace_id and span_id out: a smaller profile, in which\n"
				      "spans of one name are one" },
	OPTIONS_COMMON
};

/* Idle waits are told apart by their label, for whoever reads the profile. */
static struct view_options view_options = { .idle = true };
static const char *output_path;
static bool otlp;

static int parse_format(const struct command *cmd)
{
	otlp = !strcmp(optarg, "otlp");
	if (!otlp && strcmp(optarg, "pprof"))
		return usage_error(cmd, "--format takes pprof or otlp, not '%s'", optarg);
	return COMMAND_RUN;
}

static int convert_option(const struct command *cmd, int id)
{
	if (id == 'o')
		output_path = optarg;
	else if (id == OPT_FORMAT)
		return parse_format(cmd);
	else if (id == OPT_NO_IDS)
		view_options.profile.no_ids = true;
	else
		view_options.profile.label_cpu = true;
	return COMMAND_RUN;
}

static int convert_parse(const struct command *cmd, int argc, char **argv)
{
	int status = view_parse(cmd, argc, argv, &view_options, convert_option);

	if (status != COMMAND_RUN)
		return status;
	if (view_options.profile.no_ids && (view_options.trace || view_options.span))
		return usage_error(cmd, "--no-ids leaves out what --trace and --span look for");
	if (view_options.profile.no_ids && view_options.profile.profile_ids)
		return usage_error(cmd, "--no-ids leaves out what --profile-ids is about");
	if (!output_path)
		output_path = otlp ? "tickprof.otlp.gz" : "tickprof.pb.gz";
	return COMMAND_RUN;
}

static int convert(struct view *v)
{
	struct output out = OUTPUT_INIT;
	int ret = output_open(&out, output_path);

	if (!ret)
		ret = otlp ? profile_write_otlp(v->profile, out.fd) : profile_write_pprof(v->profile, out.fd);
	if (!ret)
		ret = output_commit(&out);
	else if (out.fd >= 0)
		err_errno(-ret, "cannot write %s", output_path);
	output_close(&out);
	return exit_status(ret);
}

static int convert_run(const struct command *cmd, int argc, char **argv)
{
	struct view v;
	int status = view_open(&v, &view_options);

	if (status == EXIT_OK)
		status = convert(&v);
	view_close(&v);
	view_options_deinit(&view_options);
	return status;
}

const struct command cmd_convert = {
	.name = "convert",
	.summary = "Turn a capture into a pprof or OTLP profile",
	.usage = "[OPTION]... [FILE]",
	.options = options,
	.notes = "Writes what `tickprof record -o FILE.pb.gz` would have written; names are those\n"
		 "the capture holds.",
	.parse = convert_parse,
	.run = convert_run,
};
