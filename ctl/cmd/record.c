// SPDX-License-Identifier: GPL-2.0-only
/*
 * tickprof record: options in perf's letters, a recording, one file.
 *
 * A profile is made from a capture on an unlinked file, so memory while
 * recording does not grow with the recording's length.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "base/units.h"
#include "record/recording.h"
#include "cmd.h"
#include "record_context.h"
#include "record_keep.h"
#include "record_losses.h"
#include "record_source.h"
#include "record_write.h"
#include "span_options.h"

enum {
	OPT_NO_CALL_GRAPH = KEEP_OPTION_END,
	OPT_COMM, OPT_NO_INHERIT, OPT_USER_ONLY, OPT_MAX_STACK,
	OPT_UNWIND, OPT_THROTTLE, OPT_DURATION,
};

static const struct option_row options[] = {
	{ OPT_SOURCE, "source", "LIST", "\"cpu\": samples of what runs (the default); \"offcpu\":\n"
		"each wait, exactly; \"cpu,offcpu\": both" },
	{ 'F', "freq", "RATE", "samples a second on each CPU, or \"max\" (default 99)" },
	{ 'a', "all-cpus", NULL, "the whole host" },
	{ 'p', "pid", "PID,...", "these processes" },
	{ 't', "tid", "TID,...", "these threads" },
	{ 'C', "cpu", "LIST", "only on these CPUs: 0,2-3" },
	{ 'u', "uid", "USER,...", "only tasks of these users, by name or number" },
	{ 'G', "cgroup", "CGROUP,...", "only tasks below these cgroups: a path, or a name under\n"
		"/sys/fs/cgroup" },
	{ OPT_COMM, "comm", "NAME,...", "only threads of these names" },
	{ OPT_NO_INHERIT, "no-inherit", NULL, "leave out children of the named tasks" },
	{ 'g', "call-graph", NULL, "take stacks (the default)" },
	{ OPT_NO_CALL_GRAPH, "no-call-graph", NULL, "take the interrupted function alone" },
	{ OPT_MAX_STACK, "max-stack", "FRAMES", "frames of a stack, 1 to 512 (default 127)" },
	{ OPT_UNWIND, "unwind", "HOW", "user stacks by \"tables\", which need no frame pointers\n"
		"(the default), or by frame pointer alone: \"fp\"" },
	{ OPT_MIN_WAIT, "min-wait", "TIME", "shorter waits are summed up: 500ns, 20us, 1ms (default 1us)" },
	{ OPT_WAIT_TASKS, "wait-tasks", "THREADS", "threads whose waits are known at once, 1 to 65536\n"
		"(default 1024; the whole host: twice those there are)" },
	{ OPT_CONTEXT, "context", "HOW", "the trace and span of each sample and wait, where programs\n"
		"publish it: \"auto\" (the default) or \"off\"" },
	{ OPT_CONTEXT_KEYS, "context-keys", "NAME,...", "attributes of spans to record, too, such as http.route\n"
		"(default none)" },
	{ OPT_CONTEXTS, "contexts", "PROCESSES", "processes whose contexts are read at once, 1 to 65536\n"
		"(default 1024; the whole host: twice those there are)" },
	{ OPT_OTLP_LISTEN, "otlp-listen", "HOST:PORT", "take spans over OTLP/HTTP there while recording, such as\n"
		"127.0.0.1:4318" },
	{ OPT_KEEP_SLOWER, "keep-slower-than", "LIMIT", "only traces that take so long: 50ms, or longer than most do:\n"
		"p99 (p50 to p99.9)" },
	{ OPT_KEEP_HOLD, "keep-hold", "TIME", "how long a trace's records wait to be told slow (default\n"
		"10s beyond the limit, for percentiles 2s)" },
	{ OPT_KEEP_MEMORY, "keep-memory", "SIZE", "for what waits so, 1M to 64G (default 64M)" },
	{ OPT_KEEP_UNTRACED, "keep-untraced", NULL, "and what is in no trace" },
	{ OPT_USER_ONLY, "user-only", NULL, "no samples in the kernel" },
	{ OPT_USER_ONLY, "all-user", NULL, NULL },
	{ OPT_KERNEL_ONLY, "kernel-only", NULL, "no samples in user programs" },
	{ OPT_KERNEL_ONLY, "all-kernel", NULL, NULL },
	{ OPT_IDLE, "idle", NULL, "sample idle CPUs too, which keeps them awake" },
	{ 'D', "delay", "MS", "begin so many milliseconds later" },
	{ OPT_DURATION, "duration", "SECONDS", "end after so long; a command is waited for" },
	{ 'o', "output", "FILE", "FILE.pb.gz (or .pb): a pprof profile; another name: a\n"
		"capture, to be read later; \"-\": pprof to standard output\n"
		"(default tickprof.pb.gz)" },
	{ OPT_LABEL_CPU, "label-cpu", NULL, "label samples with their CPU" },
	{ OPT_NO_LINES, "no-lines", NULL, "functions alone: no source lines, no inlined calls" },
	{ OPT_NO_IDS, "no-ids", NULL, "leave trace_id and span_id out of a pprof profile" },
	{ OPT_PROFILE_IDS, "profile-ids", NULL, PROFILE_IDS_HELP },
	{ 'm', "ring-size", "SIZE", "buffer of each CPU: 512K, 4M; a bare number below 4096\n"
		"counts pages (default 256K)" },
	{ OPT_THROTTLE, "throttle", "PERCENT", "share of a CPU that sampling may take, 0: no bound\n"
		"(default 25)" },
	OPTIONS_COMMON
};

static struct recording_options opts = {
	.config = {
		.rate = TICKPROF_RATE_DEFAULT,
		.flags = TICKPROF_F_DEFAULT | TICKPROF_F_TABLES | TICKPROF_F_CONTEXT,
		.depth = TICKPROF_DEPTH_DEFAULT,
		.throttle = TICKPROF_THROTTLE_DEFAULT,
		.wait_min = 1000,
	},
};
static struct record_write_options write_options = {
	.path = "tickprof.pb.gz", .profile.lines = true,
};
static bool all_cpus;

static bool parse_rate(const char *text)
{
	uint64_t rate;

	if (!strcmp(text, "max")) {
		opts.config.rate = TICKPROF_RATE_MAX;
		return true;
	}
	if (!parse_u64(text, &rate) || rate < TICKPROF_RATE_MIN || rate > TICKPROF_RATE_MAX)
		return false;
	opts.config.rate = rate;
	return true;
}

static bool parse_ring_size(const char *text)
{
	uint64_t size;

	if (!parse_size(text, &size))
		return false;
	if (size < 4096 && text[strspn(text, "0123456789")] == '\0')
		size *= sysconf(_SC_PAGESIZE);
	if (size < TICKPROF_RING_MIN || size > TICKPROF_RING_MAX)
		return false;
	opts.config.ring_size = round_up_pow2(size);
	return true;
}

static int option_targets(enum tickprof_target_kind kind)
{
	return targets_parse(&opts.targets, kind, optarg) ? EXIT_USAGE : COMMAND_RUN;
}

/* COMMAND_RUN, or the status of a message already printed. */
static int number_option(const struct command *cmd, int id)
{
	double percent, seconds;
	uint64_t value;

	switch (id) {
	case 'F':
		if (parse_rate(optarg))
			break;
		return usage_error(cmd, "-F takes a rate from %d to %d Hz or \"max\", not '%s'",
				   TICKPROF_RATE_MIN, TICKPROF_RATE_MAX, optarg);
	case 'm':
		if (parse_ring_size(optarg))
			break;
		return usage_error(cmd, "-m takes a size from %d to %d MiB such as 512K, not '%s'",
				   TICKPROF_RING_MIN, TICKPROF_RING_MAX >> 20, optarg);
	case 'D':
		if (parse_u64(optarg, &value) && value <= UINT32_MAX) {
			opts.delay_ms = value;
			break;
		}
		return usage_error(cmd, "-D takes milliseconds, not '%s'", optarg);
	case OPT_MAX_STACK:
		if (parse_u64(optarg, &value) && value && value <= TICKPROF_DEPTH_MAX) {
			opts.config.depth = value;
			break;
		}
		return usage_error(cmd, "--max-stack takes 1 to %d frames, not '%s'",
				   TICKPROF_DEPTH_MAX, optarg);
	case OPT_THROTTLE:
		if (parse_decimal(optarg, &percent) && percent * 10 <= TICKPROF_THROTTLE_MAX) {
			opts.config.throttle = ceil(percent * 10);
			break;
		}
		return usage_error(cmd, "--throttle takes 0 to %d percent, not '%s'",
				   TICKPROF_THROTTLE_MAX / 10, optarg);
	case OPT_DURATION:
		if (parse_decimal(optarg, &seconds) && seconds > 0 && seconds < 1e9) {
			opts.duration_ns = seconds * 1e9;
			break;
		}
		return usage_error(cmd, "--duration takes seconds, not '%s'", optarg);
	}
	return COMMAND_RUN;
}

