/* SPDX-License-Identifier: GPL-2.0-only */
/* What is to be sampled, from the command line to TARGET_ADD. */
#ifndef TICKPROF_TARGET_H
#define TICKPROF_TARGET_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct target {
	enum tickprof_target_kind kind;
	uint64_t id;
	char comm[TICKPROF_COMM_LEN];	/* TICKPROF_TARGET_COMM only */
};

struct targets {
	struct target *list;
	size_t nr, cap;
};

void targets_deinit(struct targets *t);

/*
 * Add what a comma list names: numbers for PID and TID, users by name or number
 * for UID, ranges such as 0,2-3 for CPU, thread names for COMM, a cgroup2
 * directory or its path below the mount for CGROUP. 0 or -EINVAL with a message.
 */
int targets_parse(struct targets *t, enum tickprof_target_kind kind, const char *list);
void targets_add(struct targets *t, enum tickprof_target_kind kind, uint64_t id);
/* A process and those that descend from it; proc: "/proc". */
void targets_add_tree(struct targets *t, const char *proc, pid_t pid);
bool targets_have(const struct targets *t, enum tickprof_target_kind kind);

#endif
