/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the processes of a recording keep the context of their threads: found in
 * the background as records tell of them, and handed to the module, once a program
 * image. What they say about themselves goes into the capture.
 *
 * Who publishes but has not said yet who it is, or whose dynamic linker is not so far, is
 * looked at again (context_images.h). Who has ended before its turn is not looked at.
 *
 * One thread, which takes a tenth of a CPU at most once it has used up half a second.
 * Memory: 100 bytes a process that runs, and what variable_files.h has of files.
 */
#ifndef TICKPROF_CONTEXTS_H
#define TICKPROF_CONTEXTS_H

#include <linux/tickprof.h>

#include "capture/capture.h"
#include "context_look.h"
#include "marks.h"

struct contexts;

struct contexts_options {
	int session;			/* descriptor of the device, which outlives the result */
	/* Instead of the module: gets what it would, in the thread, and answers like it. */
	int (*set)(void *arg, const struct control_context *where);
	void *arg;
	struct context_keys keys;	/* stays the caller's */
	struct marks *marks;		/* is told who publishes, and may mark spans; may be NULL */
	bool mmap_events;		/* the kernel announces mappings (TICKPROF_FEATURE_MMAP) */
};

/* In program images, each counted by what the last look at it found. */
struct contexts_stats {
	uint64_t images[LOOK_RESULTS];
	int error;		/* of the module's last refusal; -ENOSPC: no room */
	uint64_t looks;
	uint64_t files;		/* opened */
	uint64_t cpu_ns;	/* of the thread */
};

/* NULL: no thread or no connection, said. */
struct contexts *contexts_create(const struct contexts_options *options);
/* Gives up what is still to be looked at. NULL is none, here and below. */
void contexts_destroy(struct contexts *c);

/* A checked record of a type that watch.h looks at. snapshot: of /proc. */
void contexts_see(struct contexts *c, const struct tickprof_record *rec, bool snapshot);
/* Wait until nothing is due any more, at most so long. */
void contexts_settle(struct contexts *c, uint32_t timeout_ms);
/* PROCESS chunks of what was found since the last call. 0 or -errno. */
int contexts_write(struct contexts *c, struct capture_writer *w);
void contexts_stats(struct contexts *c, struct contexts_stats *out);
/* What was found, with -v; a warning of what the module refused. */
void contexts_report(struct contexts *c);

#endif
