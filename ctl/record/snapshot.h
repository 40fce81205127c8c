/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What /proc tells of processes that ran before sampling began, as records: for
 * each process TASK, MMAP for every executable mapping, then EXEC with the
 * address of the vDSO, all with exec_id 0 unless it is known. Start times are /proc/PID/stat's,
 * rounded down to its 10 ms.
 *
 * Costs about six small files a process; memory: one process's records.
 */
#ifndef TICKPROF_SNAPSHOT_H
#define TICKPROF_SNAPSHOT_H

#include <linux/tickprof.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Gets one process's records. 0, or -errno to end. */
typedef int (*snapshot_sink)(void *arg, const void *records, size_t size);

struct snapshot;

/* proc: "/proc", or a copy of its layout. */
struct snapshot *snapshot_create(const char *proc, snapshot_sink sink, void *arg);
void snapshot_destroy(struct snapshot *s);

/*
 * pid may be any thread's; exec_id names its image, 0 if not known.
 * 1: records were made, 0: it is gone, or -errno of the sink.
 */
int snapshot_process(struct snapshot *s, pid_t pid, uint64_t exec_id);
/* Every process. How many, or -errno. */
int snapshot_all(struct snapshot *s);

#endif
