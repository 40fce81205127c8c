/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands that read a capture share: naming the file, narrowing what
 * is looked at, and getting from a file to a profile.
 */
#ifndef TICKPROF_VIEW_H
#define TICKPROF_VIEW_H

#include "profile/profile.h"
#include "span/span.h"
#include "span_options.h"

#define VIEW_DEFAULT_PATH	"tickprof.data"

/* Option ids that view_option() takes; a command's own begin at VIEW_OPTION_END. */
enum view_option_id {
	VIEW_PID = OPTION_LONG,
	VIEW_TID,
	VIEW_COMM,
	VIEW_NO_KERNEL,
	VIEW_NO_IDLE,
	VIEW_TIME,
	VIEW_VALUE,
	VIEW_STATE,
	VIEW_IDLE,
	VIEW_TRACE,
	VIEW_SPAN,
	VIEW_SPAN_NAME,
	VIEW_SPANS,
	VIEW_JOIN,
	VIEW_PROFILE_IDS,
	VIEW_OPTION_END,
};

/* For commands that show one column, and not all there is. */
#define VIEW_WAIT_OPTIONS								\
	{ VIEW_VALUE, "value", "COLUMN", "samples, cpu, off_cpu or runq (samples; off_cpu where\n" \
					"nothing was sampled)" },			\
	{ VIEW_STATE, "state", "LIST", "only waits in these states: disk,preempted" },	\
	{ VIEW_IDLE, "idle", NULL, "also the waits of idle kernel threads" }

#define VIEW_OPTIONS									\
	{ 'i', "input", "FILE", "the capture, also as operand (" VIEW_DEFAULT_PATH ")" },	\
	{ VIEW_PID, "pid", "LIST", "only these processes" },				\
	{ VIEW_TID, "tid", "LIST", "only these threads" },				\
	{ VIEW_COMM, "comm", "LIST", "only processes and threads of these names" },	\
	{ VIEW_NO_KERNEL, "no-kernel", NULL, "leave kernel functions out; their time counts for\n" \
					"the user function that entered the kernel" },	\
	{ VIEW_NO_IDLE, "no-idle", NULL, "leave out samples of the idle task" },	\
	{ VIEW_TIME, "time", "FROM,TO", "only this part, in seconds from the start" },	\
	{ VIEW_TRACE, "trace", "ID", "only this trace; the first digits will do" },	\
	{ VIEW_SPAN, "span", "ID", "only this span; the first digits will do" },	\
	{ VIEW_SPAN_NAME, "span-name", "NAME", "only spans of this name, or pattern" },	\
	{ VIEW_SPANS, "spans", "FILE", "names of spans: OTLP, Tempo or Jaeger; may be repeated" },	\
	{ VIEW_JOIN, "join-by-thread", NULL, "what carries no ids: by spans' thread.id and time, which\n" \
					   "is right only if that is the kernel's number" },	\
	{ VIEW_PROFILE_IDS, "profile-ids", NULL, PROFILE_IDS_HELP }

struct view_options {
	const char *path;		/* NULL: VIEW_DEFAULT_PATH */
	char *pids, *tids, *comms;	/* lists with a comma around each entry; NULL: all */
	char *states;			/* of waits; likewise */
	bool no_kernel, no_idle;
	bool idle;			/* show the waits of idle kernel threads */
	bool has_value;
	enum profile_column value;	/* has_value */
	double from, until;		/* seconds; until 0: the end */
	const char *trace, *span;	/* first digits of ids, lower case; NULL: any */
	const char *span_name;		/* a pattern of the shell's; NULL: any */
	const char **spans;		/* files */
	size_t nr_spans, cap_spans;
	struct profile_options profile;
};

/* Waits of idle kernel threads that were left out; ns. */
struct view_idle {
	uint64_t waits, off_cpu, runq;
};

struct view {
	const char *path;
	enum profile_column value;	/* the column asked for, or the default one */
	struct view_idle idle;
	struct capture *capture;
	struct objects *objects;
	struct symbolizer *symbolizer;
	struct span_model *spans;	/* of files and of the capture, linked; NULL: there are none */
	struct profile *profile;
};

/*
 * The whole command line of such a command: options of its own go to
 * own(id), which returns COMMAND_RUN or an exit status. Operands may stand
 * anywhere; one file at most.
 */
int view_parse(const struct command *cmd, int argc, char **argv, struct view_options *o,
	       int (*own)(const struct command *cmd, int id));
void view_options_deinit(struct view_options *o);

/* An exit status: EXIT_OK, or one after a message. view_close() in either case. */
int view_open(struct view *v, const struct view_options *o);
void view_close(struct view *v);

/* What view_parse() and view_open() do about spans. COMMAND_RUN or an exit status; EXIT_OK or one. */
int view_span_option(const struct command *cmd, struct view_options *o, int id);
int view_read_spans(struct view *v, const struct view_options *o);
bool view_shows_context(const struct view_options *o, const struct profile *p, uint32_t context);

/* Take out of a profile what the options leave out, for outputs that show it whole. */
struct view_idle view_narrow(struct profile *p, const struct view_options *o);
/* Whether --pid, --tid and --comm let it through. */
bool view_shows_task(const struct view_options *o, const struct profile_task *t);

#endif
