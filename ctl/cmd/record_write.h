/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `tickprof record` writes when the recording is over: a capture with its symbols, or a
 * profile. A profile names contexts by the spans that were taken meanwhile (--otlp-listen), as
 * `tickprof convert` does from the capture.
 */
#ifndef TICKPROF_RECORD_WRITE_H
#define TICKPROF_RECORD_WRITE_H

#include "base/output.h"
#include "profile/profile.h"
#include "record_context.h"

enum record_write_id {
	OPT_LABEL_CPU = CONTEXT_OPTION_END,
	OPT_NO_LINES,
	OPT_NO_IDS,
	OPT_PROFILE_IDS,
	WRITE_OPTION_END,
};

struct record_write_options {
	const char *path;
	struct profile_options profile;
};

/* One of these or 'o', with its argument in optarg. */
void record_write_option(int id, struct record_write_options *o);
/* At the end of the command line. COMMAND_RUN or an exit status. */
int record_write_check(const struct command *cmd, const struct record_write_options *o);

/* By its name: a profile, or a capture. */
bool record_writes_profile(const char *path);
/*
 * From the recorded capture on fd to the output, which may be the same file. 0 or -errno after a
 * message. truncated: stacks cut short.
 */
int record_write(struct recording *r, int fd, const struct output *out,
		 const struct record_write_options *o, uint64_t *truncated);

#endif
