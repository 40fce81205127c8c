/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that appears whole or not at all: written in its folder, renamed into
 * place when done. An existing file stays as it was until then.
 */
#ifndef TICKPROF_OUTPUT_H
#define TICKPROF_OUTPUT_H

#include <stdbool.h>

struct output {
	int fd;
	char *path;	/* the final name; NULL: standard output */
	char *temporary;	/* NULL: written in place (a device, a pipe) */
	bool unnamed;		/* the temporary name is not taken yet */
};

#define OUTPUT_INIT { .fd = -1 }

/* "-" is standard output, which must not be a terminal. 0 or -errno with a message. */
int output_open(struct output *o, const char *path);
/* Give it its name. */
int output_commit(struct output *o);
/* Take it back unless it was committed. */
void output_close(struct output *o);

/* An unlinked file for intermediate data near "path", else in TMPDIR. fd or -errno. */
int output_scratch(const char *path);

#endif
