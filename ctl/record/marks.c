// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings of marked spans, read in a thread of their own: see marks.h. The list of rings is
 * changed under the lock, and by nobody but the thread once a ring is in it; so the
 * thread walks it without. Under the lock, too: what waits to be written, and the sums.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "context/marks_ring.h"
#include "marks.h"
#include "marks_place.h"
#include "marks_watch.h"

#define MS	1000000ull
#define SECOND	(1000 * MS)

enum {
	ROUND_MS = 50, SHARE = 9, RINGS_MAX = 4096,
	LOOKS = 64, LAST_LOOKS = 512,
	RING_BUDGET = 16384, LAST_BUDGET = MARKS_ENTRIES_MAX, LAST_BUDGET_ALL = 4 << 20,
};

struct known_ring {
	struct known_ring *next;
	struct marks_place place;
	struct capture_marks head;
	struct marks_ring ring;
	bool opened, over;		/* over: another image has the process's number by now */
	struct marks_batch *batch;	/* of this read; the thread's */
};

struct marks {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool runs, stop, stopped;
	uint64_t from;
	struct marks_watch watch;
	struct known_ring *rings;
	size_t nr_rings;
	struct marks_queue queue;
	struct marks_stats stats;
	marks_told *tell;		/* the caller's of marks_write(); NULL: nobody is told */
	void *tell_arg;
};

struct marks *marks_create(uint64_t from)
{
	struct marks *m = xcalloc(1, sizeof(*m));
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	m->from = from;
	marks_queue_init(&m->queue);
	return m;
}

void marks_begin(struct marks *m, uint64_t from)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->from = from;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

static void take(void *arg, const struct capture_mark *mark)
{
	struct known_ring *r = arg;

	marks_batch_add(&r->batch, mark);
}

static void add_counts(struct marks_stats *s, const struct marks_counts *c)
{
	const uint64_t lost = c->overwritten + c->unfinished;
	uint64_t refused = 0;
	size_t i;

	for (i = 0; i < MARK_REFUSALS; i++)
		refused += c->refused[i];
	s->rings += c->taken || lost || refused;
	s->taken += c->taken;
	s->overwritten += c->overwritten;
	s->unfinished += c->unfinished;
	s->refused += refused;
}

/* -EAGAIN: it is just being made. */
static int open_ring(struct known_ring *r)
{
	int ret = marks_ring_open(&r->ring, &r->place.memory, r->place.base);

	r->opened = !ret;
	return ret;
}

/* One read of a ring. False: it was the last one. */
static bool read_ring(struct marks *m, struct known_ring *r, bool last, uint64_t *budget)
{
	const bool ended = marks_place_ended(&r->place);
	struct marks_read how = {
		.from = m->from, .budget = RING_BUDGET, .last = last || ended || r->over,
		.take = take, .arg = r,
	};
	const uint64_t before = r->ring.next;
	int ret = r->opened ? 0 : open_ring(r);

	if (how.last)
		how.budget = LAST_BUDGET;
	if (how.budget > *budget)
		how.budget = *budget;
	if (!ret)
		ret = marks_ring_read(&r->ring, &how);
	*budget -= r->ring.next - before < *budget ? r->ring.next - before : *budget;
	pthread_mutex_lock(&m->lock);
	m->stats.left_out += marks_queue_put(&m->queue, &r->batch, &r->head);
	/* A file stays, but may be shorter than it says. */
	if (ret == -EBADMSG || (ret && ret != -EAGAIN && r->place.file))
		m->stats.broken++;
	else if (ret && ret != -EAGAIN)
		m->stats.gone++;
	pthread_mutex_unlock(&m->lock);
	return !how.last && (!ret || ret == -EAGAIN);
}

static void free_ring(struct known_ring *r)
{
	marks_place_close(&r->place);
	marks_batch_free(r->batch);
	free(r);
}

