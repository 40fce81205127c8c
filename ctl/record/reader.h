/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reader of the rings that include/uapi/linux/tickprof.h draws. Records are
 * handed out where they lie in the mapping; nothing is copied.
 *
 * Memory: the rings themselves, shared with the module, and 64 bytes a CPU.
 */
#ifndef TICKPROF_READER_H
#define TICKPROF_READER_H

#include <linux/tickprof.h>
#include <stddef.h>
#include <stdint.h>

/* Whole records of one CPU, contiguous, never wrapping. */
struct reader_span {
	uint32_t cpu;
	uint32_t types;		/* bit n: a record of type n is in it; types above 31: bit 0 */
	uint64_t position;	/* of data in the ring */
	const void *data;
	size_t size;
};

/* 0 to go on; -errno ends the drain, the span counts as not read. */
typedef int (*reader_sink)(void *arg, const struct reader_span *span);

struct ring {
	struct tickprof_ring_reader *reader;
	const struct tickprof_ring_writer *writer;
	const uint8_t *data;
	uint64_t size;
	uint64_t tail;
	uint32_t cpu;
};

/* Take a mapped ring into use; -EBADMSG with a message if its header makes no sense. */
int ring_init(struct ring *ring, uint32_t cpu, void *reader_page, const void *writer_page,
	      size_t page, size_t mapped);
/* Hand out everything written so far. Bytes drained, or -errno. */
int64_t ring_drain(struct ring *ring, reader_sink sink, void *arg);

struct reader;

/* Map the rings of CPUs 0 … cpus - 1, each with ring_size bytes of data. 0 or -errno with a message. */
int reader_create(int fd, uint32_t cpus, uint32_t ring_size, struct reader **out);
void reader_destroy(struct reader *r);
/* All rings once. Bytes drained, or -errno with a message. */
int64_t reader_drain(struct reader *r, reader_sink sink, void *arg);

#endif
