// SPDX-License-Identifier: GPL-2.0-only
/* Holding a ring of marked spans: see marks_place.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"
#include "context/marks_ring.h"
#include "marks_place.h"
#include "process/map_line.h"

int marks_place_find(uint32_t pid, struct marks_mapping rings[MARKS_MAPPINGS_MAX])
{
	__free char *path = xasprintf("/proc/%u/maps", pid);
	__fclose FILE *f = fopen(path, "re");
	__free char *text = NULL;
	struct map_line map;
	size_t cap = 0;
	int nr = 0;

	if (!f)
		return -errno;
	while (nr < MARKS_MAPPINGS_MAX && getline(&text, &cap, f) > 0) {
		if (!map_line_parse(text, &map) || map.exec || !marks_ring_named(map.path))
			continue;
		rings[nr++] = (struct marks_mapping) {
			.start = map.start, .end = map.end, .offset = map.offset,
			.inode = map.inode, .dev_major = map.dev_major, .dev_minor = map.dev_minor,
		};
	}
	return nr;
}

/* Where files in memory are: the same for every memfd of this boot. 0: there are none. */
static dev_t memory_device(void)
{
	int fd __close = memfd_create("tickprof", MFD_CLOEXEC);
	struct stat s;

	return fd >= 0 && !fstat(fd, &s) ? s.st_dev : 0;
}

/*
 * A name proves nothing: opening somebody's FUSE file, or a device, might never return. Only
 * what lies on the kernel's own memory device is opened.
 */
static int open_file(uint32_t pid, const struct marks_mapping *ring)
{
	char name[96];
	struct stat s;
	int fd;

	if (makedev(ring->dev_major, ring->dev_minor) != memory_device())
		return -EXDEV;
	snprintf(name, sizeof(name), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, ring->start,
		 ring->end);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &s) && S_ISREG(s.st_mode) && s.st_ino == ring->inode &&
	    s.st_dev == makedev(ring->dev_major, ring->dev_minor))
		return fd;
	close(fd);
	return -ESTALE;
}

int marks_place_open(struct marks_place *p, uint32_t pid, const struct marks_mapping *ring)
{
	int fd;

	*p = (struct marks_place) { .pid = pid, .ring = *ring, .memory.fd = -1 };
	p->pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = open_file(pid, ring);
	if (fd >= 0) {
		memory_of_file(&p->memory, fd);
		p->file = true;
		p->base = ring->offset;
		return 0;
	}
	p->base = ring->start;
	return memory_open(&p->memory, pid);
}

void marks_place_close(struct marks_place *p)
{
	memory_close(&p->memory);
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

bool marks_place_is(const struct marks_place *p, uint32_t pid, const struct marks_mapping *ring)
{
	if (p->ring.inode != ring->inode || p->ring.dev_major != ring->dev_major ||
	    p->ring.dev_minor != ring->dev_minor)
		return false;
	return ring->inode || (p->pid == pid && p->ring.start == ring->start);
}

bool marks_place_ended(const struct marks_place *p)
{
	struct pollfd poll_fd = { .fd = p->pidfd, .events = POLLIN };

	if (p->pidfd < 0)
		return kill(p->pid, 0) && errno == ESRCH;
	return poll(&poll_fd, 1, 0) > 0;
}

static bool other_namespace(uint32_t pid)
{
	__free char *name = xasprintf("/proc/%u/ns/pid", pid);
	struct stat s, own;

	return !stat(name, &s) && !stat("/proc/self/ns/pid", &own) && s.st_ino != own.st_ino;
}

void marks_place_describe(uint32_t pid, struct capture_marks *out)
{
	__free char *name = xasprintf("/proc/%u/comm", pid);
	__fclose FILE *f = fopen(name, "re");

	memset(out->comm, 0, sizeof(out->comm));
	if (f && fgets(out->comm, sizeof(out->comm), f))
		out->comm[strcspn(out->comm, "\n")] = '\0';
	if (other_namespace(pid))
		out->flags |= CAPTURE_MARKS_OTHER_TIDS;
}
