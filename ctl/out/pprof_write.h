/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that write pprof share. */
#ifndef TICKPROF_PPROF_WRITE_H
#define TICKPROF_PPROF_WRITE_H

#include "base/intern.h"
#include "gzip.h"
#include "profile/profile.h"
#include "proto/profile.pb-c.h"

#define LABELS_MAX	8	/* of a task; of a sample's own */

/* Labels as Sample carries them. */
struct packed_labels {
	uint8_t *bytes;
	size_t size;
};

struct writer {
	const struct profile *p;
	struct gzip *out;
	struct intern *strings;
	char **table;
	size_t nr_table, cap_table;
	struct packed_labels *tasks, *contexts;		/* packed once, by number - 1 */
	uint8_t *sample;				/* the one being packed */
	size_t cap_sample;
};

/* Its number in the string table. */
int64_t pprof_string(struct writer *w, const char *s);

/* Of all tasks and contexts. */
void pprof_make_labels(struct writer *w);
void pprof_free_labels(struct writer *w);
/* Those that are neither the task's nor the context's, into m->label. */
void pprof_own_labels(struct writer *w, Tickprof__Label *labels, Tickprof__Sample *m,
		      const struct profile_sample *s);

#endif
