// SPDX-License-Identifier: GPL-2.0-only
/* tickprof status: the module and every session on the host, as counted now. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/names.h"
#include "base/units.h"
#include "control/nl.h"
#include "cmd.h"

enum { OPT_JSON = OPTION_LONG };

static const struct option_row options[] = {
	{ OPT_JSON, "json", NULL, "one JSON object" },
	{ 'w', "watch", "SECONDS", "again every so many seconds, until Ctrl-C" },
	OPTIONS_COMMON
};

static bool json;
static double interval;

static int status_parse(const struct command *cmd, int argc, char **argv)
{
	int id, status = COMMAND_RUN;

	while ((id = option_next(cmd, argc, argv, &status)) >= 0) {
		if (id == OPT_JSON)
			json = true;
		else if (!parse_decimal(optarg, &interval) || interval < 0.1 || interval > 86400)
			return usage_error(cmd, "-w takes seconds from 0.1 on, not '%s'", optarg);
	}
	if (id == OPTION_STOP)
		return status;
	if (argv[optind])
		return usage_error(cmd, "takes no operand, not '%s'", argv[optind]);
	return COMMAND_RUN;
}

static void print_bits(const char *title, uint32_t bits, const char *(*name)(unsigned int bit))
{
	unsigned int bit;

	printf("%s", title);
	for (bit = 0; bit < 32; bit++) {
		if (!(bits & 1u << bit))
			continue;
		if (name(bit))
			printf(" %s", name(bit));
		else
			printf(" bit-%u", bit);
	}
	putchar('\n');
}

static const char *feature(unsigned int bit)
{
	return name_feature(bit) ? name_feature(bit)->name : NULL;
}

static double throttled_percent(const uint64_t *c)
{
	uint64_t ticks = c[TICKPROF_COUNTER_TICKS];

	return ticks ? 100.0 * c[TICKPROF_COUNTER_THROTTLED] / ticks : 0;
}

/* Each walk ends in one way; counters read from a running session may not add up. */
static uint64_t stacks_complete(const uint64_t *c)
{
	uint64_t cut = c[TICKPROF_COUNTER_USER_DEPTH] + c[TICKPROF_COUNTER_USER_FAULT] +
		       c[TICKPROF_COUNTER_USER_BROKEN];

	return c[TICKPROF_COUNTER_USER_STACKS] > cut ? c[TICKPROF_COUNTER_USER_STACKS] - cut : 0;
}

static void print_session(void *arg, const struct control_session *s)
{
	const struct control_config *c = &s->config;
	const char *state = name_state(s->state);
	unsigned int i;

	printf("\nsession %u: %s, held by %s (pid %u), %.1f MiB\n", s->session,
	       state ? state : "?", s->owner_comm, s->owner_pid, s->memory / 1048576.0);
	if (s->state == TICKPROF_STATE_NEW)
		return;
	if (c->flags & TICKPROF_F_NO_TICKS)
		printf("  no samples");
	else
		printf("  %u Hz", c->rate);
	printf(", %u rings of %u KiB, %u frames, throttle ", s->cpus, c->ring_size >> 10, c->depth);
	if (c->throttle)
		printf("at %g %% (%.1f %% of the ticks given up)", c->throttle / 10.0,
		       throttled_percent(s->counters));
	else
		printf("off");
	printf(s->targets ? ", %u targets\n" : ", the whole host\n", s->targets);
	if (c->flags & TICKPROF_F_WAITS)
		printf("  waits from %g us on, of %u threads at once\n", c->wait_min / 1e3,
		       c->wait_tasks);
	if (c->flags & TICKPROF_F_CONTEXT)
		printf("  contexts of %u processes at once\n", c->contexts);
	print_bits("  flags:", c->flags, name_flag);
	if (s->counters[TICKPROF_COUNTER_USER_STACKS])
		printf("  user stacks: %.1f %% complete\n", 100.0 * stacks_complete(s->counters) /
		       s->counters[TICKPROF_COUNTER_USER_STACKS]);
	for (i = 1; i <= TICKPROF_COUNTER_MAX; i++)
		if (s->counters[i] || verbosity > 0)
			printf("  %-14s %12" PRIu64 "  %s\n", name_counter(i)->name, s->counters[i],
			       name_counter(i)->help);
}

