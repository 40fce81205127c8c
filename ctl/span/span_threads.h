/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans by the thread that they name and the time they last: for what carries no ids. This is
 * right only where thread.id is what the kernel calls the thread, in the pid namespace of the
 * recording; with Java and Python it is not, which is why it has to be asked for.
 */
#ifndef TICKPROF_SPAN_THREADS_H
#define TICKPROF_SPAN_THREADS_H

#include "span.h"

struct span_threads;

/* Of the model's spans below number "end", which must stay as they are. 4 bytes each. */
struct span_threads *span_threads_create(const struct span_model *m, uint32_t end);
void span_threads_destroy(struct span_threads *t);

/*
 * The innermost span of this thread that has this time (ns since 1970) in it; 0: none. A span whose
 * process is not told fits any. Looks at SPAN_THREADS_LOOK_BACK spans that began before it.
 */
uint32_t span_threads_find(const struct span_threads *t, uint32_t pid, uint32_t tid, uint64_t time);
/* The next start of one after this time, or UINT64_MAX. */
uint64_t span_threads_next(const struct span_threads *t, uint32_t pid, uint32_t tid, uint64_t time);

enum { SPAN_THREADS_LOOK_BACK = 256 };

#endif
