// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process images from events (see processes.h). Events of all CPUs are sorted by
 * time (24 bytes each, given back), then applied once. A fork copies nothing: the
 * child points at its parent and the time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "image.h"
#include "processes.h"

/* /proc/PID/stat tells start times in units of 10 ms. */
#define START_UNIT	10000000ull

struct process {
	uint32_t pid;
	uint64_t start;
	struct image *images;	/* newest first as met */
	struct image *snapshot;	/* exec_id 0: what /proc told before any exec was seen */
	struct image *current;	/* of the last exec seen; while events are applied */
};

struct event {
	uint64_t time;
	uint64_t seq;
	const struct tickprof_record *record;
};

struct processes {
	struct event *events;
	size_t nr_events, cap_events;
	struct process *processes;
	size_t nr_processes, cap_processes;
	struct hash process_index;
	struct image **images;
	size_t nr_images, cap_images;
	struct hash image_index;
	struct mapped_file *files;
	size_t nr_files, cap_files;
	struct hash file_index;
	uint32_t nr_spaces;
	bool sealed;
};

struct processes *processes_create(void)
{
	return xcalloc(1, sizeof(struct processes));
}

void processes_destroy(struct processes *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->nr_images; i++) {
		free(p->images[i]->maps);
		free(p->images[i]->turns);
		free(p->images[i]);
	}
	for (i = 0; i < p->nr_files; i++)
		free((char *)p->files[i].id.path);
	free(p->events);
	free(p->images);
	hash_deinit(&p->image_index);
	free(p->processes);
	hash_deinit(&p->process_index);
	free(p->files);
	hash_deinit(&p->file_index);
	free(p);
}

static struct process *process_of(struct processes *p, uint32_t pid, uint64_t start)
{
	struct hash_slot *slot;

	slot = hash_find(&p->process_index, hash_u64(pid, start), id,
			 p->processes[id - 1].pid == pid && p->processes[id - 1].start == start);
	if (!slot->id) {
		GROW(p->processes, p->cap_processes, p->nr_processes + 1);
		p->processes[p->nr_processes++] = (struct process) { .pid = pid, .start = start };
		slot->id = p->nr_processes;
	}
	return &p->processes[slot->id - 1];
}

struct image *processes_image(struct processes *p, uint32_t pid, uint64_t start_time,
			      uint64_t exec_id)
{
	uint64_t start = start_time / START_UNIT;
	struct process *process;
	struct hash_slot *slot;
	struct image *image;

	slot = hash_find(&p->image_index, hash_u64(hash_u64(pid, start), exec_id), id, ({
		image = p->images[id - 1];
		image->pid == pid && image->start == start && image->exec_id == exec_id; }));
	if (slot->id)
		return p->images[slot->id - 1];
	image = xcalloc(1, sizeof(*image));
	image->pid = pid;
	image->start = start;
	image->exec_id = exec_id;
	GROW(p->images, p->cap_images, p->nr_images + 1);
	p->images[p->nr_images++] = image;
	slot->id = p->nr_images;

	process = process_of(p, pid, start);
	if (!exec_id) {
		process->snapshot = image;
	} else {
		if (p->sealed && !process->images)
			image->snapshot = process->snapshot;
		image->next = process->images;
		process->images = image;
	}
	return image;
}

static uint32_t file_of(struct processes *p, const struct tickprof_mmap *r)
{
	uint64_t h = hash_bytes(r->inode, r->path, strlen(r->path));
	bool deleted = r->hdr.flags & TICKPROF_MMAP_DELETED;
	struct hash_slot *slot;
	struct mapped_file *f;

	h = hash_u64(h, (uint64_t)r->dev_major << 32 | r->dev_minor);
	h = hash_bytes(h + deleted, r->build_id, r->build_id_size);
	slot = hash_find(&p->file_index, h, id, ({
		f = &p->files[id - 1];
		f->id.inode == r->inode && f->id.dev_major == r->dev_major &&
		f->id.dev_minor == r->dev_minor && f->id.deleted == deleted &&
		f->id.build_id_size == r->build_id_size &&
		!memcmp(f->id.build_id, r->build_id, r->build_id_size) &&
		!strcmp(f->id.path, r->path); }));
	if (slot->id)
		return slot->id;
	GROW(p->files, p->cap_files, p->nr_files + 1);
	f = &p->files[p->nr_files++];
	*f = (struct mapped_file) {
		.id = {
			.path = xstrdup(r->path), .inode = r->inode,
			.dev_major = r->dev_major, .dev_minor = r->dev_minor,
			.build_id_size = r->build_id_size, .deleted = deleted,
		},
		.pid = r->pid, .addr = r->addr, .len = r->len,
	};
	memcpy(f->id.build_id, r->build_id, r->build_id_size);
	return slot->id = p->nr_files;
}

