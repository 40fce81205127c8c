// SPDX-License-Identifier: GPL-2.0-only
/* /proc as records: see snapshot.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digits.h"
#include "base/util.h"
#include "control/cgroup.h"
#include "process/map_line.h"
#include "snapshot.h"

enum { FLAG_KTHREAD = 0x00200000 };	/* PF_KTHREAD as /proc/PID/stat shows it */

struct snapshot {
	const char *proc;
	const char *cgroup_mount;
	uint64_t tick_ns;
	snapshot_sink sink;
	void *arg;
	uint8_t *buf;
	size_t len, cap;
	char *line;
	size_t line_cap;
};

struct process {
	uint32_t pid;
	uint32_t ppid;
	uint32_t uid;
	uint32_t ns_pid;
	uint64_t start_time;
	uint64_t exec_id;
	uint64_t time;
	uint64_t vdso;
	bool kthread;
	char comm[TICKPROF_COMM_LEN];
};

struct snapshot *snapshot_create(const char *proc, snapshot_sink sink, void *arg)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));

	s->proc = proc;
	s->cgroup_mount = cgroup2_mount();
	s->tick_ns = 1000000000ULL / sysconf(_SC_CLK_TCK);
	s->sink = sink;
	s->arg = arg;
	return s;
}

void snapshot_destroy(struct snapshot *s)
{
	if (!s)
		return;
	free(s->buf);
	free(s->line);
	free(s);
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* A zeroed record of at least "size" bytes at the end of the buffer. */
static void *add_record(struct snapshot *s, uint16_t type, size_t size)
{
	struct tickprof_record *rec;

	size = (size + 7) & ~7UL;
	GROW(s->buf, s->cap, s->len + size);
	rec = memset(s->buf + s->len, 0, size);
	rec->type = type;
	rec->size = size;
	s->len += size;
	return rec;
}

static FILE *open_file(const struct snapshot *s, pid_t pid, const char *name)
{
	__free char *path = xasprintf("%s/%d/%s", s->proc, (int)pid, name);

	return fopen(path, "re");
}

/* "name:\tvalue", of several the first. */
static bool status_number(const char *line, const char *name, uint32_t *value)
{
	const char *at = line + strlen(name);

	if (strncmp(line, name, strlen(name)))
		return false;
	at += strspn(at, "\t ");
	*value = digits_decimal(&at);
	return true;
}

/* As far as NSpid, which comes after the others and before much else. */
static bool read_status(struct snapshot *s, pid_t pid, struct process *p)
{
	__fclose FILE *f = open_file(s, pid, "status");
	const char *last;

	if (!f)
		return false;
	while (getline(&s->line, &s->line_cap, f) > 0) {
		if (status_number(s->line, "Tgid:", &p->pid) ||
		    status_number(s->line, "PPid:", &p->ppid) ||
		    status_number(s->line, "Uid:", &p->uid) || strncmp(s->line, "NSpid:", 6))
			continue;
		last = strrchr(s->line, '\t');
		p->ns_pid = last ? strtoul(last + 1, NULL, 10) : 0;
		break;
	}
	if (!p->ns_pid)
		p->ns_pid = p->pid;
	return p->pid;
}

/* pid (comm) state ppid pgrp session tty tpgid FLAGS … (22nd) STARTTIME */
static bool read_stat(struct snapshot *s, struct process *p)
{
	__fclose FILE *f = open_file(s, p->pid, "stat");
	uint64_t start;
	unsigned long flags;
	char *open, *close;

	/* A name may hold any byte, line ends included. */
	if (!f || getdelim(&s->line, &s->line_cap, '\0', f) <= 0)
		return false;
	open = strchr(s->line, '(');
	close = strrchr(s->line, ')');
	if (!open || !close || close < open)
		return false;
	if (sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d"
		   " %*d %*d %*d %*d %" SCNu64, &flags, &start) != 2)
		return false;
	*close = '\0';
	snprintf(p->comm, sizeof(p->comm), "%.*s", TICKPROF_COMM_LEN - 1, open + 1);
	p->kthread = flags & FLAG_KTHREAD;
	p->start_time = start * s->tick_ns;
	return true;
}

