// SPDX-License-Identifier: GPL-2.0-only
/* Stop a thread for a moment: see thread.h. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "thread.h"

enum { POLLS = 100, EVENT_STOP = 128 /* PTRACE_EVENT_STOP */ };

/* 0, -ETIMEDOUT, -ESRCH. */
static int await_stop(struct stopped_thread *t)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int i, status;

	for (i = 0; i < POLLS; i++) {
		pid_t ret = waitpid(t->tid, &status, __WALL | WNOHANG);

		if (ret < 0 && errno != EINTR)
			return -ESRCH;
		if (ret == t->tid) {
			if (!WIFSTOPPED(status))
				return -ESRCH;
			t->signal = status >> 16 == EVENT_STOP ? 0 : WSTOPSIG(status);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

#if defined(__x86_64__)
static int read_tp(struct stopped_thread *t)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_PRSTATUS, &iov))
		return -errno;
	if (iov.iov_len != sizeof(regs))
		return -ENOTSUP;
	t->tp = regs.fs_base;
	return 0;
}
#elif defined(__aarch64__)
static int read_tp(struct stopped_thread *t)
{
	struct iovec iov = { &t->tp, sizeof(t->tp) };
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_PRSTATUS, &all) ||
	    ptrace(PTRACE_GETREGSET, t->tid, (void *)NT_ARM_TLS, &iov))
		return -errno;
	return all.iov_len == sizeof(regs) ? 0 : -ENOTSUP;
}
#endif

int thread_stop(pid_t tid, struct stopped_thread *out)
{
	int ret;

	*out = (struct stopped_thread){ .tid = tid };
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
		return -errno;
	ret = await_stop(out);
	if (ret)
		return ret;	/* the kernel lets go of it when this program ends */
	ret = read_tp(out);
	if (ret)
		thread_resume(out);
	return ret;
}

void thread_resume(const struct stopped_thread *t)
{
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)t->signal);
}
