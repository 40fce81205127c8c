// SPDX-License-Identifier: GPL-2.0-only
/* Reading another process's memory: see memory.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "memory.h"

static int read_at(const struct memory *m, uint64_t address, void *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	/* The top half is the kernel's, and no file offset. */
	if (address > INT64_MAX - size)
		return -EFAULT;
	while (done < size) {
		n = pread(m->fd, (char *)buf + done, size - done, address + done);
		if (n <= 0)
			return n < 0 && errno == EINTR ? -EINTR : -EFAULT;
		done += n;
	}
	return 0;
}

int memory_open(struct memory *m, pid_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	m->read = read_at;
	m->fd = open(name, O_RDONLY | O_CLOEXEC);
	return m->fd < 0 ? -errno : 0;
}

void memory_of_file(struct memory *m, int fd)
{
	m->read = read_at;
	m->fd = fd;
}

void memory_close(struct memory *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
