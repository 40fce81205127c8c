// SPDX-License-Identifier: GPL-2.0-only
/* Lists of targets as the command line writes them. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "cgroup.h"
#include "target.h"

enum { CPU_MAX = 1 << 16 };

void targets_deinit(struct targets *t)
{
	free(t->list);
	*t = (struct targets){ 0 };
}

void targets_add(struct targets *t, enum tickprof_target_kind kind, uint64_t id)
{
	GROW(t->list, t->cap, t->nr + 1);
	t->list[t->nr++] = (struct target){ .kind = kind, .id = id };
}

static bool has_id(const struct targets *t, enum tickprof_target_kind kind, uint64_t id)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->list[i].kind == kind && t->list[i].id == id)
			return true;
	return false;
}

static pid_t parent_of(const char *proc, const char *pid)
{
	__free char *path = xasprintf("%s/%s/stat", proc, pid);
	__fclose FILE *f = fopen(path, "re");
	char text[512], *name_end;
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	int parent = 0;

	text[len] = '\0';
	name_end = strrchr(text, ')');
	if (name_end)
		sscanf(name_end + 1, " %*c %d", &parent);
	return parent;
}

/* Not every kernel has /proc/PID/task/TID/children. */
void targets_add_tree(struct targets *t, const char *proc, pid_t pid)
{
	struct dirent *entry;
	size_t before;
	DIR *dir = opendir(proc);

	targets_add(t, TICKPROF_TARGET_PID, pid);
	while (dir) {
		before = t->nr;
		while ((entry = readdir(dir))) {
			uint64_t id = strtoull(entry->d_name, NULL, 10);

			if (id && !has_id(t, TICKPROF_TARGET_PID, id) &&
			    has_id(t, TICKPROF_TARGET_PID, parent_of(proc, entry->d_name)))
				targets_add(t, TICKPROF_TARGET_PID, id);
		}
		if (t->nr == before)
			break;
		rewinddir(dir);
	}
	if (dir)
		closedir(dir);
}

bool targets_have(const struct targets *t, enum tickprof_target_kind kind)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->list[i].kind == kind)
			return true;
	return false;
}

static bool parse_number(const char *text, char **end, uint64_t max, uint64_t *out)
{
	unsigned long long value;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoull(text, end, 10);
	if (errno || value > max)
		return false;
	*out = value;
	return true;
}

static int add_id(struct targets *t, enum tickprof_target_kind kind, const char *item)
{
	const char *what = kind == TICKPROF_TARGET_PID ? "process" : "thread";
	uint64_t id;
	char *end;

	if (!parse_number(item, &end, INT32_MAX, &id) || *end || !id) {
		err("'%s' is not a %s id", item, what);
		return -EINVAL;
	}
	targets_add(t, kind, id);
	return 0;
}

static int add_cpus(struct targets *t, const char *item)
{
	uint64_t first, last;
	char *end;

	if (!parse_number(item, &end, CPU_MAX, &first))
		goto bad;
	last = first;
	if (*end == '-' && !parse_number(end + 1, &end, CPU_MAX, &last))
		goto bad;
	if (*end || last < first)
		goto bad;
	for (; first <= last; first++)
		targets_add(t, TICKPROF_TARGET_CPU, first);
	return 0;
bad:
	err("'%s' is not a CPU or a range of CPUs", item);
	return -EINVAL;
}

static int add_uid(struct targets *t, const char *item)
{
	struct passwd *pw;
	uint64_t id;
	char *end;

	if (parse_number(item, &end, UINT32_MAX - 1, &id) && !*end) {
		targets_add(t, TICKPROF_TARGET_UID, id);
		return 0;
	}
	pw = getpwnam(item);
	if (!pw) {
		err("no user '%s'", item);
		return -EINVAL;
	}
	targets_add(t, TICKPROF_TARGET_UID, pw->pw_uid);
	return 0;
}

static int add_comm(struct targets *t, const char *item)
{
	if (strlen(item) >= TICKPROF_COMM_LEN) {
		err("thread names have at most %d bytes: '%s'", TICKPROF_COMM_LEN - 1, item);
		return -EINVAL;
	}
	targets_add(t, TICKPROF_TARGET_COMM, 0);
	strcpy(t->list[t->nr - 1].comm, item);
	return 0;
}

/* The kernel's id of a cgroup is the inode of its cgroup2 directory. */
static int add_cgroup(struct targets *t, const char *item)
{
	const char *mount = cgroup2_mount();
	__free char *below = NULL;
	const char *path = item;
	struct stat st;

	if (item[0] != '/' || !cgroup2_is(item)) {
		if (!mount) {
			err("cgroup '%s': no cgroup2 is mounted on /sys/fs/cgroup", item);
			return -EINVAL;
		}
		below = xasprintf("%s/%s", mount, item);
		path = below;
	}
	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		err("no cgroup '%s'", item);
		return -EINVAL;
	}
	targets_add(t, TICKPROF_TARGET_CGROUP, st.st_ino);
	return 0;
}

static int add_item(struct targets *t, enum tickprof_target_kind kind, const char *item)
{
	switch (kind) {
	case TICKPROF_TARGET_PID:
	case TICKPROF_TARGET_TID:
		return add_id(t, kind, item);
	case TICKPROF_TARGET_CPU:
		return add_cpus(t, item);
	case TICKPROF_TARGET_UID:
		return add_uid(t, item);
	case TICKPROF_TARGET_COMM:
		return add_comm(t, item);
	case TICKPROF_TARGET_CGROUP:
		return add_cgroup(t, item);
	default:
		return -EINVAL;
	}
}

int targets_parse(struct targets *t, enum tickprof_target_kind kind, const char *list)
{
	__free char *copy = xstrdup(list);
	char *item = copy;

	do {
		size_t len = strcspn(item, ",");
		char *next = item[len] ? item + len + 1 : NULL;
		int ret;

		item[len] = '\0';
		if (!*item) {
			err("an empty entry in the list '%s'", list);
			return -EINVAL;
		}
		ret = add_item(t, kind, item);
		if (ret)
			return ret;
		item = next;
	} while (item);
	return 0;
}
