// SPDX-License-Identifier: GPL-2.0-only
/* Options about spans: see record_context.h. */
#include <ctype.h>
#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "span/listen.h"
#include "record_context.h"

static const char *for_contexts;

static bool parse_keys(const char *text, struct context_keys *out)
{
	size_t len, cap = out->nr;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (!len)
			return false;
		GROW(out->names, cap, out->nr + 1);
		out->names[out->nr++] = xasprintf("%.*s", (int)len, text);
		if (!text[len])
			return true;
	}
}

int record_context_option(const struct command *cmd, int id, struct recording_options *o)
{
	uint64_t value;

	switch (id) {
	case OPT_CONTEXT:
		o->config.flags &= ~TICKPROF_F_CONTEXT;
		if (!strcmp(optarg, "auto"))
			o->config.flags |= TICKPROF_F_CONTEXT;
		else if (strcmp(optarg, "off"))
			return usage_error(cmd, "--context takes \"auto\" or \"off\", not '%s'", optarg);
		break;
	case OPT_CONTEXT_KEYS:
		for_contexts = "--context-keys";
		if (!parse_keys(optarg, &o->context_keys))
			return usage_error(cmd, "--context-keys takes names of attributes, not '%s'",
					   optarg);
		break;
	case OPT_CONTEXTS:
		for_contexts = "--contexts";
		if (!parse_u64(optarg, &value) || !value || value > TICKPROF_CONTEXTS_MAX)
			return usage_error(cmd, "--contexts takes 1 to %d processes, not '%s'",
					   TICKPROF_CONTEXTS_MAX, optarg);
		o->config.contexts = value;
		break;
	case OPT_OTLP_LISTEN:
		if (!listen_address_valid(optarg))
			return usage_error(cmd, "--otlp-listen takes HOST:PORT, such as 127.0.0.1:4318, not '%s'",
					   optarg);
		o->otlp_listen = optarg;
		break;
	}
	return COMMAND_RUN;
}

/* As many as there are, and as many to come. */
static uint32_t contexts_host(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	uint32_t nr = 0;

	while (dir && nr < TICKPROF_CONTEXTS_MAX / 2 && (entry = readdir(dir)))
		nr += isdigit((unsigned char)entry->d_name[0]) != 0;
	if (dir)
		closedir(dir);
	return 2 * nr < TICKPROF_CONTEXTS_DEFAULT ? TICKPROF_CONTEXTS_DEFAULT : 2 * nr;
}

int record_context_check(const struct command *cmd, struct recording_options *o, bool whole_host)
{
	if (!(o->config.flags & TICKPROF_F_CONTEXT) && for_contexts)
		return usage_error(cmd, "%s is about contexts, which --context off leaves out",
				   for_contexts);
	if (whole_host && !o->config.contexts)
		o->config.contexts = contexts_host();
	return COMMAND_RUN;
}

void record_context_deinit(struct recording_options *o)
{
	size_t i;

	for (i = 0; i < o->context_keys.nr; i++)
		free(o->context_keys.names[i]);
	free(o->context_keys.names);
}
