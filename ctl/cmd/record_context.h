/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of `tickprof record` about spans: contexts of threads, and spans that come in. */
#ifndef TICKPROF_RECORD_CONTEXT_H
#define TICKPROF_RECORD_CONTEXT_H

#include "record/recording.h"
#include "record_source.h"

enum record_context_id {
	OPT_CONTEXT = SOURCE_OPTION_END,
	OPT_CONTEXT_KEYS,
	OPT_CONTEXTS,
	OPT_OTLP_LISTEN,
	CONTEXT_OPTION_END,
};

/* One of these, with its argument in optarg. COMMAND_RUN or an exit status. */
int record_context_option(const struct command *cmd, int id, struct recording_options *o);
/*
 * At the end of the command line: options that go together, and places enough for all
 * processes of the whole host unless a number was given. COMMAND_RUN or an exit status.
 */
int record_context_check(const struct command *cmd, struct recording_options *o, bool whole_host);
/* Frees what the options took. */
void record_context_deinit(struct recording_options *o);

#endif
