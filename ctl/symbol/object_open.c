// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening files as a process sees them: see object_open.h. /proc/PID/map_files
 * gives the very file that is mapped, also when it is deleted, but needs
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE and a mapping that still stands.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/util.h"
#include "elf_file.h"
#include "object_open.h"

/* Only what is a regular file is opened: a device or a FIFO could act on it. */
static int open_regular(int path_fd)
{
	char name[64];
	struct stat st;
	int fd;

	if (fstat(path_fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int open_path(const char *path, int flags)
{
	int fd __close = open(path, O_PATH | O_CLOEXEC | flags);

	return fd < 0 ? -errno : open_regular(fd);
}

int open_in_root(pid_t pid, const char *path, bool follow)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char name[64];
	int root __close = -1;
	int fd __close = -1;

	if (!pid)
		return open_path(path, follow ? 0 : O_NOFOLLOW);
	snprintf(name, sizeof(name), "/proc/%d/root", pid);
	root = open(name, O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (root < 0)
		return -errno;
	fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : open_regular(fd);
}

/*
 * overlayfs shows other numbers in /proc/PID/maps than stat() does, so a
 * difference there says nothing.
 */
static bool comparable(int fd, const struct object_id *id)
{
	struct statfs fs;

	return id->inode && !fstatfs(fd, &fs) && fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

static int verify(int fd, const struct object_id *id, const uint8_t *build_id, uint8_t size)
{
	struct stat st;

	if (id->build_id_size)
		return id->build_id_size == size && !memcmp(id->build_id, build_id, size)
			? 0 : -ESTALE;
	if (fstat(fd, &st))
		return -errno;
	if (id->inode && st.st_ino == id->inode)
		return 0;
	if (comparable(fd, id))
		return -ESTALE;
	verbose("%s: taken by its name: neither build id nor inode tell whether it is the file that ran",
		id->path);
	return 0;
}

/* Close and refuse a descriptor that is not the file; errors pass through. */
static int checked(int fd, const struct object_id *id, uint8_t *build_id, uint8_t *size)
{
	int ret;

	if (fd < 0)
		return fd;
	ret = elf_build_id(fd, build_id, size);
	if (ret && ret != -ENOENT && ret != -ENOEXEC) {
		close(fd);
		return ret;
	}
	ret = verify(fd, id, build_id, *size);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int object_open(const struct object_id *id, pid_t pid, uint64_t addr, uint64_t len,
		uint8_t build_id[TICKPROF_BUILD_ID_MAX], uint8_t *build_id_size)
{
	int fd = -ENOENT, last;
	char name[96];

	if (pid && len) {
		snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid,
			 addr, addr + len);
		fd = checked(open_path(name, 0), id, build_id, build_id_size);
	}
	if (fd < 0 && fd != -EMFILE && pid && id->path[0] == '/') {
		last = checked(open_in_root(pid, id->path, true), id, build_id, build_id_size);
		fd = last < 0 && fd == -ESTALE ? fd : last;
	}
	if (fd < 0 && fd != -EMFILE && id->path[0] == '/') {
		last = checked(open_path(id->path, 0), id, build_id, build_id_size);
		fd = last < 0 && fd == -ESTALE ? fd : last;
	}
	return fd;
}
