/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands: one command, one file under cmd/, one row in the table of main.c.
 * Commands never call each other.
 *
 * Adding one: define "const struct command cmd_NAME" in cmd/NAME.c, add a
 * COMMAND(NAME) line below. Help, the list of commands, completion and the test
 * that holds the man page to them follow from the row.
 */
#ifndef TICKPROF_CMD_H
#define TICKPROF_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

/* What main checks once before run(), after the command line was understood. */
enum command_needs {
	NEEDS_ROOT = 1 << 0,	/* CAP_PERFMON or CAP_SYS_ADMIN */
	NEEDS_MODULE = 1 << 1,	/* the module loaded, of this ABI */
};

/*
 * One option. A letter as id is the short option; OPTION_LONG and up have a
 * long name only. name NULL: short only. The table ends with OPTIONS_COMMON.
 */
struct option_row {
	int id;
	const char *name;
	const char *arg;	/* what its argument is called; NULL: takes none */
	const char *help;	/* one line; "\n" breaks it; NULL: an unlisted synonym */
};

enum { OPTION_LONG = 256 };

#define OPTIONS_COMMON						\
	{ 'q', "quiet", NULL, "say only what failed" },		\
	{ 'v', "verbose", NULL, "say more; repeat for more" },	\
	{ 'h', "help", NULL, "print this and exit" },		\
	{ 0 }

struct command {
	const char *name;
	const char *summary;		/* one line */
	const char *usage;		/* what follows "tickprof NAME" */
	const struct option_row *options;
	const char *notes;		/* printed below the options; may be NULL */
	unsigned int needs;		/* enum command_needs */
	/*
	 * Optional: understand the command line. COMMAND_RUN, or an exit status
	 * to leave with. Nothing is opened here.
	 */
	int (*parse)(const struct command *cmd, int argc, char **argv);
	/* Returns an exit status. argv[0] is the command's name. */
	int (*run)(const struct command *cmd, int argc, char **argv);
};

#define COMMAND_RUN (-1)

#define COMMANDS(COMMAND)	\
	COMMAND(record)		\
	COMMAND(report)		\
	COMMAND(script)		\
	COMMAND(convert)	\
	COMMAND(status)		\
	COMMAND(check)		\
	COMMAND(trace)		\
	COMMAND(spans)		\
	COMMAND(context)	\
	COMMAND(unwind_table)

#define COMMAND_DECLARE(name) extern const struct command cmd_##name;
COMMANDS(COMMAND_DECLARE)

/*
 * The next option's id with its argument in optarg; OPTION_END with optind at
 * the first operand; OPTION_STOP when the command is to return
 * *status (help was printed, or the line was wrong, which has been said).
 * -q, -v and -h are dealt with here. Options end at the first operand.
 */
enum { OPTION_END = -1, OPTION_STOP = -2 };
int option_next(const struct command *cmd, int argc, char **argv, int *status);

/* EXIT_USAGE after a message and a pointer to the help. */
int usage_error(const struct command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void command_help(const struct command *cmd, FILE *f);

/* Does this process hold CAP_PERFMON or CAP_SYS_ADMIN? */
bool may_profile(void);

/* The exit status for a -errno of the functions under ctl/. */
int exit_status(int error);

#endif
