/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One recording, from the open session to a capture on a descriptor:
 *
 *	command held → session, targets, rings → START → snapshot of /proc →
 *	command released → drain until the end → STOP → drain the rest → counters
 *
 * The snapshot comes after START, so nothing falls between the two.
 *
 * Memory: the rings, 24 bytes a process, one descriptor a mapped file. Records go
 * from the rings to the capture without a copy, unless slow traces alone are kept:
 * keep/keep.h tells of their way then.
 */
#ifndef TICKPROF_RECORDING_H
#define TICKPROF_RECORDING_H

#include "capture/capture.h"
#include "control/launch.h"
#include "control/session.h"
#include "control/target.h"
#include "keep/keep.h"
#include "symbol/object.h"
#include "contexts.h"
#include "marks.h"
#include "snapshot.h"
#include "span_intake.h"
#include "tables.h"
#include "watch.h"

struct recording_options {
	struct control_config config;
	struct targets targets;
	bool command_only;	/* the command and its children are the target */
	char **command;		/* NULL: none */
	char *command_line;	/* for the capture, may be NULL */
	struct context_keys context_keys;
	const char *otlp_listen;	/* address to take spans at; NULL: none */
	const struct keep_options *keep;	/* slow traces alone; NULL: all */
	uint32_t delay_ms;
	uint64_t duration_ns;	/* 0: no bound */
	bool progress;		/* a line on stderr once a second */
};

struct recording {
	const struct recording_options *options;
	struct session session;
	struct launch launch;
	struct objects *objects;
	struct snapshot *snapshot;
	struct cgroups *cgroups;
	struct watch *watch;
	struct tables *tables;	/* NULL: stacks are walked by frame pointer */
	struct contexts *contexts;	/* NULL: no spans are recorded */
	struct marks *marks;	/* NULL: none are looked for */
	struct span_intake *spans;	/* NULL: none are taken */
	struct keep *keep;	/* NULL: all records are */
	struct capture_writer *capture;
	int signals;		/* signalfd */
	uint64_t started, leave_at, progress_at;
	uint64_t day_offset;	/* CLOCK_REALTIME - CLOCK_MONOTONIC, ns; with keep */
	bool stopping;
	bool write_failed;	/* … and that was said */
};

#define RECORDING_INIT { .session = SESSION_INIT, .launch = LAUNCH_INIT, .signals = -1 }

/*
 * Record into fd. On success the session is stopped, everything drained, its
 * counters in r->session.state, the capture open for more chunks. 0 or -errno
 * with a message; recording_deinit() in either case.
 */
int recording_run(struct recording *r, const struct recording_options *options, int fd);
void recording_deinit(struct recording *r);

#endif
