/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes that spans are read from: a file, unpacked on the way if it is
 * gzipped, or memory. Knows where it stands, and keeps the one message of the
 * reader that gave up.
 */
#ifndef TICKPROF_SPAN_SOURCE_H
#define TICKPROF_SPAN_SOURCE_H

#include <sys/types.h>

#include "span.h"

enum { SOURCE_PEEK = 64 };

struct span_source {
	const char *name;		/* for messages */
	void *gz;			/* zlib's gzFile; NULL: memory */
	const uint8_t *data;		/* memory: what is left */
	size_t size;
	uint8_t peeked[SOURCE_PEEK];	/* read, but not taken yet */
	size_t nr_peeked, at_peeked;
	char error[256];		/* "": none yet */
};

/* "-" is standard input. 0 or -errno, with ->error set. Keeps "path". */
int span_source_open(struct span_source *s, const char *path);
void span_source_memory(struct span_source *s, const char *name, const void *data, size_t size);
void span_source_close(struct span_source *s);

/*
 * Up to size bytes; fewer only at the end. -EBADMSG or another -errno, with ->error
 * set, if the file cannot be read or unpacked.
 */
ssize_t span_source_read(struct span_source *s, void *buf, size_t size);
/* The first bytes, left in place; before the first read. */
ssize_t span_source_peek(struct span_source *s, const uint8_t **bytes);

/* Sets ->error and returns -EBADMSG. at NULL: the file as a whole. */
int span_source_fail(struct span_source *s, const struct span_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Readers: all spans of the source into the model. 0, or -errno with ->error set;
 * what came before the place of the error is in the model.
 */
int span_read(struct span_source *s, struct span_model *m);	/* by content */
int span_read_json(struct span_source *s, struct span_model *m);	/* OTLP, Tempo, Jaeger */
int span_read_otlp_json(struct span_source *s, struct span_model *m);	/* that, be it empty */
int span_read_proto(struct span_source *s, struct span_model *m);	/* one OTLP message */
/* Several, each behind its length. */
int span_read_proto_frames(struct span_source *s, struct span_model *m);

#endif
