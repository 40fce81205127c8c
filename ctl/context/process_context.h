/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process says it is: the OpenTelemetry process context (OTEP 4719), in a
 * mapping that is called OTEL_CTX.
 *
 *	char signature[8] "OTEL_CTX"; u32 version, 2 (1 while it was drafted);
 *	u32 payload_size; u64 published_at (0: being changed); u64 payload (address)
 *
 * The payload is protobuf (proto/process_context.proto). The process may change it
 * at any time; a copy counts if published_at was the same before and after.
 */
#ifndef TICKPROF_PROCESS_CONTEXT_H
#define TICKPROF_PROCESS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

enum {
	PROCESS_CONTEXT_PAYLOAD_MAX = 1 << 16,	/* bytes */
	PROCESS_CONTEXT_KEYS_MAX = 256,
};

/* Texts are the process's: any bytes, zero-terminated. */
struct process_context {
	uint64_t published_at;	/* ns of CLOCK_BOOTTIME */
	char *service;		/* service.name; NULL: not told */
	char *schema;		/* threadlocal.schema_version; NULL: not told */
	char **keys;		/* threadlocal.attribute_key_map */
	size_t nr_keys;
};

/* Is a mapping of this name, and not executable, one to look into? */
bool process_context_named(const char *path);

/*
 * Read the one whose header is at "address". 0; -ENOENT: there is none; -EPROTO: of
 * a version that is not known; -EBADMSG: its payload is broken or too large;
 * -EAGAIN: it changes all the time; -EFAULT.
 */
int process_context_read(const struct memory *m, uint64_t address, struct process_context *out);
void process_context_deinit(struct process_context *c);

/* Does the schema say that otel_thread_ctx_v1 is what it is taken for? */
bool process_context_schema_known(const struct process_context *c);

#endif
