// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which images are to be looked at, and when: see context_images.h. There is a queue
 * for each time that a look may be put off by; so each is in the order of time, and
 * the next image is at the head of some queue. One more is for those of the snapshot, which
 * are many and for the most part do nothing: whoever ran is looked at before them.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/util.h"
#include "context_images.h"

#define MS 1000000ull

enum { BUCKETS = 4096, PURGE_AT = 65536, MAPS_SOON = 32 };

/* How long a look is put off: the first after a TASK record, after EXEC or MMAP, and on. */
static const uint32_t put_off_ms[] = { 0, 5, 20, 100, 500, 2000, 10000 };
enum { AT_ONCE, SOON, SLOWLY = 5, STEPS = ARRAY_SIZE(put_off_ms), BESIDES = STEPS };

TAILQ_HEAD(queue, context_image);

struct context_images {
	struct queue queues[STEPS + 1];	/* the last: at once, but after all others that are due */
	struct context_image *buckets[BUCKETS];
	size_t nr, purge_at;
};

struct context_images *context_images_create(void)
{
	struct context_images *t = xcalloc(1, sizeof(*t));
	size_t i;

	for (i = 0; i <= STEPS; i++)
		TAILQ_INIT(&t->queues[i]);
	t->purge_at = PURGE_AT;
	return t;
}

static struct context_image **lookup(struct context_images *t, uint32_t pid)
{
	struct context_image **link = &t->buckets[pid % BUCKETS];

	while (*link && (*link)->pid != pid)
		link = &(*link)->next;
	return link;
}

static void dequeue(struct context_images *t, struct context_image *image)
{
	if (image->queued)
		TAILQ_REMOVE(&t->queues[image->step], image, link);
	image->queued = false;
}

/* False: it is to be looked at sooner as it is. */
static bool enqueue(struct context_images *t, struct context_image *image, unsigned int step,
		    uint64_t now)
{
	const uint64_t due = now + (step == BESIDES ? 0 : put_off_ms[step]) * MS;

	if (image->queued && image->due <= due)
		return false;
	dequeue(t, image);
	image->step = step;
	image->due = due;
	image->queued = true;
	TAILQ_INSERT_TAIL(&t->queues[step], image, link);
	return true;
}

static void drop(struct context_images *t, struct context_image **link)
{
	struct context_image *image = *link;

	dequeue(t, image);
	*link = image->next;
	free(image);
	t->nr--;
}

void context_images_destroy(struct context_images *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (t->buckets[i])
			drop(t, &t->buckets[i]);
	free(t);
}

/* An exit may be drained before what came first; such entries would stay for ever. */
static void purge(struct context_images *t)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct context_image **link = &t->buckets[i];

		while (*link)
			if (kill((*link)->pid, 0) && errno == ESRCH)
				drop(t, link);
			else
				link = &(*link)->next;
	}
	t->purge_at = t->nr > PURGE_AT / 2 ? 2 * t->nr : PURGE_AT;
}

/* Rings are drained one after the other, so what is older may come later. */
static bool is_older(const struct context_image *image, uint64_t start_time, uint64_t exec_id)
{
	if (!image->exec_id)
		return false;
	return !exec_id || start_time < image->start_time ||
	       (start_time == image->start_time && exec_id < image->exec_id);
}

/* NULL: it is known already, or was before the one that is known. */
static struct context_image *new_image(struct context_images *t, uint32_t pid, uint64_t start_time,
				       uint64_t exec_id)
{
	struct context_image **link = lookup(t, pid), *image = *link;

	if (image && ((image->start_time == start_time && image->exec_id == exec_id) ||
		      is_older(image, start_time, exec_id)))
		return NULL;
	if (!image) {
		*link = image = xcalloc(1, sizeof(*image));
		image->pid = pid;
		t->nr++;
	}
	dequeue(t, image);
	image->start_time = start_time;
	image->exec_id = exec_id;
	image->tries = image->maps = 0;
	image->done = false;
	image->result = -1;
	image->told = 0;
	return image;
}

