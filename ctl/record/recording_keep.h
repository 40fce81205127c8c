/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a recording goes by way of keep/keep.h, if slow traces alone are kept; without,
 * each of these does nothing. 0 or -errno.
 */
#ifndef TICKPROF_RECORDING_KEEP_H
#define TICKPROF_RECORDING_KEEP_H

#include "recording.h"

/* Once the session is open, capture and intake of spans are there. With a message. */
int recording_keep_create(struct recording *r);
/* After the rings were drained once. */
int recording_keep_settle(struct recording *r);
/* After they were for the last time: what still stood in line, and the counts. */
int recording_keep_finish(struct recording *r);

#endif
