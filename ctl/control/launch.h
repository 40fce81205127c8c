/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command to profile: forked early and held before exec, so that its pid can
 * be made a target and nothing of it runs unsampled. It must be created before
 * the session is opened, or the child would hold the session open too.
 */
#ifndef TICKPROF_LAUNCH_H
#define TICKPROF_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What a command that could not be run exits with, as of a shell. */
enum { LAUNCH_NOT_RUN = 126, LAUNCH_NOT_FOUND = 127 };

struct launch {
	pid_t pid;		/* 0: none */
	int link;		/* a byte lets it go, closing ends it; a failed exec's errno returns */
	bool released;
	bool reaped;
	int status;		/* of waitpid(), once reaped */
};

#define LAUNCH_INIT { .link = -1 }

/* signals: the mask the command starts with. */
int launch_create(struct launch *l, char **argv, const sigset_t *signals);
/* Let it exec. 0, or -errno of the exec, with a message. */
int launch_release(struct launch *l, const char *name);
/* Collect it if it has ended (wait: until it has). true: it has ended. */
bool launch_reap(struct launch *l, bool wait);
/* As a shell counts: its exit status, or 128 + signal. */
int launch_status(const struct launch *l);
/* End a command that was never released. */
void launch_destroy(struct launch *l);

#endif
