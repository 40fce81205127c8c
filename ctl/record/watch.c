// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which processes' mappings are known, and their files kept open: see watch.h.
 *
 * Rings are drained CPU after CPU, so a task may be seen before the fork that
 * another ring holds, even one that was drained just before the fork: unknown
 * tasks wait until a whole round that began after they were seen is done.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "watch.h"

enum { BUCKETS = 4096, PURGE_AT = 65536 };

struct known {
	struct known *next;
	uint32_t pid;
	uint64_t exec_id;	/* whose mappings are known; 0: by snapshot */
};

struct watch {
	struct objects *objects;
	struct snapshot *snapshot;
	struct cgroups *cgroups;
	struct tables *tables;
	struct contexts *contexts;
	int error;		/* the cgroup sink's first */
	bool mmap_events;
	struct watch_stats stats;
	struct known *buckets[BUCKETS];
	size_t nr, purge_at;
	struct pending {
		uint32_t pid;
		uint64_t exec_id;
	} *pending;
	size_t nr_pending, cap_pending;
	size_t nr_ripe;		/* of them: seen before the round under way */
};

struct watch *watch_create(struct objects *objects, struct snapshot *snapshot,
			   struct cgroups *cgroups, struct tables *tables,
			   struct contexts *contexts, bool mmap_events)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->objects = objects;
	w->snapshot = snapshot;
	w->cgroups = cgroups;
	w->tables = tables;
	w->contexts = contexts;
	w->mmap_events = mmap_events;
	w->purge_at = PURGE_AT;
	return w;
}

static void drop(struct watch *w, struct known **link)
{
	struct known *k = *link;

	*link = k->next;
	free(k);
	w->nr--;
}

void watch_destroy(struct watch *w)
{
	size_t i;

	if (!w)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (w->buckets[i])
			drop(w, &w->buckets[i]);
	free(w->pending);
	free(w);
}

static struct known **lookup(struct watch *w, uint32_t pid)
{
	struct known **link = &w->buckets[pid % BUCKETS];

	while (*link && (*link)->pid != pid)
		link = &(*link)->next;
	return link;
}

/* An exit may be drained before the fork; such entries would stay for ever. */
static void purge(struct watch *w)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct known **link = &w->buckets[i];

		while (*link)
			if (kill((*link)->pid, 0) && errno == ESRCH)
				drop(w, link);
			else
				link = &(*link)->next;
	}
	w->purge_at = w->nr > PURGE_AT / 2 ? 2 * w->nr : PURGE_AT;
}

static void set_known(struct watch *w, uint32_t pid, uint64_t exec_id)
{
	struct known **link = lookup(w, pid);

	if (!*link) {
		*link = xcalloc(1, sizeof(**link));
		(*link)->pid = pid;
		w->nr++;
	}
	(*link)->exec_id = exec_id;
}

static void forget(struct watch *w, uint32_t pid)
{
	struct known **link = lookup(w, pid);

	if (*link)
		drop(w, link);
}

/* Without mapping events a new image needs a look of its own. */
static bool is_known(struct watch *w, uint32_t pid, uint64_t exec_id)
{
	struct known *k = *lookup(w, pid);

	return k && (w->mmap_events || !k->exec_id || k->exec_id == exec_id);
}

static void want(struct watch *w, uint32_t pid, uint64_t exec_id)
{
	GROW(w->pending, w->cap_pending, w->nr_pending + 1);
	w->pending[w->nr_pending++] = (struct pending){ pid, exec_id };
}

static void see_mapping(struct watch *w, const struct tickprof_mmap *map)
{
	struct object_id id = {
		.path = map->path,
		.inode = map->inode,
		.dev_major = map->dev_major,
		.dev_minor = map->dev_minor,
		.build_id_size = map->build_id_size,
		.deleted = map->hdr.flags & TICKPROF_MMAP_DELETED,
	};

	w->stats.mappings++;
	if (map->hdr.size > sizeof(*map) && !map->path[0])
		objects_prepare_anon(w->objects, map->pid);
	if (map->hdr.size <= sizeof(*map) || !map->path[0] ||
	    !memchr(map->path, 0, map->hdr.size - sizeof(*map)))
		return;
	if (id.build_id_size > TICKPROF_BUILD_ID_MAX)
		id.build_id_size = 0;
	memcpy(id.build_id, map->build_id, id.build_id_size);
	tables_add(w->tables, w->objects,
		   objects_get(w->objects, &id, map->pid, map->addr, map->len, true));
}

