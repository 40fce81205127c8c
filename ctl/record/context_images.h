/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Program images as records tell of them, and when each is to be looked at for
 * contexts. Times are ns of one clock, the caller's, that does not go back.
 *
 * A look is repeated, ever later and not for ever, where that was asked for; and when
 * the image maps another file, the first times soon, then slowly.
 *
 * Not thread-safe. Memory: 100 bytes a process that runs.
 */
#ifndef TICKPROF_CONTEXT_IMAGES_H
#define TICKPROF_CONTEXT_IMAGES_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct context_image {
	uint64_t start_time, exec_id;	/* exec_id 0: of the snapshot, without a name yet */
	uint64_t due;
	uint32_t pid, ppid;		/* ppid 0: not known */
	int result;			/* the caller's, as the next; -1 in a new image */
	uint32_t told;			/* 0 in a new image */
	/* Not for callers. */
	struct context_image *next;
	TAILQ_ENTRY(context_image) link;
	uint8_t tries, maps, step;
	bool queued, done;
};

/* Put off so many times a look is given up. */
enum { CONTEXT_TRIES = 16 };

struct context_images;

struct context_images *context_images_create(void);
void context_images_destroy(struct context_images *t);

/*
 * A checked record of a type that watch.h looks at; snapshot: of /proc. True: an
 * image is to be looked at that was not before, or sooner.
 */
bool context_images_see(struct context_images *t, const struct tickprof_record *rec,
			bool snapshot, uint64_t now);
/*
 * The one whose look is due first; NULL: none is. Of those that are due now the ones of the
 * snapshot, without a name yet, come last.
 */
struct context_image *context_images_first(struct context_images *t, uint64_t now);
/* It is looked at now. */
void context_images_take(struct context_images *t, struct context_image *image);
/* The same image, if it is still there; NULL: it has ended, or is another one by now. */
struct context_image *context_images_find(struct context_images *t, uint32_t pid,
					  uint64_t start_time, uint64_t exec_id);
/* Look again later. */
void context_images_again(struct context_images *t, struct context_image *image, uint64_t now);
/* There is nothing more to be learned of it. */
void context_images_done(struct context_images *t, struct context_image *image);
size_t context_images_nr(const struct context_images *t);

#endif
