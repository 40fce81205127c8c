/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Program images and what they had mapped, over time.
 *
 * An image is what a process runs between two execs: (pid, start time, exec id).
 * Its mappings are, in this order: those announced for it; if no exec of it was
 * seen, those of the image its process was forked from, as of the fork; those
 * that /proc told, if /proc was read while this image ran. A later mapping hides
 * what it overlaps from its time on.
 */
#ifndef TICKPROF_PROCESSES_H
#define TICKPROF_PROCESSES_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbol/object.h"

struct processes;
struct image;

/* A mapped file as records name it; equal names are one. Numbered from 1. */
struct mapped_file {
	struct object_id id;		/* as announced; strings owned here */
	pid_t pid;			/* who mapped it first, where, and how much of it */
	uint64_t addr, len;
};

enum place_kind {
	PLACE_NONE,		/* no mapping is known there */
	PLACE_FILE,		/* file: offset in it */
	PLACE_ANON,		/* pid: address */
	PLACE_VDSO,		/* offset in the image */
};

struct place {
	enum place_kind kind;
	uint32_t file;
	pid_t pid;		/* whose mapping it is */
	uint64_t offset;
};

struct processes *processes_create(void);
void processes_destroy(struct processes *p);

/* A decode_event_fn: records are kept by pointer until processes_seal(). */
void processes_event(void *processes, const struct tickprof_record *record, bool snapshot);
/* All events are known: order them by time and build the images. */
void processes_seal(struct processes *p);

/* The image that tasks and lookups mean; made now if no event named it. Never NULL. */
struct image *processes_image(struct processes *p, uint32_t pid, uint64_t start_time,
			      uint64_t exec_id);
/*
 * A number for "these mappings": lookups at two times with equal numbers give
 * equal answers, also across images that share theirs.
 */
uint32_t processes_space(struct processes *p, struct image *image, uint64_t time);
void processes_lookup(const struct image *image, uint64_t time, uint64_t address,
		      struct place *out);

uint32_t processes_nr_files(const struct processes *p);
const struct mapped_file *processes_file(const struct processes *p, uint32_t file);

#endif