static int unwind_option(const struct command *cmd)
{
	if (!strcmp(optarg, "tables"))
		opts.config.flags |= TICKPROF_F_TABLES;
	else if (!strcmp(optarg, "fp"))
		opts.config.flags &= ~TICKPROF_F_TABLES;
	else
		return usage_error(cmd, "--unwind takes \"tables\" or \"fp\", not '%s'", optarg);
	return COMMAND_RUN;
}

static int one_option(const struct command *cmd, int id)
{
	uint32_t *flags = &opts.config.flags;

	record_source_note(id);
	switch (id) {
	case OPT_SOURCE:
	case OPT_MIN_WAIT:
	case OPT_WAIT_TASKS:
		return record_source_option(cmd, id, &opts.config);
	case OPT_CONTEXT:
	case OPT_CONTEXT_KEYS:
	case OPT_CONTEXTS:
	case OPT_OTLP_LISTEN:
		return record_context_option(cmd, id, &opts);
	case OPT_KEEP_SLOWER:
	case OPT_KEEP_HOLD:
	case OPT_KEEP_MEMORY:
	case OPT_KEEP_UNTRACED:
		return record_keep_option(cmd, id);
	case 'a':
		all_cpus = true;
		break;
	case 'p':
		return option_targets(TICKPROF_TARGET_PID);
	case 't':
		return option_targets(TICKPROF_TARGET_TID);
	case 'C':
		return option_targets(TICKPROF_TARGET_CPU);
	case 'u':
		return option_targets(TICKPROF_TARGET_UID);
	case 'G':
		return option_targets(TICKPROF_TARGET_CGROUP);
	case OPT_COMM:
		return option_targets(TICKPROF_TARGET_COMM);
	case 'g':
		*flags |= TICKPROF_F_KSTACK | TICKPROF_F_USTACK;
		break;
	case OPT_NO_CALL_GRAPH:
		*flags &= ~(TICKPROF_F_KSTACK | TICKPROF_F_USTACK);
		break;
	case OPT_UNWIND:
		return unwind_option(cmd);
	case OPT_NO_INHERIT:
		*flags &= ~TICKPROF_F_INHERIT;
		break;
	case OPT_USER_ONLY:
		*flags |= TICKPROF_F_EXCLUDE_KERNEL;
		break;
	case OPT_KERNEL_ONLY:
		*flags |= TICKPROF_F_EXCLUDE_USER;
		break;
	case OPT_IDLE:
		*flags |= TICKPROF_F_IDLE;
		break;
	case OPT_LABEL_CPU:
	case OPT_NO_LINES:
	case OPT_NO_IDS:
	case OPT_PROFILE_IDS:
	case 'o':
		record_write_option(id, &write_options);
		break;
	default:
		return number_option(cmd, id);
	}
	return COMMAND_RUN;
}

