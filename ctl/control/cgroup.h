/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of cgroups. A record carries a cgroup's number, which is the inode of
 * its cgroup2 directory; the name is asked for once, when the number is first
 * seen, because a container's cgroup is gone when the container is.
 *
 * Memory: 8 bytes for each cgroup seen.
 */
#ifndef TICKPROF_CGROUP_H
#define TICKPROF_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroups;

/* path begins at the cgroup2 mount: "/" is the root. */
typedef int (*cgroup_sink)(void *arg, uint64_t id, const char *path);

struct cgroups *cgroups_create(cgroup_sink sink, void *arg);
void cgroups_destroy(struct cgroups *c);

/* Tell the sink of a number not seen before, if it still has a name. 0 or the sink's error. */
int cgroups_see(struct cgroups *c, uint64_t id);

/* Where cgroup2 is mounted; NULL: nowhere we look. */
const char *cgroup2_mount(void);
bool cgroup2_is(const char *path);

#endif
