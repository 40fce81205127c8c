/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stop a thread of another process for a moment, by ptrace, and learn its thread
 * pointer. It goes on as it was: a wait that was interrupted is resumed by the
 * kernel, a signal that arrived meanwhile is delivered. Not for threads that
 * somebody else traces.
 */
#ifndef TICKPROF_CONTEXT_THREAD_H
#define TICKPROF_CONTEXT_THREAD_H

#include <stdint.h>
#include <sys/types.h>

struct stopped_thread {
	pid_t tid;
	int signal;	/* to be delivered when it goes on; 0: none */
	uint64_t tp;
};

/*
 * 0: it is stopped, and goes on at thread_resume(); -ETIMEDOUT: it did not stop
 * within 100 ms, being deep in the kernel; should it stop later, it goes on when
 * this program ends; -ENOTSUP: a program of 32 bits; else what ptrace says, such
 * as -ESRCH or -EPERM.
 */
int thread_stop(pid_t tid, struct stopped_thread *out);
void thread_resume(const struct stopped_thread *t);

#endif
