/* SPDX-License-Identifier: GPL-2.0-only */
/* What a capture says of its recording, as META lines: when, where, of what. */
#ifndef TICKPROF_RECORDING_META_H
#define TICKPROF_RECORDING_META_H

#include "recording.h"

/*
 * Before the first record, once the session is configured and r->started is set; and after
 * the last one. 0 or -errno, of these and of all that was written before: write errors stick.
 */
int recording_meta_begin(const struct recording *r);
int recording_meta_end(const struct recording *r, uint64_t now);

#endif
