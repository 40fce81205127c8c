/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --json: one object on standard output, its "schema" a number that rises when a
 * key changes its meaning or goes; new keys do not raise it.
 */
#ifndef TICKPROF_JSON_H
#define TICKPROF_JSON_H

#include <json_object.h>
#include <json_types.h>
#include <stdint.h>

enum { JSON_SCHEMA = 1 };

/* An object that says its schema. */
struct json_object *json_document(void);
void json_set_u64(struct json_object *o, const char *key, uint64_t value);
/* Control characters and bytes that are no UTF-8 become '?'. */
void json_set_text(struct json_object *o, const char *key, const char *text);
void json_add_text(struct json_object *array, const char *text);
/* Print and free. */
void json_finish(struct json_object *o);

#endif
