/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one in-memory profile that all outputs see, and its making from a capture.
 * Every sample is a stack of locations (leaf first), values by column and
 * labels; equal ones are added up. Outputs never see records, netlink or /proc.
 */
#ifndef TICKPROF_PROFILE_H
#define TICKPROF_PROFILE_H

#include "capture.h"
#include "symbolize.h"

/* Value columns, in this fixed order in every file so that files merge. */
enum profile_column {
	PROFILE_SAMPLES,	/* samples/count */
	PROFILE_CPU,		/* cpu/nanoseconds: samples × period */
	PROFILE_COLUMNS,
};

struct profile;

struct profile_options {
	bool label_cpu;		/* add the label "cpu" */
	bool lines;		/* see symbolizer_options */
	uint64_t from, until;	/* CLOCK_MONOTONIC ns; 0: no bound */
};

/*
 * Decode a capture: process images first, then samples, then each location
 * once through the symbolizer (with the capture's SYMBOLS preloaded). What
 * could not be attributed is counted in the profile's statistics, never
 * dropped. 0 or -errno with a message printed.
 */
int profile_create(struct capture *c, struct objects *objects,
		   struct symbolizer *s, const struct profile_options *options,
		   struct profile **out);
void profile_destroy(struct profile *p);
uint64_t profile_nr_samples(const struct profile *p);

/* Payload of the SYMBOLS chunk: every location the profile resolved. */
int profile_symbols_pack(const struct profile *p, void **blob, size_t *size);

/* Outputs, each in its own file. f is flushed, not closed. 0 or -errno. */
int profile_write_pprof(const struct profile *p, int fd);
int profile_write_folded(const struct profile *p, FILE *f);

#endif