static char *join(char **argv)
{
	char *text = xstrdup(argv[0]), *longer;

	for (argv++; *argv; argv++) {
		longer = xasprintf("%s %s", text, *argv);
		free(text);
		text = longer;
	}
	return text;
}

static int check_options(const struct command *cmd)
{
	const uint32_t neither = TICKPROF_F_EXCLUDE_USER | TICKPROF_F_EXCLUDE_KERNEL;
	int status;
	bool tasks = targets_have(&opts.targets, TICKPROF_TARGET_PID) ||
		     targets_have(&opts.targets, TICKPROF_TARGET_TID);

	if (!opts.command && !all_cpus && !opts.targets.nr)
		return usage_error(cmd, "nothing to record: give a command, -a for the whole host, or -p PID");
	if (all_cpus && tasks)
		return usage_error(cmd, "-a records the whole host, -p and -t do not: give one");
	if ((opts.config.flags & neither) == neither)
		return usage_error(cmd, "--user-only and --kernel-only leave nothing to record");
	opts.command_only = opts.command && !all_cpus && !opts.targets.nr;
	status = record_write_check(cmd, &write_options);
	if (status == COMMAND_RUN)
		status = record_source_check(cmd, &opts.config, all_cpus);
	if (status == COMMAND_RUN)
		status = record_keep_check(cmd, &opts);
	return status == COMMAND_RUN ? record_context_check(cmd, &opts, all_cpus) : status;
}

