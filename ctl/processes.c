// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process images from events (see processes.h).
 *
 * Events of all CPUs are sorted by time, then applied once. Each image keeps its
 * own mappings (48 bytes each) sorted by address with the running maximum of
 * their ends, so that a lookup looks at the mappings that can cover an address
 * only. A fork copies nothing: the child points at its parent and the time.
 *
 * Times count only where mappings overlap: an address that one mapping alone
 * ever covered belongs to it at any time. This also serves kernels where
 * mappings are read from /proc after a process was first seen.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "processes.h"
#include "util.h"

/* /proc/PID/stat tells start times in units of 10 ms. */
#define START_UNIT	10000000ull
#define VDSO_SIZE	16384
/* Bounds a lookup through forks of forks none of which execed. */
#define PARENTS_MAX	256

struct mapping {
	uint64_t start, end;
	uint64_t max_end;	/* of this one and all before it in address order */
	uint64_t offset;
	uint64_t time;
	uint32_t file;		/* 0: anonymous */
	uint32_t kind;		/* enum place_kind */
};

struct image {
	uint32_t pid;
	bool exec_seen;
	uint64_t start;		/* START_UNIT */
	uint64_t exec_id;
	struct image *parent;	/* forked from; NULL: not known */
	uint64_t fork_time;
	struct image *snapshot;	/* what /proc told of it; NULL: nothing */
	struct image *next;	/* of the same process */
	uint64_t vdso;
	struct mapping *maps;
	size_t nr_maps, cap_maps;
	uint64_t *turns;	/* times at which answers may change, rising */
	size_t nr_turns, cap_turns;
	uint32_t first_space;	/* its nr_turns + 1 spaces; 0: none given yet */
};

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

static int mapping_compare(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static void image_sort(struct image *image)
{
	uint64_t max = 0;
	size_t i;

	if (image->nr_maps)
		qsort(image->maps, image->nr_maps, sizeof(*image->maps), mapping_compare);
	for (i = 0; i < image->nr_maps; i++) {
		if (image->maps[i].end > max)
			max = image->maps[i].end;
		image->maps[i].max_end = max;
	}
}

/* How many of the mappings, in address order, start at or below address. */
static size_t maps_below(const struct image *image, uint64_t address)
{
	size_t low = 0, high = image->nr_maps;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (image->maps[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The latest at "time" that covers address; else, if asked, the first after it. */
static const struct mapping *image_find(const struct image *image, uint64_t address,
					uint64_t time, bool later)
{
	const struct mapping *best = NULL;
	size_t i = maps_below(image, address);

	while (i-- && image->maps[i].max_end > address) {
		const struct mapping *m = &image->maps[i];

		if (m->end <= address || (m->time > time) != later)
			continue;
		if (!best || (later ? m->time < best->time : m->time > best->time))
			best = m;
	}
	return best;
}

static bool image_intersects(const struct image *image, uint64_t start, uint64_t end)
{
	size_t i = maps_below(image, end - 1);

	return i && image->maps[i - 1].max_end > start;
}

/* What lies below an image's own mappings intersects this range. */
static bool inherited_intersects(const struct image *image, uint64_t start, uint64_t end)
{
	int depth;

	for (depth = 0; image && !image->exec_seen && depth < PARENTS_MAX; depth++) {
		if (depth && image_intersects(image, start, end))
			return true;
		if (image->snapshot && image_intersects(image->snapshot, start, end))
			return true;
		image = image->parent;
	}
	return image && depth && image_intersects(image, start, end);
}

static int time_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool same_content(const struct mapping *a, const struct mapping *b)
{
	return a->kind == b->kind && a->file == b->file &&
	       (a->kind != PLACE_FILE || a->start - a->offset == b->start - b->offset);
}

/* Collect the times at which a mapping hid, or may have hidden, another. */
static void image_turns(struct image *image)
{
	const struct mapping *reach = NULL;	/* the one that ends last so far */
	size_t i, n = 0;

	for (i = 0; i < image->nr_maps; i++) {
		const struct mapping *m = &image->maps[i];
		const struct mapping *next = i + 1 < image->nr_maps ? m + 1 : NULL;

		if ((reach && m->start < reach->end && !same_content(reach, m)) ||
		    (next && next->start < m->end && !same_content(next, m)) ||
		    inherited_intersects(image, m->start, m->end)) {
			GROW(image->turns, image->cap_turns, image->nr_turns + 1);
			image->turns[image->nr_turns++] = m->time;
		}
		if (!reach || m->end > reach->end)
			reach = m;
	}
	if (!image->nr_turns)
		return;
	qsort(image->turns, image->nr_turns, sizeof(*image->turns), time_compare);
	for (i = 0; i < image->nr_turns; i++)
		if (!n || image->turns[n - 1] != image->turns[i])
			image->turns[n++] = image->turns[i];
	image->nr_turns = n;
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

/* A child that mapped nothing yet shares its parent's answers as of the fork. */
static const struct image *image_shared(const struct image *image, uint64_t *time)
{
	int depth;

	for (depth = 0; depth < PARENTS_MAX; depth++) {
		if (image->nr_maps || image->exec_seen || image->vdso || image->snapshot ||
		    !image->parent)
			break;
		*time = image->fork_time;
		image = image->parent;
	}
	return image;
}

uint32_t processes_space(struct processes *p, struct image *image, uint64_t time)
{
	size_t low = 0, high;

	image = (struct image *)image_shared(image, &time);
	high = image->nr_turns;
	if (!image->first_space) {
		image->first_space = p->nr_spaces + 1;
		p->nr_spaces += high + 1;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (image->turns[mid] <= time)
			low = mid + 1;
		else
			high = mid;
	}
	return image->first_space + low;
}

static bool place_from(const struct image *image, const struct mapping *m, uint64_t address,
		       struct place *out)
{
	if (m) {
		*out = (struct place) {
			.kind = m->kind, .file = m->file, .pid = image->pid,
			.offset = address - m->start,
		};
		if (m->kind == PLACE_FILE)
			out->offset += m->offset;
		else if (m->kind == PLACE_ANON)
			out->offset = address;
		return true;
	}
	if (!image->vdso || address - image->vdso >= VDSO_SIZE)
		return false;
	*out = (struct place) {
		.kind = PLACE_VDSO, .pid = image->pid, .offset = address - image->vdso,
	};
	return true;
}

static bool image_lookup(const struct image *image, uint64_t time, uint64_t address,
			 int depth, struct place *out)
{
	const struct image *snapshot = image->snapshot;

	if (place_from(image, image_find(image, address, time, false), address, out))
		return true;
	if (image->exec_seen)
		return false;
	if (image->parent && depth < PARENTS_MAX &&
	    image_lookup(image->parent, image->fork_time, address, depth + 1, out))
		return true;
	return snapshot && place_from(snapshot, image_find(snapshot, address, UINT64_MAX, false),
				      address, out);
}

void processes_lookup(const struct image *image, uint64_t time, uint64_t address,
		      struct place *out)
{
	image = image_shared(image, &time);
	*out = (struct place) { .kind = PLACE_NONE, .pid = image->pid, .offset = address };
	if (!image_lookup(image, time, address, 0, out))
		place_from(image, image_find(image, address, time, true), address, out);
}

uint32_t processes_nr_files(const struct processes *p)
{
	return p->nr_files;
}

const struct mapped_file *processes_file(const struct processes *p, uint32_t file)
{
	return &p->files[file - 1];
}
