/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_QUIET_H
#define TICKPROF_KMOD_QUIET_H

struct tickprof_stream;

/*
 * Before a stream with waiters leaves the running ones: makes waiters of the targets that
 * it has not met yet. Process context, session lock held; may sleep for QUIET_LOOK_MS.
 */
void tickprof_quiet_add(struct tickprof_stream *stream);

#endif
