// SPDX-License-Identifier: GPL-2.0-only
/*
 * tickprof: the table of commands, and what every command has in common. Only
 * this file exits.
 */
#include <errno.h>
#include <string.h>

#include "control/nl.h"
#include "cmd/cmd.h"

#define ROW(name) &cmd_##name,
static const struct command *const commands[] = { COMMANDS(ROW) };

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_help(FILE *f)
{
	size_t i;

	fprintf(f, "Usage: tickprof COMMAND [OPTIONS]\n"
		"Tells where the time of a Linux host went, down to the function.\n\nCommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "  %-12s %s\n", "help", "Explain a command: tickprof help COMMAND");
	fprintf(f, "  %-12s %s\n", "version", "Print the version");
	fprintf(f, "\nFirst look: tickprof record -F 99 -a -- sleep 10\n"
		"Is this machine ready: tickprof check\n");
}

static int help(const char *name)
{
	const struct command *cmd;

	if (!name) {
		print_help(stdout);
		return EXIT_OK;
	}
	cmd = find(name);
	if (!cmd) {
		err("no command '%s'; see `tickprof help`", name);
		return EXIT_USAGE;
	}
	command_help(cmd, stdout);
	return EXIT_OK;
}

static int check_needs(unsigned int needs)
{
	struct control *nl = NULL;
	int ret = 0;

	if (needs & NEEDS_MODULE) {
		ret = control_open(&nl, NULL);
		control_close(nl);
	}
	if (!ret && needs & NEEDS_ROOT && !may_profile()) {
		err("permission denied: run as root, or give the tool CAP_PERFMON");
		ret = -EPERM;
	}
	return exit_status(ret);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	int status;

	if (cmd->parse) {
		status = cmd->parse(cmd, argc, argv);
		if (status != COMMAND_RUN)
			return status;
	}
	status = check_needs(cmd->needs);
	if (status)
		return status;
	return cmd->run(cmd, argc, argv);
}

static int dispatch(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *cmd;

	if (!name) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!strcmp(name, "version") || !strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("tickprof %s\n", TICKPROF_VERSION);
		return EXIT_OK;
	}
	cmd = find(name);
	if (!cmd) {
		err("no command '%s'; see `tickprof help`", name);
		return EXIT_USAGE;
	}
	return run(cmd, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		if (!status)
			err("cannot write to standard output");
		return status ? status : EXIT_ERROR;
	}
	return status;
}
