/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process said about itself, as a PROCESS chunk has it (capture.h): service
 * name, and what the key indices in CONTEXT records of its threads stand for.
 * Records name the program image by pid, start_time and exec_id. Where several chunks
 * are of one image, the last one counts.
 */
#ifndef TICKPROF_CAPTURE_PROCESS_H
#define TICKPROF_CAPTURE_PROCESS_H

#include "capture.h"

enum { CAPTURE_PROCESS_KEYS_MAX = 256 };	/* an index has 8 bits */

/* Texts are the process's own: any bytes. They live as long as the chunk. */
struct capture_process_text {
	struct capture_process image;		/* nr_keys: of keys[] */
	const char *service;			/* "": not told */
	const char *keys[CAPTURE_PROCESS_KEYS_MAX];
};

/*
 * Take a chunk of type PROCESS apart, from capture_chunks(). 0, or -EBADMSG: too
 * short, more keys than there can be, or other texts than it says.
 */
int capture_process_parse(const struct capture_chunk *chunk, struct capture_process_text *out);

/* The payload of such a chunk, on the heap. Keys beyond those that there can be are left out. */
void *capture_process_pack(const struct capture_process_text *texts, size_t *size);
/* The same into a capture. 0 or -errno. */
int capture_write_process(struct capture_writer *w, const struct capture_process_text *texts);

#endif