static enum place_kind path_kind(const char *path)
{
	if (!strcmp(path, "[vdso]"))
		return PLACE_VDSO;
	if (!*path || *path == '[' || !strncmp(path, "//anon", 6) ||
	    !strncmp(path, "/SYSV", 5))
		return PLACE_ANON;
	return PLACE_FILE;
}

/* Whose mapping it is: /proc tells of what runs when it is read. */
static struct image *image_at(struct processes *p, uint32_t pid, uint64_t start_time,
			      uint64_t exec_id)
{
	struct process *process = process_of(p, pid, start_time / START_UNIT);

	if (!exec_id && process->current)
		return process->current;
	return processes_image(p, pid, start_time, exec_id);
}

static void apply_mmap(struct processes *p, const struct tickprof_mmap *r)
{
	struct image *image = image_at(p, r->pid, r->start_time, r->exec_id);
	enum place_kind kind = path_kind(r->path);

	if (!r->len)
		return;
	GROW(image->maps, image->cap_maps, image->nr_maps + 1);
	image->maps[image->nr_maps++] = (struct mapping) {
		.start = r->addr, .end = r->addr + r->len, .offset = r->offset,
		.time = r->time, .kind = kind,
		.file = kind == PLACE_FILE ? file_of(p, r) : 0,
	};
}

static void apply_exec(struct processes *p, const struct tickprof_exec *r)
{
	struct image *image = image_at(p, r->pid, r->start_time, r->exec_id);

	image->vdso = r->vdso;
	if (!r->exec_id)
		return;
	image->exec_seen = true;
	process_of(p, r->pid, r->start_time / START_UNIT)->current = image;
}

static void apply_fork(struct processes *p, const struct tickprof_fork *r)
{
	struct image *child, *parent;

	if (r->pid == r->parent_pid)
		return;
	child = processes_image(p, r->pid, r->start_time, r->exec_id);
	parent = processes_image(p, r->parent_pid, r->parent_start_time, r->exec_id);
	if (child == parent)
		return;
	child->parent = parent;
	child->fork_time = r->time;
}

static uint64_t event_time(const struct tickprof_record *r)
{
	switch (r->type) {
	case TICKPROF_RECORD_FORK:
		return ((const struct tickprof_fork *)r)->time;
	case TICKPROF_RECORD_EXEC:
		return ((const struct tickprof_exec *)r)->time;
	case TICKPROF_RECORD_MMAP:
		return ((const struct tickprof_mmap *)r)->time;
	}
	return 0;
}

void processes_event(void *processes, const struct tickprof_record *record, bool snapshot)
{
	struct processes *p = processes;

	/* COMM and EXIT change no mapping; names come with TASK. */
	if (record->type == TICKPROF_RECORD_COMM || record->type == TICKPROF_RECORD_EXIT)
		return;
	GROW(p->events, p->cap_events, p->nr_events + 1);
	p->events[p->nr_events] = (struct event) {
		.time = event_time(record), .seq = p->nr_events, .record = record,
	};
	p->nr_events++;
}

static int event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

static void apply_event(struct processes *p, const struct tickprof_record *r)
{
	const struct tickprof_task *task = (const void *)r;

	switch (r->type) {
	case TICKPROF_RECORD_TASK:
		processes_image(p, task->pid, task->start_time, task->exec_id);
		break;
	case TICKPROF_RECORD_FORK:
		apply_fork(p, (const void *)r);
		break;
	case TICKPROF_RECORD_EXEC:
		apply_exec(p, (const void *)r);
		break;
	case TICKPROF_RECORD_MMAP:
		apply_mmap(p, (const void *)r);
		break;
	}
}

/* What /proc told before any exec was seen is the first image, unless that began with one. */
static void attach_snapshot(struct process *process)
{
	struct image *image, *first = process->images;

	for (image = first; image; image = image->next)
		if (image->exec_id < first->exec_id)
			first = image;
	if (first && !first->exec_seen)
		first->snapshot = process->snapshot;
}

void processes_seal(struct processes *p)
{
	size_t i;

	if (p->nr_events)
		qsort(p->events, p->nr_events, sizeof(*p->events), event_compare);
	for (i = 0; i < p->nr_events; i++)
		apply_event(p, p->events[i].record);
	free(p->events);
	p->events = NULL;
	p->nr_events = p->cap_events = 0;
	for (i = 0; i < p->nr_processes; i++)
		attach_snapshot(&p->processes[i]);
	for (i = 0; i < p->nr_images; i++)
		image_sort(p->images[i]);
	for (i = 0; i < p->nr_images; i++)
		image_turns(p->images[i]);
	p->sealed = true;
}

uint32_t processes_space(struct processes *p, struct image *image, uint64_t time)
{
	return image_space(image, time, &p->nr_spaces);
}

uint32_t processes_nr_files(const struct processes *p)
{
	return p->nr_files;
}

const struct mapped_file *processes_file(const struct processes *p, uint32_t file)
{
	return &p->files[file - 1];
}
