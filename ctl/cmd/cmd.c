// SPDX-License-Identifier: GPL-2.0-only
/* One option table a command: getopt_long reads it, --help prints it. */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <string.h>

#include "cmd.h"

enum { OPTIONS_MAX = 64, HELP_COLUMN = 28 };

static size_t build_tables(const struct option_row *rows, struct option *longs, char *shorts)
{
	size_t nr = 0;

	*shorts++ = '+';
	*shorts++ = ':';
	for (; rows->id && nr < OPTIONS_MAX; rows++) {
		if (rows->id < OPTION_LONG) {
			*shorts++ = rows->id;
			if (rows->arg)
				*shorts++ = ':';
		}
		if (!rows->name)
			continue;
		longs[nr++] = (struct option){
			.name = rows->name,
			.has_arg = rows->arg ? required_argument : no_argument,
			.val = rows->id,
		};
	}
	*shorts = '\0';
	longs[nr] = (struct option){ 0 };
	return nr;
}

static int refuse(const struct command *cmd, int c, char **argv)
{
	bool is_short = optopt && optopt < OPTION_LONG && strncmp(argv[optind - 1], "--", 2);

	if (c == ':')
		return usage_error(cmd, "option '%s' needs an argument", argv[optind - 1]);
	if (is_short)
		return usage_error(cmd, "unknown option '-%c'", optopt);
	return usage_error(cmd, "option '%s' is unknown, ambiguous or takes no argument",
			   argv[optind - 1]);
}

int option_next(const struct command *cmd, int argc, char **argv, int *status)
{
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 3];

	build_tables(cmd->options, longs, shorts);
	opterr = 0;
	for (;;) {
		int c = getopt_long(argc, argv, shorts, longs, NULL);

		switch (c) {
		case 'q':
			verbosity = -1;
			break;
		case 'v':
			verbosity++;
			break;
		case 'h':
			command_help(cmd, stdout);
			*status = EXIT_OK;
			return OPTION_STOP;
		case ':':
		case '?':
			*status = refuse(cmd, c, argv);
			return OPTION_STOP;
		default:
			return c < 0 ? OPTION_END : c;
		}
	}
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	err("%s: %s; see `tickprof %s --help`", cmd->name, text ? text : "bad usage", cmd->name);
	cleanup_free(&text);
	return EXIT_USAGE;
}

static void print_row(const struct option_row *row, FILE *f)
{
	const char *help = row->help;
	int n;

	n = row->id < OPTION_LONG ? fprintf(f, "  -%c", row->id) : fprintf(f, "    ");
	if (row->name)
		n += fprintf(f, "%s--%s", row->id < OPTION_LONG ? ", " : "  ", row->name);
	if (row->arg)
		n += fprintf(f, " %s", row->arg);
	for (;;) {
		size_t len = strcspn(help, "\n");

		if (n >= HELP_COLUMN - 1) {
			fputc('\n', f);
			n = 0;
		}
		fprintf(f, "%*s%.*s\n", HELP_COLUMN - n, "", (int)len, help);
		if (!help[len])
			return;
		help += len + 1;
		n = 0;
	}
}

void command_help(const struct command *cmd, FILE *f)
{
	const struct option_row *row;

	fprintf(f, "Usage: tickprof %s %s\n%s.\n\nOptions:\n", cmd->name, cmd->usage,
		cmd->summary);
	for (row = cmd->options; row->id; row++)
		if (row->help)
			print_row(row, f);
	if (cmd->notes)
		fprintf(f, "\n%s\n", cmd->notes);
}

bool may_profile(void)
{
	const uint64_t wanted = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_PERFMON;
	__fclose FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	return caps & wanted;
}

int exit_status(int error)
{
	switch (-error) {
	case 0:
		return EXIT_OK;
	case EPERM:
	case EACCES:
		return EXIT_PERMISSION;
	case ENODEV:
	case EPROTONOSUPPORT:
		return EXIT_NO_MODULE;
	case EBADMSG:
		return EXIT_USAGE;
	default:
		return EXIT_ERROR;
	}
}
