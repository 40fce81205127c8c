// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which processes publish contexts, looked at in a thread of its own: see contexts.h.
 *
 * What the thread shares with the recording is the images, what goes to the capture,
 * and the numbers; files are its own. While it looks, the process may end or become
 * another image, so that is sought again by its name afterwards.
 */
#include <errno.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "context_images.h"
#include "contexts.h"

#define MS	1000000ull
#define SECOND	(1000 * MS)

/* What the thread may take of a CPU: so much at first, later one part in so many. */
enum { BURST_MS = 500, SHARE = 10 };

struct found {
	struct found *next;
	size_t size;
	uint8_t *process;
};

struct contexts {
	struct contexts_options options;
	struct variable_files *files;	/* the thread's, as the next */
	struct control *nl;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t wake, idle;
	bool busy, stop;
	struct context_images *images;
	struct found *first, **last;
	struct contexts_stats stats;
};

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int wait_until(struct contexts *c, pthread_cond_t *what, uint64_t at)
{
	const struct timespec until = { at / SECOND, at % SECOND };

	return pthread_cond_timedwait(what, &c->lock, &until);
}

void contexts_see(struct contexts *c, const struct tickprof_record *rec, bool snapshot)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	if (context_images_see(c->images, rec, snapshot, now_ns())) {
		c->busy = true;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Without the lock. Tells the module, too, of what has a name. */
static int do_look(struct contexts *c, struct look *look)
{
	context_look(look, c->files, &c->options.keys);
	if (!look->where.exec_id || (look->result != LOOK_FOUND && look->result != LOOK_ABSENT &&
				     look->result != LOOK_UNREADABLE))
		return 0;
	if (c->options.set)
		return c->options.set(c->options.arg, &look->where);
	return control_context_set(c->nl, c->options.session, &look->where);
}

/* What an image says of itself goes to the capture once, and again when it has changed. */
static void keep_process(struct contexts *c, struct context_image *image, struct look *look)
{
	uint32_t sum = look->process ? libdeflate_crc32(1, look->process, look->process_size) : 0;
	struct found *found;

	if (!image || !image->exec_id || !look->process || image->told == sum) {
		free(look->process);
		return;
	}
	image->told = sum;
	found = xcalloc(1, sizeof(*found));
	found->process = look->process;
	found->size = look->process_size;
	*c->last = found;
	c->last = &found->next;
}

/* Is there more to come that only time tells of? */
static bool is_worth_more(const struct contexts *c, const struct look *look)
{
	switch (look->result) {
	case LOOK_LATER:
	case LOOK_REFUSED:
		return true;
	case LOOK_FOUND:
		return !look->named;
	case LOOK_ABSENT:
		return !c->options.mmap_events;
	default:
		return false;
	}
}

static void count(struct contexts *c, struct context_image *image, enum look_result result)
{
	if (image->result >= 0)
		c->stats.images[image->result]--;
	image->result = result;
	c->stats.images[result]++;
}

/* The module has just said that it goes by this name, if it has one. */
static void watch_marks(struct contexts *c, const struct control_context *w)
{
	const struct capture_process image = {
		.pid = w->pid, .start_time = w->start_time, .exec_id = w->exec_id,
	};

	marks_watch(c->options.marks, &image);
}

/* Under the lock. */
static void take_look(struct contexts *c, struct look *look, int error)
{
	const struct control_context *w = &look->where;
	struct context_image *image = context_images_find(c->images, w->pid, w->start_time,
							  w->exec_id);

	c->stats.looks++;
	c->stats.files = variable_files_opened(c->files);
	if (image && error != -ESRCH && (look->result == LOOK_FOUND || look->named))
		watch_marks(c, w);
	if (error == -ESRCH) {
		look->result = LOOK_GONE;
	} else if (error) {
		look->result = LOOK_REFUSED;
		c->stats.error = error;
	}
	keep_process(c, image, look);
	/* One of the snapshot is looked at once it has a name. */
	if (!image || !image->exec_id)
		return;
	count(c, image, look->result);
	if (look->result == LOOK_GONE || (look->result == LOOK_FOUND && look->named))
		context_images_done(c->images, image);
	else if (is_worth_more(c, look))
		context_images_again(c->images, image, now_ns());
}

/* Until there is CPU time to be had again. Under the lock. */
static void rest(struct contexts *c, uint64_t began)
{
	const uint64_t used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t until;

	c->stats.cpu_ns = used;
	if (used <= BURST_MS * MS)
		return;
	until = began + (used - BURST_MS * MS) * SHARE;
	while (!c->stop && now_ns() < until)
		wait_until(c, &c->wake, until);
}

/* Until an image is due, or more comes. Under the lock. */
static void wait_due(struct contexts *c, const struct context_image *image)
{
	c->busy = false;
	pthread_cond_broadcast(&c->idle);
	if (image)
		wait_until(c, &c->wake, image->due);
	else
		pthread_cond_wait(&c->wake, &c->lock);
}

static void *thread(void *arg)
{
	const uint64_t began = now_ns();
	struct contexts *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		struct context_image *image = context_images_first(c->images, now_ns());
		struct look look = { 0 };
		int error;

		if (!image || image->due > now_ns()) {
			wait_due(c, image);
			continue;
		}
		c->busy = true;
		context_images_take(c->images, image);
		look.where.pid = image->pid;
		look.where.start_time = image->start_time;
		look.where.exec_id = image->exec_id;
		look.ppid = image->ppid;
		pthread_mutex_unlock(&c->lock);
		error = do_look(c, &look);
		pthread_mutex_lock(&c->lock);
		take_look(c, &look, error);
		rest(c, began);
	}
	c->busy = false;
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void free_found(struct found *found)
{
	struct found *next;

	for (; found; found = next) {
		next = found->next;
		free(found->process);
		free(found);
	}
}

static void free_contexts(struct contexts *c)
{
	free_found(c->first);
	context_images_destroy(c->images);
	variable_files_destroy(c->files);
	control_close(c->nl);
	free(c);
}

struct contexts *contexts_create(const struct contexts_options *options)
{
	struct contexts *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int ret;

	c->options = *options;
	c->files = variable_files_create();
	c->images = context_images_create();
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_cond_init(&c->idle, &attr);
	pthread_condattr_destroy(&attr);
	ret = options->set ? 0 : -control_open(&c->nl, NULL);
	if (!ret)
		ret = pthread_create(&c->thread, NULL, thread, c);
	if (!ret)
		return c;
	warn("no thread for contexts (%s): recorded without trace and span ids", strerror(ret));
	free_contexts(c);
	return NULL;
}

void contexts_destroy(struct contexts *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	free_contexts(c);
}

void contexts_settle(struct contexts *c, uint32_t timeout_ms)
{
	const uint64_t until = now_ns() + timeout_ms * MS;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	while (c->busy && !wait_until(c, &c->idle, until))
		;
	pthread_mutex_unlock(&c->lock);
}

int contexts_write(struct contexts *c, struct capture_writer *w)
{
	struct found *all, *found;
	int ret = 0;

	if (!c)
		return 0;
	pthread_mutex_lock(&c->lock);
	all = c->first;
	c->first = NULL;
	c->last = &c->first;
	pthread_mutex_unlock(&c->lock);
	for (found = all; found && !ret; found = found->next)
		ret = capture_write_chunk(w, CAPTURE_PROCESS, found->process, found->size);
	free_found(all);
	return ret;
}

void contexts_stats(struct contexts *c, struct contexts_stats *out)
{
	memset(out, 0, sizeof(*out));
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	pthread_mutex_unlock(&c->lock);
}

void contexts_report(struct contexts *c)
{
	struct contexts_stats s;

	if (!c)
		return;
	contexts_stats(c, &s);
	verbose("contexts: %" PRIu64 " processes publish, %" PRIu64 " do not, %" PRIu64
		" not yet, %" PRIu64 " in a way that cannot be read, %" PRIu64
		" may not be looked at, %" PRIu64 " were gone", s.images[LOOK_FOUND],
		s.images[LOOK_ABSENT], s.images[LOOK_LATER], s.images[LOOK_UNREADABLE],
		s.images[LOOK_DENIED], s.images[LOOK_GONE]);
	if (s.images[LOOK_REFUSED])
		warn("the module did not take where %" PRIu64 " processes keep their context: %s",
		     s.images[LOOK_REFUSED],
		     s.error == -ENOSPC ? "give a larger --contexts" : strerror(-s.error));
	verbose("contexts: %" PRIu64 " looks, %" PRIu64 " files, %.1f ms of CPU", s.looks, s.files,
		s.cpu_ns / 1e6);
}
