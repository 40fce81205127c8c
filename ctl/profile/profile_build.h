/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that make a profile share; outputs do not include this. */
#ifndef TICKPROF_PROFILE_BUILD_H
#define TICKPROF_PROFILE_BUILD_H

#include "base/hash.h"
#include "base/intern.h"
#include "process/processes.h"
#include "profile.h"

struct profile_private {
	struct objects *objects;
	struct symbolizer *symbolizer;
	struct processes *processes;
	bool live;
	struct capture_keep keep;
	struct intern *strings;
	struct object **file_objects;	/* by mapped_file; NULL: not asked for yet */
	struct hash function_index, mapping_index, location_index, chain_index;
	bool walks;
	size_t cap_functions, cap_lines, cap_mappings, cap_locations, cap_tasks, cap_chains,
	       cap_chain_locations, cap_chain_how, cap_samples, cap_notes, cap_no_tables,
	       cap_waits, cap_contexts, cap_attributes, cap_threads;
};

/* The object behind a mapped file of the processes. */
struct object *profile_file_object(struct profile *p, uint32_t file);
/* The location of this place, resolved if it is new. object NULL: address in nothing. */
uint32_t profile_add_location(struct profile *p, struct object *object, uint64_t offset,
			      bool caller);
/* A new location that is no place in memory, for time that has no stack. */
uint32_t profile_add_marker(struct profile *p, const char *function);
/*
 * Equal runs of locations are one chain; an empty one is 0. how: enum
 * tickprof_how of each, which sets chains apart with options.walks only.
 */
uint32_t profile_add_chain(struct profile *p, const uint32_t *locations, const uint8_t *how,
			   uint32_t nr);
const char *profile_string(struct profile *p, const char *s);
void profile_add_note(struct profile *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* notes from meta data, statistics and counters. */
void profile_describe(struct profile *p, const struct capture *c);

/* The second pass: all samples into the profile. Needs processes sealed. */
struct decode;
struct decode_sample;
void profile_build(struct profile *p, const struct capture *c, struct decode *d,
		   const struct profile_options *options);

/* A sample, or a wait, into the statistics; sets end, fallback and later of s. */
struct decode_wait;
void profile_count(struct profile *p, struct decode *d, const struct decode_sample *sample,
		   struct profile_sample *s);
void profile_count_wait(struct profile *p, struct decode *d, const struct decode_wait *wait,
			struct profile_sample *s);

/* Tell the symbolizer what a SYMBOLS chunk knows. 0 or -EBADMSG. */
int profile_symbols_load(struct profile *p, const void *blob, size_t size);

bool profile_root_reached(const struct profile *p, const uint32_t *locations, uint32_t nr);

#endif
