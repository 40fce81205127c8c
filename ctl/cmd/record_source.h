/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of `tickprof record` that say what is recorded: samples, waits, which waits. */
#ifndef TICKPROF_RECORD_SOURCE_H
#define TICKPROF_RECORD_SOURCE_H

#include "control/nl.h"
#include "cmd.h"

enum record_source_id {
	OPT_SOURCE = OPTION_LONG,
	OPT_MIN_WAIT,
	OPT_WAIT_TASKS,
	OPT_IDLE,
	OPT_KERNEL_ONLY,
	SOURCE_OPTION_END,
};

/* Remember an option of the command line that is about samples, or about waits, only. */
void record_source_note(int id);
/* One of the first three, with its argument in optarg. COMMAND_RUN or an exit status. */
int record_source_option(const struct command *cmd, int id, struct control_config *c);
/*
 * At the end of the command line: options that go together, and places enough for all threads
 * of the whole host unless a number was given. COMMAND_RUN or an exit status.
 */
int record_source_check(const struct command *cmd, struct control_config *c, bool whole_host);

#endif
