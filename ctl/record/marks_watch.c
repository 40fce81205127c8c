// SPDX-License-Identifier: GPL-2.0-only
/* Which processes are to be looked at for a ring of marked spans, and when: see marks_watch.h. */
#include <stdlib.h>

#include "base/util.h"
#include "marks_watch.h"

#define MS 1000000ull

enum { WATCHED_MAX = 4096, LEAST_MS = 5, MOST_MS = 30000, PART = 8 };

static struct watched_process **find(struct marks_watch *w, uint32_t pid)
{
	struct watched_process **link = &w->first;

	while (*link && (*link)->image.pid != pid)
		link = &(*link)->next;
	return link;
}

bool marks_watch_add(struct marks_watch *w, const struct capture_process *image, uint64_t now)
{
	struct watched_process *p = *find(w, image->pid);

	if (!p) {
		if (w->nr == WATCHED_MAX)
			return false;
		p = xcalloc(1, sizeof(*p));
		p->next = w->first;
		w->first = p;
		w->nr++;
	} else if (p->image.exec_id == image->exec_id) {
		return true;
	}
	p->image = *image;
	p->since = p->due = now;
	p->broken = 0;
	return true;
}

struct watched_process *marks_watch_due(struct marks_watch *w, uint64_t now)
{
	struct watched_process *p = w->first;

	while (p && p->due > now)
		p = p->next;
	return p;
}

void marks_watch_again(struct watched_process *p, uint64_t now)
{
	uint64_t pause = (now - p->since) / PART;

	pause = pause < LEAST_MS * MS ? LEAST_MS * MS : pause;
	p->due = now + (pause > MOST_MS * MS ? MOST_MS * MS : pause);
}

struct watched_process *marks_watch_find(struct marks_watch *w,
					 const struct capture_process *image)
{
	struct watched_process *p = *find(w, image->pid);

	return p && p->image.exec_id == image->exec_id ? p : NULL;
}

void marks_watch_drop(struct marks_watch *w, const struct capture_process *image)
{
	struct watched_process **link = find(w, image->pid), *p = *link;

	if (!p || p->image.exec_id != image->exec_id)
		return;
	*link = p->next;
	free(p);
	w->nr--;
}

uint64_t marks_watch_next(const struct marks_watch *w)
{
	const struct watched_process *p;
	uint64_t next = UINT64_MAX;

	for (p = w->first; p; p = p->next)
		next = p->due < next ? p->due : next;
	return next;
}

void marks_watch_deinit(struct marks_watch *w)
{
	struct watched_process *p;

	while ((p = w->first)) {
		w->first = p->next;
		free(p);
	}
	w->nr = 0;
}
