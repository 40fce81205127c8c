/* SPDX-License-Identifier: GPL-2.0-only */
/* What `tickprof context` found, as text and as JSON. */
#ifndef TICKPROF_CONTEXT_VIEW_H
#define TICKPROF_CONTEXT_VIEW_H

#include <json_object.h>
#include <stdbool.h>

#include "context/publisher.h"

struct context_view {
	pid_t pid;
	bool threads;			/* stop and read them */
	int error;			/* of publisher_find() */
	struct publisher publisher;
	const struct memory *memory;
};

/* On standard output. */
void context_view_print(const struct context_view *v);
void context_view_json(const struct context_view *v, struct json_object *list);

/* error: of tls_variable_find(). */
void context_view_file_print(const char *path, const struct tls_variable *v, int error);
void context_view_file_json(const char *path, const struct tls_variable *v, int error,
			    struct json_object *list);

#endif
