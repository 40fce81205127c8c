/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans that processes marked themselves, from a capture: its MARKS chunks into the model, each
 * process a resource whose service is what its PROCESS chunk says, or else its comm.
 */
#ifndef TICKPROF_SPAN_MARKS_H
#define TICKPROF_SPAN_MARKS_H

#include "capture/capture.h"
#include "span.h"

/* Has the capture any? */
bool span_marks_any(const struct capture *c);
/*
 * All chunks. Those that ended before the recording began are left out. 0, or -EBADMSG: a chunk
 * is not of whole entries; what came before it is in the model.
 */
int span_marks_read(const struct capture *c, const char *name, struct span_model *m);

#endif
