// SPDX-License-Identifier: GPL-2.0-only
/*
 * JIT code of one process: see sym_perfmap.h. A range's value is where its name
 * stands in the file. Later lines win over earlier ones at the same addresses,
 * for that is how JITs tell that code was replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ranges.h"
#include "base/util.h"
#include "object_open.h"
#include "sym_perfmap.h"

#define ENTRIES_MAX	(2u << 20)
#define JIT_NAME_MAX	1024
#define RELOAD_PAUSE	10	/* times what the last load took */

struct sym_perfmap {
	pid_t pid, ns_pid;
	uid_t uid, euid;
	bool known;		/* the three above */
	int fd;
	off_t loaded_size;
	int64_t reload_at;	/* CLOCK_MONOTONIC ns */
	struct ranges ranges;
};

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void learn_process(struct sym_perfmap *p)
{
	char path[64], *line __free = NULL, *last;
	FILE *f __fclose = NULL;
	size_t cap = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	while (f && getline(&line, &cap, f) > 0) {
		if (sscanf(line, "Uid: %u %u", &p->uid, &p->euid) == 2)
			p->known = true;
		if (!strncmp(line, "NStgid:", 7)) {
			last = strrchr(line, '\t');
			if (last)
				p->ns_pid = atoi(last);
		}
	}
}

static bool trusted(const struct sym_perfmap *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (st.st_uid == 0)
		return true;
	return p->known ? st.st_uid == p->uid || st.st_uid == p->euid
			: st.st_uid == geteuid();
}

void sym_perfmap_prepare(struct sym_perfmap *p)
{
	char path[64];
	int fd;

	if (!p->known)
		learn_process(p);
	if (p->fd >= 0)
		return;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", p->ns_pid);
	fd = open_in_root(p->pid, path, false);
	/* The process is gone: its /tmp was ours unless it had another pid there. */
	if (fd < 0 && p->ns_pid == p->pid)
		fd = open_in_root(0, path, false);
	if (fd < 0)
		return;
	if (!trusted(p, fd)) {
		verbose("%s: not owned by the user of process %d, ignored", path, p->pid);
		close(fd);
		return;
	}
	p->fd = fd;
}

struct sym_perfmap *sym_perfmap_create(pid_t pid)
{
	struct sym_perfmap *p = xcalloc(1, sizeof(*p));

	p->pid = p->ns_pid = pid;
	p->fd = -1;
	return p;
}

void sym_perfmap_destroy(struct sym_perfmap *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	ranges_deinit(&p->ranges);
	free(p);
}

int sym_perfmap_set_file(struct sym_perfmap *p, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = copy;
	p->loaded_size = 0;
	p->reload_at = 0;
	return 0;
}

/* START SIZE name. Returns the name's place in the line; 0: no such line. */
static size_t parse_line(const char *line, size_t len, uint64_t *start, uint64_t *size)
{
	char *rest, *name;

	*start = strtoull(line, &rest, 16);
	if (rest == line || *rest != ' ')
		return 0;
	*size = strtoull(rest, &name, 16);
	if (name == rest || *name != ' ' || !*size || *start + *size < *start)
		return 0;
	while (*name == ' ')
		name++;
	return (size_t)(name - line) < len && *name != '\n' ? name - line : 0;
}

static void load(struct sym_perfmap *p, off_t size)
{
	struct range_in *in = NULL;
	size_t nr = 0, cap_in = 0, cap = 0, name;
	char *line __free = NULL;
	FILE *f __fclose = NULL;
	uint64_t start, bytes;
	int64_t begun = now();
	uint64_t at = 0;
	ssize_t len;
	int fd;

	fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f || fseeko(f, 0, SEEK_SET))
		return;
	while (nr < ENTRIES_MAX && at < PERFMAP_MAX && (len = getline(&line, &cap, f)) > 0) {
		name = parse_line(line, len, &start, &bytes);
		if (name) {
			GROW(in, cap_in, nr + 1);
			in[nr] = (struct range_in){
				.start = start,
				.end = start + bytes,
				.prio = nr,
				.value = at + name,
			};
			nr++;
		}
		at += len;
	}
	ranges_deinit(&p->ranges);
	ranges_init(&p->ranges, in, nr);
	free(in);
	p->loaded_size = size;
	p->reload_at = now() + RELOAD_PAUSE * (now() - begun);
}

const struct symbol_frame *sym_perfmap_find(struct sym_perfmap *p, struct sym_names *n,
					    uint64_t addr)
{
	const struct range *r = ranges_find(&p->ranges, addr);
	char name[JIT_NAME_MAX];
	struct stat st;
	ssize_t len;

	if (!r) {
		sym_perfmap_prepare(p);
		if (p->fd < 0 || fstat(p->fd, &st) || st.st_size == p->loaded_size ||
		    now() < p->reload_at)
			return NULL;
		load(p, st.st_size);
		r = ranges_find(&p->ranges, addr);
	}
	len = r ? pread(p->fd, name, sizeof(name), r->value) : 0;
	if (len <= 0)
		return NULL;
	if (memchr(name, '\n', len))
		len = (char *)memchr(name, '\n', len) - name;
	return len ? sym_names_function(n, name, len) : NULL;
}
