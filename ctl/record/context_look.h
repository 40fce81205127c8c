/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One look at a process: where its threads keep their context, for the module, and
 * what it says about itself, for the capture. Reads /proc, a fraction of a
 * millisecond once its files are known (publisher.h).
 */
#ifndef TICKPROF_CONTEXT_LOOK_H
#define TICKPROF_CONTEXT_LOOK_H

#include "capture/capture_process.h"
#include "context/variable_files.h"
#include "control/nl.h"

enum look_result {
	LOOK_FOUND,		/* it publishes */
	LOOK_ABSENT,		/* it does not */
	LOOK_LATER,		/* it will: the dynamic linker is not so far yet */
	LOOK_UNREADABLE,	/* it does, in a way that cannot be read */
	LOOK_DENIED,		/* this tool may not look */
	LOOK_GONE,
	LOOK_REFUSED,		/* by the module: no look has this result, contexts.c gives it */
	LOOK_RESULTS,
};

/* Names of attributes that may be recorded. */
struct context_keys {
	char **names;
	size_t nr;
};

struct look {
	struct control_context where;	/* pid, start_time, exec_id: the caller's; the rest is found */
	uint32_t ppid;			/* likewise; 0: not known */
	enum look_result result;
	bool named;			/* it says itself what it is */
	uint8_t *process;		/* payload of a PROCESS chunk, on the heap; NULL: none */
	size_t process_size;
};

/*
 * A child of fork that publishes nothing about itself goes by what its parent said,
 * if they run the same program and keep contexts in the same place.
 */
void context_look(struct look *look, struct variable_files *files,
		  const struct context_keys *wanted);

#endif
