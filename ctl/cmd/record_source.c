// SPDX-License-Identifier: GPL-2.0-only
/* What is recorded: see record_source.h. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "record_source.h"

static const char *for_samples, *for_waits;

void record_source_note(int id)
{
	static const struct {
		int id;
		const char *name;
	} about_samples[] = {
		{ 'F', "-F" }, { 'C', "-C" }, { OPT_IDLE, "--idle" },
		{ OPT_KERNEL_ONLY, "--kernel-only" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(about_samples); i++)
		if (about_samples[i].id == id)
			for_samples = about_samples[i].name;
	if (id == OPT_MIN_WAIT || id == OPT_WAIT_TASKS)
		for_waits = id == OPT_MIN_WAIT ? "--min-wait" : "--wait-tasks";
}

static bool parse_source(const char *text, uint32_t *flags)
{
	char *copy __free = xstrdup(text);
	bool cpu = false, waits = false;
	char *save = NULL, *name;

	for (name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (!strcmp(name, "cpu"))
			cpu = true;
		else if (!strcmp(name, "offcpu"))
			waits = true;
		else
			return false;
	}
	*flags &= ~(TICKPROF_F_WAITS | TICKPROF_F_NO_TICKS);
	*flags |= (waits ? TICKPROF_F_WAITS : 0) | (cpu ? 0 : TICKPROF_F_NO_TICKS);
	return cpu || waits;
}

int record_source_option(const struct command *cmd, int id, struct control_config *c)
{
	uint64_t value;

	switch (id) {
	case OPT_SOURCE:
		if (parse_source(optarg, &c->flags))
			break;
		return usage_error(cmd, "--source takes cpu, offcpu or cpu,offcpu, not '%s'", optarg);
	case OPT_MIN_WAIT:
		if (parse_duration(optarg, &value) && value <= TICKPROF_WAIT_MIN_MAX) {
			c->wait_min = value;
			break;
		}
		return usage_error(cmd, "--min-wait takes a time up to 1s such as 20us, not '%s'",
				   optarg);
	case OPT_WAIT_TASKS:
		if (parse_u64(optarg, &value) && value && value <= TICKPROF_WAIT_TASKS_MAX) {
			c->wait_tasks = value;
			break;
		}
		return usage_error(cmd, "--wait-tasks takes 1 to %d threads, not '%s'",
				   TICKPROF_WAIT_TASKS_MAX, optarg);
	}
	return COMMAND_RUN;
}

/* As many as there are, and as many to come. */
static uint32_t wait_tasks_host(void)
{
	__fclose FILE *f = fopen("/proc/loadavg", "re");
	unsigned int threads = 0;

	if (!f || fscanf(f, "%*s %*s %*s %*u/%u", &threads) != 1)
		threads = 0;
	if (threads > TICKPROF_WAIT_TASKS_MAX / 2)
		return TICKPROF_WAIT_TASKS_MAX;
	return 2 * threads < TICKPROF_WAIT_TASKS_DEFAULT ? TICKPROF_WAIT_TASKS_DEFAULT :
	       2 * threads;
}

int record_source_check(const struct command *cmd, struct control_config *c, bool whole_host)
{
	if (c->flags & TICKPROF_F_NO_TICKS && for_samples)
		return usage_error(cmd, "%s is about samples: add cpu to --source", for_samples);
	if (!(c->flags & TICKPROF_F_WAITS) && for_waits)
		return usage_error(cmd, "%s is about waits: add offcpu to --source", for_waits);
	if (whole_host && !c->wait_tasks)
		c->wait_tasks = wait_tasks_host();
	return COMMAND_RUN;
}
