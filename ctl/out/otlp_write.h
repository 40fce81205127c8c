/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that write OTLP profiles share. */
#ifndef TICKPROF_OTLP_WRITE_H
#define TICKPROF_OTLP_WRITE_H

#include "base/hash.h"
#include "base/intern.h"
#include "gzip.h"
#include "profile/profile.h"
#include "proto/otlp_profiles.pb-c.h"

struct otlp_attribute {
	int32_t key;		/* in the string table */
	const char *text;	/* unique; NULL: a number */
	int64_t number;
};

struct otlp_stack {
	uint32_t leaf, kernel, user;
};

/* The tables that samples refer to, filled while these are written. */
struct otlp_dictionary {
	const struct profile *p;
	struct intern *strings;
	char **table;
	size_t nr_table, cap_table;
	struct otlp_attribute *attributes;	/* [0] is none, as in all of them */
	size_t nr_attributes, cap_attributes;
	uint32_t *links;			/* profile contexts: the first of each link */
	size_t nr_links, cap_links;
	struct otlp_stack *stacks;
	size_t nr_stacks, cap_stacks;
	struct hash attribute_index, link_index, stack_index;
};

void otlp_dictionary_init(struct otlp_dictionary *d, const struct profile *p);
void otlp_dictionary_deinit(struct otlp_dictionary *d);

/* Numbers in the tables. An empty text has none: 0. */
int32_t otlp_string(struct otlp_dictionary *d, const char *text);
int32_t otlp_text(struct otlp_dictionary *d, const char *key, const char *text);
int32_t otlp_number(struct otlp_dictionary *d, const char *key, int64_t number);
int32_t otlp_link(struct otlp_dictionary *d, uint32_t context);
int32_t otlp_stack(struct otlp_dictionary *d, const struct profile_sample *s);

/* The text as UTF-8, which lives as long as the dictionary. */
char *otlp_clean(struct otlp_dictionary *d, const char *text);

/* All tables. Nothing may be added afterwards. */
void otlp_write_dictionary(struct otlp_dictionary *d, struct gzip *out);

/* A message within another, packed by hand: tag and length in front. */
void otlp_write_field(struct gzip *out, uint32_t field, const void *bytes, size_t size);

#endif
