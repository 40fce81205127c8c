/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the protocol's numbers, as people, --json and the specification in
 * include/uapi/tickprof.yaml write them; tests/cli/spec holds all three together.
 */
#ifndef TICKPROF_NAMES_H
#define TICKPROF_NAMES_H

#include <stddef.h>

struct name {
	const char *name;
	const char *help;	/* features and counters: what it means; else NULL */
};

/* Each returns NULL for a number it does not know. */
const char *name_attr(unsigned int attr);
const char *name_state(unsigned int state);
const struct name *name_counter(unsigned int counter);
const struct name *name_feature(unsigned int bit);	/* bit number */
const char *name_flag(unsigned int bit);
const char *name_target(unsigned int kind);

#endif