/* The snapshot knows neither exec_id nor start_time well enough to name an image by. */
static bool see_task(struct context_images *t, const struct tickprof_task *task, bool snapshot,
		     uint64_t now)
{
	struct context_image *image;

	if (task->hdr.flags & TICKPROF_TASK_KTHREAD)
		return false;
	image = new_image(t, task->pid, task->start_time, snapshot ? 0 : task->exec_id);
	if (!image)
		return false;
	image->ppid = task->ppid;
	return enqueue(t, image, snapshot ? BESIDES : AT_ONCE, now);
}

/* Its dynamic linker has yet to do its work. */
static bool see_exec(struct context_images *t, const struct tickprof_exec *exec, uint64_t now)
{
	struct context_image *image = new_image(t, exec->pid, exec->start_time, exec->exec_id);

	if (!image)
		return false;
	image->ppid = 0;	/* only a child of fork goes by its parent */
	return enqueue(t, image, SOON, now);
}

static bool see_mapping(struct context_images *t, const struct tickprof_mmap *map, uint64_t now)
{
	struct context_image *image = *lookup(t, map->pid);

	if (map->hdr.size <= sizeof(*map) || !map->path[0] || !image || image->done ||
	    image->exec_id != map->exec_id)
		return false;
	if (image->maps >= MAPS_SOON)
		return enqueue(t, image, SLOWLY, now);
	image->maps++;
	image->tries = 0;
	return enqueue(t, image, SOON, now);
}

static void see_exit(struct context_images *t, const struct tickprof_exit *leave)
{
	struct context_image **link = lookup(t, leave->pid);

	if (leave->pid == leave->tid && *link)
		drop(t, link);
}

bool context_images_see(struct context_images *t, const struct tickprof_record *rec,
			bool snapshot, uint64_t now)
{
	const void *body = rec;

	if (t->nr > t->purge_at)
		purge(t);
	if (rec->type == TICKPROF_RECORD_TASK)
		return see_task(t, body, snapshot, now);
	/* The snapshot's TASK record comes first, and tells of all that is mapped. */
	if (snapshot)
		return false;
	if (rec->type == TICKPROF_RECORD_EXEC)
		return see_exec(t, body, now);
	if (rec->type == TICKPROF_RECORD_MMAP)
		return see_mapping(t, body, now);
	if (rec->type == TICKPROF_RECORD_EXIT)
		see_exit(t, body);
	return false;
}

struct context_image *context_images_first(struct context_images *t, uint64_t now)
{
	struct context_image *first = NULL, *image, *besides = TAILQ_FIRST(&t->queues[BESIDES]);
	size_t i;

	for (i = 0; i < STEPS; i++) {
		image = TAILQ_FIRST(&t->queues[i]);
		if (image && (!first || image->due < first->due))
			first = image;
	}
	if (besides && (!first || (first->due > now && first->due > besides->due)))
		return besides;
	return first;
}

void context_images_take(struct context_images *t, struct context_image *image)
{
	dequeue(t, image);
}

struct context_image *context_images_find(struct context_images *t, uint32_t pid,
					  uint64_t start_time, uint64_t exec_id)
{
	struct context_image *image = *lookup(t, pid);

	return image && image->start_time == start_time && image->exec_id == exec_id ? image : NULL;
}

void context_images_again(struct context_images *t, struct context_image *image, uint64_t now)
{
	if (image->tries == CONTEXT_TRIES)
		return;
	image->tries++;
	enqueue(t, image, image->tries < STEPS ? image->tries : STEPS - 1, now);
}

void context_images_done(struct context_images *t, struct context_image *image)
{
	dequeue(t, image);
	image->done = true;
}

size_t context_images_nr(const struct context_images *t)
{
	return t->nr;
}
