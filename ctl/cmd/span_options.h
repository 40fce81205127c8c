/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What commands about traces share: narrowing which, reading files, telling what
 * was wrong with them.
 */
#ifndef TICKPROF_SPAN_OPTIONS_H
#define TICKPROF_SPAN_OPTIONS_H

#include "profile/profile.h"
#include "span/span_filter.h"
#include "cmd.h"

/* Option ids that span_option() takes; a command's own begin at SPAN_OPTION_END. */
enum span_option_id {
	SPAN_SLOWEST = OPTION_LONG,
	SPAN_SERVICE,
	SPAN_NAME,
	SPAN_OVER,
	SPAN_OPTION_END,
};

#define SPAN_OPTIONS									\
	{ SPAN_SLOWEST, "slowest", "N", "list so many traces; 0: all (50)" },		\
	{ SPAN_SERVICE, "service", "NAME", "only traces with a span of this service" },	\
	{ SPAN_NAME, "name", "NAME", "only traces with a span of this name; either name may be\n" \
				     "a pattern, and both have to fit one span" },	\
	{ SPAN_OVER, "over", "TIME", "only traces that last so long, such as 5ms; with --service\n" \
				     "or --name: in which the span does" }

/* Of --profile-ids. */
#define PROFILE_IDS_HELP "span_id is the span's pyroscope.profile.id, or that of the\n" \
			 "next one above it in its process, if there is one"

#define SPAN_FILTER_INIT { .slowest = 50 }

/* COMMAND_RUN or an exit status; for ids up to SPAN_OPTION_END. */
int span_option(const struct command *cmd, struct span_filter *f, int id);

/* Spans that a command may hold, in bytes. */
#define SPAN_BYTES_MAX	((size_t)1 << 30)

/* Adds a file's spans. EXIT_OK, or an exit status after a message; what was read stays. */
int span_options_read(struct span_model *m, const char *path);
/* Those that came while a capture was recorded; NULL: none did. name: of its file, for messages. */
struct span_model *span_options_recorded(const struct capture *c, const char *name);
/* A warning for each thing that was wrong with the spans. After span_model_link(). */
void span_options_warn(const struct span_model *m);
/* A warning if --profile-ids was given and changes nothing. name: of the capture or profile. */
void span_options_warn_ids(const struct profile_options *o, const struct profile *p,
			   const char *name);
/* The trace of that name, or 0 after a message. */
uint32_t span_options_trace(const struct span_model *m, const char *id);

#endif
