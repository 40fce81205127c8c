// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file has no name until it is done, so that not even a crash leaves anything
 * behind; where the file system cannot do that, it has a temporary one.
 */
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

static int open_unnamed(const char *path)
{
	__free char *copy = xstrdup(path);

	return open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int open_file(struct output *o)
{
	struct stat st;

	if (!stat(o->path, &st) && !S_ISREG(st.st_mode))
		return open(o->path, O_WRONLY | O_CLOEXEC);
	o->fd = open_unnamed(o->path);
	o->temporary = xasprintf("%s.XXXXXX", o->path);
	o->unnamed = o->fd >= 0;
	if (!o->unnamed)
		o->fd = mkostemp(o->temporary, O_CLOEXEC);
	return o->fd;
}

int output_open(struct output *o, const char *path)
{
	int ret;

	if (!strcmp(path, "-"))
		return open_stdout(o);
	/* A symbolic link keeps pointing where it did. */
	o->path = realpath(path, NULL);
	if (!o->path)
		o->path = xstrdup(path);
	o->fd = open_file(o);
	if (o->fd >= 0)
		return 0;
	ret = -errno;
	free(o->temporary);
	o->temporary = NULL;
	err_errno(-ret, "cannot write '%s'", path);
	return ret;
}

/* A file without a name cannot replace one, so it gets a temporary one first. */
static int name_file(struct output *o)
{
	char from[32];
	int fd;

	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	unlink(o->temporary);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, from, AT_FDCWD, o->temporary, AT_SYMLINK_FOLLOW))
		return -errno;
	o->unnamed = false;
	return 0;
}

int output_commit(struct output *o)
{
	int ret = 0;

	if (!o->temporary)
		return 0;
	if (o->unnamed)
		ret = name_file(o);
	if (!ret && rename(o->temporary, o->path))
		ret = -errno;
	if (ret) {
		err_errno(-ret, "cannot write '%s'", o->path);
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
	if (o->temporary && !o->unnamed)
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