static int record_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
		status = one_option(cmd, id);
		if (status != COMMAND_RUN)
			return status;
	}
	if (id == OPTION_STOP)
		return status;
	if (argv[optind]) {
		opts.command = argv + optind;
		opts.command_line = join(opts.command);
	}
	return check_options(cmd);
}

static int record(struct recording *r, struct output *out)
{
	__close int scratch = -1;
	uint64_t truncated = 0;
	int ret;

	ret = output_open(out, write_options.path);
	if (!ret && record_writes_profile(write_options.path))
		ret = scratch = output_scratch(out->path);
	if (ret < 0)
		return ret;
	ret = recording_run(r, &opts, scratch < 0 ? out->fd : scratch);
	if (ret)
		return ret;
	if (!r->session.state.counters[TICKPROF_COUNTER_SAMPLES] &&
	    !r->session.state.counters[TICKPROF_COUNTER_WAITS]) {
		record_explain_empty(&r->session.state);
		return -ENODATA;
	}
	if (r->keep && !record_keep_any(r->keep))
		return -ENODATA;
	ret = record_write(r, scratch < 0 ? out->fd : scratch, out, &write_options, &truncated);
	if (!ret)
		ret = output_commit(out);
	if (ret)
		return ret;
	record_warn_losses(&r->session.state);
	contexts_report(r->contexts);
	span_intake_report(r->spans);
	if (r->keep)
		record_keep_report(r->keep, &r->session.state);
	marks_report(r->marks);
	record_closing_line(&r->session.state, capture_writer_bytes(r->capture), truncated,
			    write_options.path);
	return 0;
}

/*
 * A command that outlives the recording (--duration) is waited for, unless a
 * signal asked for the end. Its status counts unless recording failed.
 */
static int own_status(struct recording *r, int ret)
{
	bool asked_to_end = r->stopping || r->leave_at;
	int status = EXIT_OK;

	if (r->launch.released)
		status = launch_reap(&r->launch, !asked_to_end) ? launch_status(&r->launch) :
			 128 + SIGTERM;
	if (ret == -ENODATA)
		return status ? status : EXIT_EMPTY;
	if (ret && status != LAUNCH_NOT_FOUND && status != LAUNCH_NOT_RUN)
		return exit_status(ret);
	return status;
}

static int record_run(const struct command *cmd, int argc, char **argv)
{
	struct recording r = RECORDING_INIT;
	struct output out = OUTPUT_INIT;
	int status;

	opts.progress = verbosity >= 0 && !opts.command_only && isatty(STDERR_FILENO);
	status = own_status(&r, record(&r, &out));
	output_close(&out);
	recording_deinit(&r);
	targets_deinit(&opts.targets);
	record_context_deinit(&opts);
	free(opts.command_line);
	return status;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "Sample stacks and write a profile",
	.usage = "[OPTIONS] [--] [COMMAND [ARGUMENT...]]",
	.options = options,
	.notes = "Without -a and targets the command and its children are recorded; with them the\n"
		 "command only says for how long. Without a command, until Ctrl-C.",
	.needs = NEEDS_ROOT | NEEDS_MODULE,
	.parse = record_parse,
	.run = record_run,
};