/* Without the lock; what is taken out is taken out under it. */
static void read_rings(struct marks *m, struct known_ring *first, bool last)
{
	uint64_t budget = last ? LAST_BUDGET_ALL : UINT64_MAX;
	struct known_ring *r, *next, **link;

	for (r = first; r; r = next) {
		next = r->next;
		if (read_ring(m, r, last, &budget))
			continue;
		pthread_mutex_lock(&m->lock);
		for (link = &m->rings; *link != r; link = &(*link)->next)
			;
		*link = r->next;
		m->nr_rings--;
		if (r->opened)
			add_counts(&m->stats, &r->ring.counts);
		pthread_mutex_unlock(&m->lock);
		free_ring(r);
	}
}

/* The one that is known already, or NULL. Under the lock. Of the process's former programs none goes on. */
static struct known_ring *known(struct marks *m, const struct capture_process *image,
				const struct marks_mapping *ring)
{
	struct known_ring *r, *found = NULL;

	for (r = m->rings; r; r = r->next) {
		const bool same = marks_place_is(&r->place, image->pid, ring);

		if (same)
			found = r;
		if (r->head.pid != image->pid || !image->exec_id)
			continue;
		/* Named by now. Spans that were read before go by the number. */
		if (same) {
			r->head.start_time = image->start_time;
			r->head.exec_id = image->exec_id;
		}
		r->over |= r->head.exec_id && r->head.exec_id != image->exec_id;
	}
	return found;
}

/* NULL: it is none, or its process has just taken it along. */
static struct known_ring *add(struct marks *m, const struct capture_process *image,
			      const struct marks_mapping *ring, unsigned int *broken)
{
	struct known_ring *r = xcalloc(1, sizeof(*r));
	int ret;

	r->head.pid = image->pid;
	r->head.start_time = image->start_time;
	r->head.exec_id = image->exec_id;
	ret = marks_place_open(&r->place, image->pid, ring);
	if (ret || open_ring(r) == -EBADMSG) {
		if (ret == -ENOENT || ret == -ESRCH)
			m->stats.gone++;
		else
			++*broken;
		free_ring(r);
		return NULL;
	}
	marks_place_describe(image->pid, &r->head);
	r->next = m->rings;
	m->rings = r;
	m->nr_rings++;
	return r;
}

/* How many are none. *found: there is one that is, whole. Under the lock. */
static unsigned int add_rings(struct marks *m, const struct capture_process *image,
			      const struct marks_mapping *rings, unsigned int nr, bool *found)
{
	unsigned int broken = 0, i;

	*found = false;
	for (i = 0; i < nr; i++) {
		struct known_ring *r = known(m, image, &rings[i]);

		if (!r && m->nr_rings == RINGS_MAX) {
			m->stats.too_many++;
			*found = true;
			continue;
		}
		if (!r)
			r = add(m, image, &rings[i], &broken);
		*found |= r && r->opened;
	}
	return broken;
}

/*
 * At processes that are due, so many at most; UINT64_MAX: at all, once, for the last time. Under
 * the lock, but while it looks. What is none, or is just being made, may stand before the ring
 * that is yet to come.
 */
static void look_for_rings(struct marks *m, uint64_t now, unsigned int looks)
{
	struct marks_mapping rings[MARKS_MAPPINGS_MAX];
	struct watched_process *p;
	unsigned int broken;
	bool found;
	int nr;

	while (looks-- && (p = marks_watch_due(&m->watch, now))) {
		const struct capture_process image = p->image;

		pthread_mutex_unlock(&m->lock);
		nr = marks_place_find(image.pid, rings);
		pthread_mutex_lock(&m->lock);
		broken = add_rings(m, &image, rings, nr > 0 ? nr : 0, &found);
		p = marks_watch_find(&m->watch, &image);
		if (!p || broken > p->broken)
			m->stats.broken += broken - (p ? p->broken : 0);
		if (nr < 0 || found || now == UINT64_MAX) {
			marks_watch_drop(&m->watch, &image);
		} else if (p) {
			p->broken = broken > p->broken ? broken : p->broken;
			marks_watch_again(p, clock_ns(CLOCK_MONOTONIC));
		}
	}
}

