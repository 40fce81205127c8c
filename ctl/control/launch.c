// SPDX-License-Identifier: GPL-2.0-only
/* Fork, hold, release: see launch.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "launch.h"

static void close_link(struct launch *l)
{
	if (l->link >= 0)
		close(l->link);
	l->link = -1;
}

static void __attribute__((noreturn)) child(int link, char **argv, const sigset_t *signals)
{
	ssize_t n;
	char byte;
	int error;

	do
		n = read(link, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_ERROR);
	sigprocmask(SIG_SETMASK, signals, NULL);
	execvp(argv[0], argv);
	error = errno;
	send(link, &error, sizeof(error), MSG_NOSIGNAL);
	_exit(error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_RUN);
}

int launch_create(struct launch *l, char **argv, const sigset_t *signals)
{
	int link[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link)) {
		ret = -errno;
		goto error;
	}
	l->pid = fork();
	if (l->pid < 0) {
		ret = -errno;
		goto close;
	}
	if (!l->pid) {
		close(link[0]);
		child(link[1], argv, signals);
	}
	close(link[1]);
	l->link = link[0];
	return 0;
close:
	l->pid = 0;
	close(link[0]);
	close(link[1]);
error:
	err_errno(-ret, "cannot start '%s'", argv[0]);
	return ret;
}

int launch_release(struct launch *l, const char *name)
{
	int error = 0;
	ssize_t n;

	if (send(l->link, "", 1, MSG_NOSIGNAL) != 1)
		error = errno;
	l->released = !error;
	do
		n = read(l->link, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close_link(l);
	if (!error)
		return 0;
	err_errno(error, "cannot run '%s'", name);
	return -error;
}

bool launch_reap(struct launch *l, bool wait)
{
	pid_t ret;

	if (l->reaped || !l->pid)
		return true;
	do
		ret = waitpid(l->pid, &l->status, wait ? 0 : WNOHANG);
	while (ret < 0 && errno == EINTR);
	l->reaped = ret == l->pid || (ret < 0 && errno == ECHILD);
	return l->reaped;
}

int launch_status(const struct launch *l)
{
	if (WIFSIGNALED(l->status))
		return 128 + WTERMSIG(l->status);
	return WEXITSTATUS(l->status);
}

void launch_destroy(struct launch *l)
{
	close_link(l);
	if (l->pid && !l->released)
		launch_reap(l, true);
}
