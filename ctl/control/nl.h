/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control of the module over generic netlink. All functions return 0 or -errno
 * with a message printed that says what to do; -ENODEV: module absent,
 * -EPROTONOSUPPORT: of another ABI, -EPERM: may not.
 */
#ifndef TICKPROF_NL_H
#define TICKPROF_NL_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stdint.h>

#include "target.h"

struct control;

struct control_info {
	uint32_t abi;
	uint32_t tables;	/* unwind tables, and the bytes that they and mappings hold */
	uint64_t table_memory;
	uint32_t features;	/* TICKPROF_FEATURE_* */
	uint32_t sessions;
	uint64_t memory;
	char release[64];
};

struct control_config {
	uint32_t rate;
	uint32_t flags;		/* TICKPROF_F_* */
	uint32_t ring_size;	/* 0: the module's default */
	uint32_t watermark;	/* 0: the module's default */
	uint32_t depth;
	uint32_t throttle;	/* permille, 0: no bound */
	uint32_t wait_min;	/* ns; F_WAITS only */
	uint32_t wait_tasks;	/* F_WAITS only; 0: the module's default */
	uint32_t contexts;	/* F_CONTEXT only; 0: the module's default */
};

/* Where a program image keeps the context of its threads (enum tickprof_context_kind). */
struct control_context {
	uint32_t pid;
	uint32_t kind;
	uint64_t start_time, exec_id;	/* as its TASK records have them */
	int64_t offset;			/* not for CONTEXT_ABSENT */
	uint32_t module, stride;	/* CONTEXT_DTV only, as the next */
	int32_t vector_at, count_at;
	uint8_t keys[TICKPROF_CONTEXT_KEYS];	/* whose attributes are wanted */
};

struct control_session {
	uint32_t session;
	uint32_t state;		/* enum tickprof_state */
	uint32_t owner_pid;
	uint32_t cpus;
	uint32_t targets;
	struct control_config config;
	uint64_t memory;
	uint64_t counters[TICKPROF_COUNTER_MAX + 1];
	char owner_comm[TICKPROF_COMM_LEN];
};

/* Connect; refuses a module of another ABI. *info may be NULL. */
int control_open(struct control **out, struct control_info *info);
void control_close(struct control *nl);

/* The same without a message: 0, -ENODEV, -EPERM, ...; *info is filled as far as known. */
int control_probe(struct control_info *info);

int control_session_configure(struct control *nl, int fd, const struct control_config *config);
int control_target_add(struct control *nl, int fd, const struct target *target);
/* Silent. -ESRCH: the image is gone; -ENOSPC: no room for another process. */
int control_context_set(struct control *nl, int fd, const struct control_context *context);
int control_start(struct control *nl, int fd);
int control_stop(struct control *nl, int fd);
int control_session_get(struct control *nl, int fd, struct control_session *out);
/* Every session on the host, in the order of their numbers. */
int control_session_dump(struct control *nl,
		    void (*each)(void *arg, const struct control_session *session), void *arg);

#endif
