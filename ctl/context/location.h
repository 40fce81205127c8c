/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a thread's otel_thread_ctx_v1 is, given its thread pointer (x86_64: base of
 * fs, arm64: tpidr_el0): one location for all threads of a process, and what to do
 * with it. Either the distance is the same for all threads, or the variable lies
 * in a block of its library that each thread has somewhere, found through the
 * thread's vector of such blocks (the DTV), whose shape is the C library's.
 *
 * The steps are at most four reads of a word, and no loop: what a kernel can do in
 * an interrupt.
 *
 *	STATIC:	variable = tp + offset
 *	DTV:	vector = *(tp + vector_at)
 *		module <= *(vector + count_at), else the thread knows no such block
 *		block = *(vector + module * stride); 0 and -1: the thread has none yet
 *		variable = block + offset
 */
#ifndef TICKPROF_CONTEXT_LOCATION_H
#define TICKPROF_CONTEXT_LOCATION_H

#include <stdint.h>

#include "memory.h"
#include "tls_variable.h"

enum location_kind {
	LOCATION_NONE,
	LOCATION_STATIC,
	LOCATION_DTV,
};

struct location {
	uint32_t kind;		/* enum location_kind */
	uint32_t module;	/* 1 and up; LOCATION_DTV only, as all below */
	int64_t offset;
	int32_t vector_at;
	int32_t count_at;
	uint32_t stride;	/* bytes */
};

enum c_library {
	C_LIBRARY_UNKNOWN,
	C_LIBRARY_GLIBC,
	C_LIBRARY_MUSL,
};

/* Which one a program runs on, by the interpreter it asks for; NULL: none. */
enum c_library c_library_of(const char *interpreter);

/*
 * The location that v tells of in a live process, where its file is loaded "bias"
 * bytes above the addresses in it. 0; -EAGAIN: the dynamic linker has not filled
 * the words in yet; -EOPNOTSUPP: through the vector of a C library that is not
 * known; -ENOENT: v has no form; -EBADMSG: what the words say cannot be; -EFAULT.
 */
int location_resolve(const struct tls_variable *v, uint64_t bias, enum c_library libc,
		     const struct memory *m, struct location *out);

/* The variable's address. 0, -ENOENT: the thread has no block for it, -EFAULT. */
int location_evaluate(const struct location *l, const struct memory *m, uint64_t tp, uint64_t *out);

/* "thread pointer - 72", for people; at most size bytes. */
void location_print(const struct location *l, char *out, size_t size);

#endif
