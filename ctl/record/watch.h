/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks over records as they are drained, while the processes still live: opens
 * every mapped file at once, so that it can be read when symbols are wanted even
 * if it is deleted by then, reads /proc of processes that no event told of, and
 * has cgroups named.
 *
 * Memory: 24 bytes a process, forgotten at its exit.
 */
#ifndef TICKPROF_WATCH_H
#define TICKPROF_WATCH_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/cgroup.h"
#include "symbol/object.h"
#include "contexts.h"
#include "snapshot.h"
#include "tables.h"

struct watch;

struct watch_stats {
	uint64_t mappings;	/* announced, by event or snapshot */
	uint64_t fallbacks;	/* processes whose mappings /proc had to tell */
	uint64_t gone;		/* … which had ended by then */
};

/* All that is given stays the caller's and outlives the watch. */
/*
 * tables: gets every mapped file; contexts: every record that is looked over; both may
 * be NULL. mmap_events: the kernel announces mappings (TICKPROF_FEATURE_MMAP).
 */
struct watch *watch_create(struct objects *objects, struct snapshot *snapshot,
			   struct cgroups *cgroups, struct tables *tables,
			   struct contexts *contexts, bool mmap_events);
void watch_destroy(struct watch *w);

/* Whole, checked records of a ring (snapshot: of /proc). */
void watch_records(struct watch *w, const void *records, size_t size, bool snapshot);
/*
 * After all rings were drained once: what was unknown before that round and is
 * so still is read from /proc, into the snapshot's sink, which is to call
 * watch_records(). 0 or -errno.
 */
int watch_settle(struct watch *w);
const struct watch_stats *watch_stats(const struct watch *w);

/* Types that watch_records() looks at, as in struct reader_span. */
#define WATCH_TYPES	(1u << TICKPROF_RECORD_TASK | 1u << TICKPROF_RECORD_FORK | \
			 1u << TICKPROF_RECORD_EXEC | 1u << TICKPROF_RECORD_MMAP | \
			 1u << TICKPROF_RECORD_EXIT)

#endif
