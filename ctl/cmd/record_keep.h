/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of `tickprof record` that keep slow traces alone, and what it says of them. */
#ifndef TICKPROF_RECORD_KEEP_H
#define TICKPROF_RECORD_KEEP_H

#include "record_write.h"

enum record_keep_id {
	OPT_KEEP_SLOWER = WRITE_OPTION_END,
	OPT_KEEP_HOLD,
	OPT_KEEP_MEMORY,
	OPT_KEEP_UNTRACED,
	KEEP_OPTION_END,
};

/* One of these, with its argument in optarg. COMMAND_RUN or an exit status. */
int record_keep_option(const struct command *cmd, int id);
/*
 * At the end of the command line: options that go together, and o->keep, which lives as long
 * as the program. COMMAND_RUN or an exit status.
 */
int record_keep_check(const struct command *cmd, struct recording_options *o);

/* After the recording: whether anything was kept; if not, an error tells of it. */
bool record_keep_any(struct keep *k);
/* Lines about it, unless -q. In the state samples and waits become those that were kept. */
void record_keep_report(struct keep *k, struct control_session *state);

#endif
