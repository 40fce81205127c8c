// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lies at an address of an image at a time.
 *
 * An image's own mappings (48 bytes each) are sorted by address with the running
 * maximum of their ends, so that a lookup sees only mappings that can cover the
 * address. Times count only where mappings overlap: an address that one mapping
 * alone ever covered belongs to it at any time. This also serves kernels where
 * mappings are read from /proc after a process was first seen.
 *
 * The times at which answers may change are the image's turns. Between two of
 * them answers are the same, which is what a space stands for.
 */
#include <stdlib.h>

#include "base/util.h"
#include "image.h"

#define VDSO_SIZE	16384
/* Bounds a lookup through forks of forks none of which execed. */
#define PARENTS_MAX	256

static int mapping_compare(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

void image_sort(struct image *image)
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
void image_turns(struct image *image)
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

uint32_t image_space(struct image *image, uint64_t time, uint32_t *nr_spaces)
{
	size_t low = 0, high;

	image = (struct image *)image_shared(image, &time);
	high = image->nr_turns;
	if (!image->first_space) {
		image->first_space = *nr_spaces + 1;
		*nr_spaces += high + 1;
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
	/* The kernel announces the vDSO, too, as a mapping without a file. */
	if (m && (m->kind != PLACE_ANON || !image->vdso || m->start != image->vdso)) {
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

static bool lookup_at(const struct image *image, uint64_t time, uint64_t address,
			 int depth, struct place *out)
{
	const struct image *snapshot = image->snapshot;

	if (place_from(image, image_find(image, address, time, false), address, out))
		return true;
	if (image->exec_seen)
		return false;
	if (image->parent && depth < PARENTS_MAX &&
	    lookup_at(image->parent, image->fork_time, address, depth + 1, out))
		return true;
	return snapshot && place_from(snapshot, image_find(snapshot, address, UINT64_MAX, false),
				      address, out);
}

void processes_lookup(const struct image *image, uint64_t time, uint64_t address,
		      struct place *out)
{
	image = image_shared(image, &time);
	*out = (struct place) { .kind = PLACE_NONE, .pid = image->pid, .offset = address };
	if (!lookup_at(image, time, address, 0, out))
		place_from(image, image_find(image, address, time, true), address, out);
}
