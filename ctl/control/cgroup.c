// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of cgroups: see cgroup.h. A number becomes a path through a file handle,
 * which on cgroup2 is the number itself (kernfs, FILEID_KERNFS in exportfs.h):
 * no walk over the hierarchy. Needs CAP_DAC_READ_SEARCH; without it, and for
 * cgroups that are gone, the number stands for the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/util.h"
#include "cgroup.h"

#define FILEID_KERNFS 0xfe

struct cgroups {
	cgroup_sink sink;
	void *arg;
	const char *mount;
	int mount_fd;
	uint64_t *seen;		/* sorted */
	size_t nr, cap;
};

bool cgroup2_is(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

const char *cgroup2_mount(void)
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		if (cgroup2_is(mounts[i]))
			return mounts[i];
	return NULL;
}

struct cgroups *cgroups_create(cgroup_sink sink, void *arg)
{
	struct cgroups *c = xcalloc(1, sizeof(*c));

	c->sink = sink;
	c->arg = arg;
	c->mount = cgroup2_mount();
	c->mount_fd = c->mount ? open(c->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return c;
}

void cgroups_destroy(struct cgroups *c)
{
	if (!c)
		return;
	if (c->mount_fd >= 0)
		close(c->mount_fd);
	free(c->seen);
	free(c);
}

/* Returns false if it was there already. */
static bool remember(struct cgroups *c, uint64_t id)
{
	size_t low = 0, high = c->nr;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->seen[middle] == id)
			return false;
		if (c->seen[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	GROW(c->seen, c->cap, c->nr + 1);
	memmove(c->seen + low + 1, c->seen + low, (c->nr++ - low) * sizeof(*c->seen));
	c->seen[low] = id;
	return true;
}

/* Its path below the mount, in a buffer of PATH_MAX. */
static bool find_path(const struct cgroups *c, uint64_t id, char *path)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} h = { .handle = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	__close int fd = -1;
	char link[32];
	size_t prefix = strlen(c->mount);
	ssize_t len;

	memcpy(h.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(c->mount_fd, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	if (len < (ssize_t)prefix || strncmp(path, c->mount, prefix))
		return false;
	path[len] = '\0';
	memmove(path, path + prefix, len - prefix + 1);
	if (!*path)
		strcpy(path, "/");
	return true;
}

int cgroups_see(struct cgroups *c, uint64_t id)
{
	char path[PATH_MAX];

	if (!id || c->mount_fd < 0 || !remember(c, id) || !find_path(c, id, path))
		return 0;
	return c->sink(c->arg, id, path);
}
