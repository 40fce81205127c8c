/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON by what it means: a table says which keys of which object are of interest
 * and who is told of them. All else is skipped. Arrays are looked through: what is
 * said of a key holds for each element.
 */
#ifndef TICKPROF_SPAN_JSON_WALK_H
#define TICKPROF_SPAN_JSON_WALK_H

#include "source.h"

struct json_scalar {
	enum { JSON_TEXT, JSON_NUMBER, JSON_BOOLEAN } type;
	const char *text;		/* text and digits; true, false; no NUL behind it */
	size_t len;
};

struct json_node;

struct json_rule {
	const char *key;		/* NULL: every key that no rule before it names */
	const struct json_node *node;	/* if it is an object, or an array of them */
	int field;			/* if it is a scalar; 0: of no interest */
};

/* A kind of object. Each function may be NULL. */
struct json_node {
	const struct json_rule *rules;	/* ends with one that has neither node nor field */
	void (*enter)(void *ctx, const char *key, size_t len);
	void (*leave)(void *ctx);
	void (*value)(void *ctx, int field, const struct json_scalar *v);
};

struct json_walk;

/*
 * All values of the source, of which there may be several. 0, or -errno with the
 * source's ->error set: no JSON, deeper than 128, or a token beyond 16 MiB. Memory:
 * 64 KiB, and twice the longest token.
 */
int json_walk_run(struct json_walk *w);

struct json_walk {
	struct span_source *source;
	const struct json_node *root;
	void *ctx;
	uint64_t met;			/* keys that a rule named; set by the walk */
	struct json_walk_private *private;
};

/* Where the walk stands. For the functions of a node. */
struct span_place json_walk_place(const struct json_walk *w);

/* A whole number, in quotes or not. */
bool json_scalar_u64(const struct json_scalar *v, uint64_t *out);
bool json_scalar_i64(const struct json_scalar *v, int64_t *out);
bool json_scalar_is(const struct json_scalar *v, const char *text);

#endif