static struct json_object *json_bits(uint32_t bits, const char *(*name)(unsigned int bit))
{
	struct json_object *list = json_object_new_array();
	unsigned int bit;

	for (bit = 0; bit < 32; bit++)
		if (bits & 1u << bit && name(bit))
			json_object_array_add(list, json_object_new_string(name(bit)));
	return list;
}

static void add_session(void *arg, const struct control_session *s)
{
	struct json_object *o = json_object_new_object(), *counters = json_object_new_object();
	const char *state = name_state(s->state);
	unsigned int i;

	json_set_u64(o, "session", s->session);
	json_set_text(o, "state", state ? state : "unknown");
	json_set_u64(o, "owner_pid", s->owner_pid);
	json_set_text(o, "owner_comm", s->owner_comm);
	json_set_u64(o, "memory", s->memory);
	json_set_u64(o, "rate", s->config.rate);
	json_object_object_add(o, "flags", json_bits(s->config.flags, name_flag));
	json_set_u64(o, "ring_size", s->config.ring_size);
	json_set_u64(o, "watermark", s->config.watermark);
	json_set_u64(o, "depth", s->config.depth);
	json_set_u64(o, "throttle_permille", s->config.throttle);
	if (s->config.flags & TICKPROF_F_WAITS) {
		json_set_u64(o, "wait_min_ns", s->config.wait_min);
		json_set_u64(o, "wait_tasks", s->config.wait_tasks);
	}
	if (s->config.flags & TICKPROF_F_CONTEXT)
		json_set_u64(o, "contexts", s->config.contexts);
	json_set_u64(o, "cpus", s->cpus);
	json_set_u64(o, "targets", s->targets);
	for (i = 1; i <= TICKPROF_COUNTER_MAX; i++)
		json_set_u64(counters, name_counter(i)->name, s->counters[i]);
	json_object_object_add(o, "counters", counters);
	json_set_u64(o, "user_stacks_complete", stacks_complete(s->counters));
	json_object_array_add(arg, o);
}

static int show_json(struct control *control, const struct control_info *info)
{
	struct json_object *doc = json_document(), *module = json_object_new_object(),
			   *sessions = json_object_new_array();
	int ret = control_session_dump(control, add_session, sessions);

	json_set_text(doc, "version", TICKPROF_VERSION);
	json_set_u64(doc, "abi", TICKPROF_ABI_VERSION);
	json_set_text(module, "version", info->release);
	json_set_u64(module, "abi", info->abi);
	json_object_object_add(module, "features", json_bits(info->features, feature));
	json_set_u64(module, "memory", info->memory);
	json_set_u64(module, "tables", info->tables);
	json_set_u64(module, "table_memory", info->table_memory);
	json_object_object_add(doc, "module", module);
	json_object_object_add(doc, "sessions", sessions);
	if (!ret)
		json_finish(doc);
	else
		json_object_put(doc);
	return ret;
}

static int show_text(struct control *control, const struct control_info *info)
{
	printf("tickprof %s, module %s, ABI %u\n", TICKPROF_VERSION, info->release, info->abi);
	print_bits("features:", info->features, feature);
	printf("sessions: %u, %.1f MiB\n", info->sessions, info->memory / 1048576.0);
	printf("unwind tables: %u, %.1f MiB\n", info->tables, info->table_memory / 1048576.0);
	return control_session_dump(control, print_session, NULL);
}

static int show(void)
{
	struct control_info info = { 0 };
	struct control *control = NULL;
	int ret = control_open(&control, &info);

	if (!ret)
		ret = json ? show_json(control, &info) : show_text(control, &info);
	control_close(control);
	fflush(stdout);
	return ret;
}

static int status_run(const struct command *cmd, int argc, char **argv)
{
	struct timespec pause = {
		.tv_sec = interval,
		.tv_nsec = (interval - (time_t)interval) * 1e9,
	};
	int ret = show();

	while (!ret && interval && !ferror(stdout)) {
		nanosleep(&pause, NULL);
		if (!json)
			printf(isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "\n");
		ret = show();
	}
	return exit_status(ret);
}

const struct command cmd_status = {
	.name = "status",
	.summary = "Show the module, its sessions and what they counted",
	.usage = "[OPTIONS]",
	.options = options,
	.notes = "Counters at zero are left out; -v shows all.",
	.needs = NEEDS_MODULE,
	.parse = status_parse,
	.run = status_run,
};