static uint64_t read_cgroup(struct snapshot *s, pid_t pid)
{
	__fclose FILE *f = s->cgroup_mount ? open_file(s, pid, "cgroup") : NULL;
	__free char *path = NULL;
	struct stat st;

	while (f && getline(&s->line, &s->line_cap, f) > 0) {
		s->line[strcspn(s->line, "\n")] = '\0';
		if (strncmp(s->line, "0::", 3))
			continue;
		path = xasprintf("%s%s", s->cgroup_mount, s->line + 3);
		return stat(path, &st) ? 0 : st.st_ino;
	}
	return 0;
}

static void add_task(struct snapshot *s, const struct process *p)
{
	uint64_t cgroup = read_cgroup(s, p->pid);
	struct tickprof_task *task = add_record(s, TICKPROF_RECORD_TASK, sizeof(*task));

	task->hdr.flags = p->kthread ? TICKPROF_TASK_KTHREAD : 0;
	task->pid = task->tid = p->pid;
	task->ns_pid = task->ns_tid = p->ns_pid;
	task->start_time = p->start_time;
	task->exec_id = p->exec_id;
	task->cgroup = cgroup;
	task->uid = p->uid;
	task->ppid = p->ppid;
	memcpy(task->comm, p->comm, sizeof(task->comm));
	memcpy(task->process, p->comm, sizeof(task->process));
}

static void add_mapping(struct snapshot *s, struct process *p, char *text)
{
	struct tickprof_mmap *map;
	struct map_line line;
	const char *path;

	if (!map_line_parse(text, &line) || !line.exec)
		return;
	if (!strcmp(line.path, "[vdso]")) {
		p->vdso = line.start;
		return;
	}
	if (!strcmp(line.path, "[vsyscall]"))
		return;
	path = line.inode ? line.path : "";
	map = add_record(s, TICKPROF_RECORD_MMAP, sizeof(*map) + strlen(path) + 1);
	map->hdr.flags = line.deleted ? TICKPROF_MMAP_DELETED : 0;
	map->time = p->time;
	map->pid = map->tid = p->pid;
	map->start_time = p->start_time;
	map->exec_id = p->exec_id;
	map->addr = line.start;
	map->len = line.end - line.start;
	map->offset = line.offset;
	map->inode = line.inode;
	map->dev_major = line.dev_major;
	map->dev_minor = line.dev_minor;
	strcpy(map->path, path);
}

static void add_image(struct snapshot *s, struct process *p)
{
	__fclose FILE *f = open_file(s, p->pid, "maps");
	struct tickprof_exec *exec;

	while (f && getline(&s->line, &s->line_cap, f) > 0)
		add_mapping(s, p, s->line);
	exec = add_record(s, TICKPROF_RECORD_EXEC, sizeof(*exec));
	exec->time = p->time;
	exec->pid = exec->tid = p->pid;
	exec->start_time = p->start_time;
	exec->exec_id = p->exec_id;
	exec->vdso = p->vdso;
	memcpy(exec->comm, p->comm, sizeof(exec->comm));
}

int snapshot_process(struct snapshot *s, pid_t pid, uint64_t exec_id)
{
	struct process p = { .time = now_ns(), .exec_id = exec_id };
	int ret;

	s->len = 0;
	if (!read_status(s, pid, &p) || !read_stat(s, &p))
		return 0;
	add_task(s, &p);
	if (!p.kthread)
		add_image(s, &p);
	ret = s->sink(s->arg, s->buf, s->len);
	return ret ? ret : 1;
}

int snapshot_all(struct snapshot *s)
{
	DIR *dir = opendir(s->proc);
	struct dirent *entry;
	int nr = 0, ret = 0;

	if (!dir) {
		ret = -errno;
		err_errno(-ret, "cannot read %s", s->proc);
		return ret;
	}
	while (ret >= 0 && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		ret = snapshot_process(s, atoi(entry->d_name), 0);
		nr += ret > 0;
	}
	closedir(dir);
	return ret < 0 ? ret : nr;
}