/* Until the next round is due. Under the lock. */
static void rest(struct marks *m, uint64_t cpu)
{
	const uint64_t now = clock_ns(CLOCK_MONOTONIC), least = now + cpu * SHARE;
	uint64_t until, next;
	struct timespec at;
	int ret = 0;

	while (!m->stop && !ret) {
		until = m->rings && m->from != UINT64_MAX ? now + ROUND_MS * MS : UINT64_MAX;
		next = marks_watch_next(&m->watch);
		until = next < until ? next : until;
		until = least > until ? least : until;
		at = (struct timespec) { until / SECOND, until % SECOND };
		ret = until == UINT64_MAX ? pthread_cond_wait(&m->wake, &m->lock) :
					    pthread_cond_timedwait(&m->wake, &m->lock, &at);
	}
}

static void *thread(void *arg)
{
	struct marks *m = arg;
	struct known_ring *first;
	uint64_t cpu = 0, before;
	bool last, begun;

	pthread_mutex_lock(&m->lock);
	do {
		rest(m, cpu);
		last = m->stop;
		begun = m->from != UINT64_MAX;
		before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		look_for_rings(m, last ? UINT64_MAX : clock_ns(CLOCK_MONOTONIC),
			       last ? LAST_LOOKS : LOOKS);
		first = m->rings;
		pthread_mutex_unlock(&m->lock);
		if (begun)
			read_rings(m, first, last);
		pthread_mutex_lock(&m->lock);
		m->stats.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		cpu = m->stats.cpu_ns - before;
	} while (!last);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* Under the lock. */
static void wake_thread(struct marks *m)
{
	int ret;

	if (m->runs || m->stop) {
		pthread_cond_signal(&m->wake);
		return;
	}
	ret = pthread_create(&m->thread, NULL, thread, m);
	m->runs = !ret;
	m->stop |= ret != 0;
	if (ret)
		warn("no thread for marked spans (%s): recorded without", strerror(ret));
}

void marks_add(struct marks *m, const struct capture_process *image,
	       const struct marks_mapping *rings, unsigned int nr)
{
	bool found;

	pthread_mutex_lock(&m->lock);
	if (!m->stop)
		m->stats.broken += add_rings(m, image, rings, nr, &found);
	wake_thread(m);
	pthread_mutex_unlock(&m->lock);
}

void marks_watch(struct marks *m, const struct capture_process *image)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stats.too_many += !marks_watch_add(&m->watch, image, clock_ns(CLOCK_MONOTONIC));
	wake_thread(m);
	pthread_mutex_unlock(&m->lock);
}

void marks_stop(struct marks *m)
{
	if (!m || m->stopped)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->runs)
		pthread_join(m->thread, NULL);
	m->stopped = true;
}

void marks_destroy(struct marks *m)
{
	struct known_ring *r;

	if (!m)
		return;
	marks_stop(m);
	marks_watch_deinit(&m->watch);
	while ((r = m->rings)) {
		m->rings = r->next;
		free_ring(r);
	}
	marks_batch_free(marks_queue_take(&m->queue));
	free(m);
}

int marks_write(struct marks *m, struct capture_writer *w)
{
	struct marks_batch *all;

	if (!m)
		return 0;
	pthread_mutex_lock(&m->lock);
	all = marks_queue_take(&m->queue);
	pthread_mutex_unlock(&m->lock);
	if (m->tell)
		marks_batch_tell(all, m->tell, m->tell_arg);
	return marks_batch_write(all, w);
}

void marks_tell(struct marks *m, marks_told *fn, void *arg)
{
	if (!m)
		return;
	m->tell = fn;
	m->tell_arg = arg;
}

void marks_stats(struct marks *m, struct marks_stats *out)
{
	*out = (struct marks_stats) { 0 };
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	*out = m->stats;
	out->held = m->nr_rings;
	pthread_mutex_unlock(&m->lock);
}