static void see_task(struct watch *w, const struct tickprof_task *task, bool snapshot)
{
	if (!w->error)
		w->error = cgroups_see(w->cgroups, task->cgroup);
	if (task->hdr.flags & TICKPROF_TASK_KTHREAD)
		return;
	if (snapshot)
		set_known(w, task->pid, 0);
	else if (!is_known(w, task->pid, task->exec_id))
		want(w, task->pid, task->exec_id);
}

static void see_fork(struct watch *w, const struct tickprof_fork *fork)
{
	if (fork->pid != fork->parent_pid && is_known(w, fork->parent_pid, fork->exec_id))
		set_known(w, fork->pid, fork->exec_id);
}

static void see_exec(struct watch *w, const struct tickprof_exec *exec, bool snapshot)
{
	if (snapshot || w->mmap_events) {
		set_known(w, exec->pid, exec->exec_id);
		return;
	}
	forget(w, exec->pid);
	want(w, exec->pid, exec->exec_id);
}

static void see_exit(struct watch *w, const struct tickprof_exit *leave)
{
	if (leave->pid == leave->tid)
		forget(w, leave->pid);
}

/* The size a type must have at least; 0: not looked at. */
static size_t least_size(uint16_t type)
{
	switch (type) {
	case TICKPROF_RECORD_TASK:
		return sizeof(struct tickprof_task);
	case TICKPROF_RECORD_FORK:
		return sizeof(struct tickprof_fork);
	case TICKPROF_RECORD_EXEC:
		return sizeof(struct tickprof_exec);
	case TICKPROF_RECORD_MMAP:
		return sizeof(struct tickprof_mmap);
	case TICKPROF_RECORD_EXIT:
		return sizeof(struct tickprof_exit);
	default:
		return 0;
	}
}

static void see(struct watch *w, const struct tickprof_record *rec, bool snapshot)
{
	const void *body = rec;

	contexts_see(w->contexts, rec, snapshot);
	switch (rec->type) {
	case TICKPROF_RECORD_TASK:
		see_task(w, body, snapshot);
		break;
	case TICKPROF_RECORD_FORK:
		see_fork(w, body);
		break;
	case TICKPROF_RECORD_EXEC:
		see_exec(w, body, snapshot);
		break;
	case TICKPROF_RECORD_MMAP:
		see_mapping(w, body);
		break;
	case TICKPROF_RECORD_EXIT:
		see_exit(w, body);
		break;
	}
}

void watch_records(struct watch *w, const void *records, size_t size, bool snapshot)
{
	const uint8_t *at = records;

	while (size) {
		const struct tickprof_record *rec = (const void *)at;
		size_t least = least_size(rec->type);

		if (least && rec->size >= least)
			see(w, rec, snapshot);
		at += rec->size;
		size -= rec->size;
	}
	if (w->nr > w->purge_at)
		purge(w);
}

int watch_settle(struct watch *w)
{
	size_t i, nr = w->nr_ripe;
	int ret = w->error;

	for (i = 0; i < nr && ret >= 0; i++) {
		struct pending p = w->pending[i];

		if (is_known(w, p.pid, p.exec_id))
			continue;
		ret = snapshot_process(w->snapshot, p.pid, p.exec_id);
		if (ret > 0)
			w->stats.fallbacks++;
		else if (!ret)
			w->stats.gone++;
		set_known(w, p.pid, p.exec_id);
	}
	/* A snapshot drains the rings, too, so more may have come. */
	w->nr_pending -= nr;
	for (i = 0; i < w->nr_pending; i++)
		w->pending[i] = w->pending[nr + i];
	w->nr_ripe = w->nr_pending;
	return ret < 0 ? ret : 0;
}

const struct watch_stats *watch_stats(const struct watch *w)
{
	return &w->stats;
}
