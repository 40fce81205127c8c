/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwind tables of the files that sampled processes map, compiled in the
 * background and uploaded to the session while sampling goes on.
 *
 * One thread. Memory: one table at a time, 100 bytes a file seen.
 */
#ifndef TICKPROF_TABLES_H
#define TICKPROF_TABLES_H

#include <stdint.h>

#include "capture/capture.h"
#include "symbol/object.h"

struct tables;

/* In files, each counted once. */
struct tables_stats {
	uint32_t loaded;	/* whose table the session has */
	uint32_t compiled;	/* of these, how many the cache did not have */
	uint32_t none;		/* without: no call frame information, or something failed */
	uint32_t waiting;	/* not reached yet */
	uint32_t given_up;	/* by the cache on disk, for its bound */
	uint32_t damaged;	/* there, and not believed */
	uint64_t bytes;
};

/*
 * session: descriptor of the device, which outlives the result. cache: a folder,
 * as for unwind_cache_create(). NULL: no thread, said.
 */
struct tables *tables_create(int session, const char *cache);
/* Gives up what is still waiting. */
void tables_destroy(struct tables *t);

/* A file that is mapped somewhere. Cheap for one that was seen before. */
void tables_add(struct tables *t, struct objects *objects, struct object *object);
/* What will surely be mapped: by the command, if there is one (command_files.h), and by this very program. */
void tables_add_command(struct tables *t, const char *command);
/* Wait until all that was added is uploaded, at most so long. */
void tables_settle(struct tables *t, uint32_t timeout_ms);
void tables_stats(struct tables *t, struct tables_stats *out);
/* These numbers, and which files have no table and why, as META. 0 or -errno. */
int tables_write_meta(struct tables *t, struct capture_writer *w);

#endif
