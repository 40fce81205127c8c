// SPDX-License-Identifier: GPL-2.0-only
/* The little that json-c leaves to do: see json.h. */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"
#include "util.h"

struct json_object *json_document(void)
{
	struct json_object *o = json_object_new_object();

	json_set_u64(o, "schema", JSON_SCHEMA);
	return o;
}

void json_set_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *clean_text(const char *text)
{
	__free char *clean = xstrdup(text);

	utf8_clean(clean, strlen(clean));
	return json_object_new_string(clean);
}

void json_set_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, clean_text(text));
}

void json_add_text(struct json_object *array, const char *text)
{
	json_object_array_add(array, clean_text(text));
}

void json_finish(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
