// SPDX-License-Identifier: GPL-2.0-only
/* Temporary file and rename: see output.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "util.h"

static int open_stdout(struct output *o)
{
	if (isatty(STDOUT_FILENO)) {
		err("standard output is a terminal: redirect it, or name a file with -o");
		return -EINVAL;
	}
	o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (o->fd >= 0)
		return 0;
	err_errno(errno, "cannot use standard output");
	return -errno;
}

int output_open(struct output *o, const char *path)
{
	struct stat st;
	int ret;

	if (!strcmp(path, "-"))
		return open_stdout(o);
	/* A symbolic link keeps pointing where it did. */
	o->path = realpath(path, NULL);
	if (!o->path)
		o->path = xstrdup(path);
	if (!stat(o->path, &st) && !S_ISREG(st.st_mode)) {
		o->fd = open(o->path, O_WRONLY | O_CLOEXEC);
	} else {
		o->temporary = xasprintf("%s.XXXXXX", o->path);
		o->fd = mkostemp(o->temporary, O_CLOEXEC);
	}
	if (o->fd >= 0)
		return 0;
	ret = -errno;
	free(o->temporary);
	o->temporary = NULL;
	err_errno(-ret, "cannot write '%s'", path);
	return ret;
}

int output_commit(struct output *o)
{
	int ret;

	if (!o->temporary)
		return 0;
	if (rename(o->temporary, o->path)) {
		ret = -errno;
		err_errno(-ret, "cannot rename '%s' to '%s'", o->temporary, o->path);
		return ret;
	}
	free(o->temporary);
	o->temporary = NULL;
	return 0;
}

void output_close(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->temporary)
		unlink(o->temporary);
	free(o->temporary);
	free(o->path);
	*o = (struct output)OUTPUT_INIT;
}

static int scratch_in(const char *dir)
{
	return dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
}

int output_scratch(const char *path)
{
	__free char *copy = path ? xstrdup(path) : NULL;
	int fd = scratch_in(copy ? dirname(copy) : NULL);

	if (fd < 0)
		fd = scratch_in(getenv("TMPDIR"));
	if (fd < 0)
		fd = scratch_in("/var/tmp");
	if (fd < 0)
		fd = scratch_in("/tmp");
	if (fd < 0)
		fd = memfd_create("tickprof", MFD_CLOEXEC);
	if (fd >= 0)
		return fd;
	err_errno(errno, "cannot make a temporary file");
	return -errno;
}
