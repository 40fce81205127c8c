/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_RECORD_CHECK_H
#define TICKPROF_RECORD_CHECK_H

#include <linux/tickprof.h>
#include <stdbool.h>

/*
 * Whether a record of a known type, whose size lies within its chunk, is as its type draws
 * it: long enough, its strings and counts inside it.
 */
bool record_check(const struct tickprof_record *r);

#endif
