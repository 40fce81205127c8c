/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture says of a recording that kept slow traces alone: META lines "keep.*". That
 * it did so, and above which duration, is written first, the numbers at the end.
 *
 * KEPT chunks name the traces that were kept, 16 bytes each. Records of others may be there
 * beside them: a thread's record before or after one of such a trace's, without which the
 * trace's own time in the thread would not be told.
 */
#ifndef TICKPROF_CAPTURE_KEEP_H
#define TICKPROF_CAPTURE_KEEP_H

#include "capture.h"

#define CAPTURE_META_KEEP	"keep.slower-than"	/* as on the command line: "50ms", "p99" */

enum { CAPTURE_KEEP_LIMIT_MAX = 32, CAPTURE_KEEP_LINES = 4 };

/* What became of a record. */
enum keep_fate {
	KEEP_SLOW,			/* kept: of a slow trace */
	KEEP_BESIDE,			/* kept: in its thread before or after such a one */
	KEEP_UNTRACED,			/* kept: of no trace, which was asked for */
	KEEP_DROP_FAST,			/* of a trace that was not slow */
	KEEP_DROP_UNDECIDED,		/* before that was known: no memory, or the end */
	KEEP_DROP_UNTRACED,		/* of no trace */
	KEEP_FATES,
};

struct capture_keep {
	char limit[CAPTURE_KEEP_LIMIT_MAX];	/* META_KEEP */
	bool complete;			/* the numbers are known */
	uint64_t threshold;		/* ns, at the end; 0: not learnt yet */
	uint64_t traces_kept;
	uint64_t traces_cut;		/* of these, with records dropped before they turned out slow */
	uint64_t traces_learning;	/* of these, because the percentile was not known yet */
	uint64_t traces_dropped;
	uint64_t traces_undecided;	/* dropped, and might have become slow */
	uint64_t traces_missed;		/* slow, but nothing of them was left when that was known */
	uint64_t traces_forgotten;	/* slow ones whose place was needed */
	uint64_t threads_forgotten;	/* likewise: what follows in them may be missing */
	uint64_t samples[KEEP_FATES], waits[KEEP_FATES];
};

/* Kept and dropped ones of such an array. */
uint64_t capture_keep_kept(const uint64_t fates[KEEP_FATES]);
uint64_t capture_keep_dropped(const uint64_t fates[KEEP_FATES]);

/* The numbers; the limit is written with capture_write_meta(). 0 or -errno. */
int capture_write_keep(struct capture_writer *w, const struct capture_keep *k);
/* false: everything was kept. */
bool capture_read_keep(const struct capture *c, struct capture_keep *out);
/* For people, without line ends, each on the heap. How many. */
size_t capture_keep_text(const struct capture_keep *k, char *lines[CAPTURE_KEEP_LINES]);

#endif
