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

void json_set_text(struct json_object *o, const char *key, const char *text)
{
	__free char *clean = xstrdup(text);

	utf8_clean(clean, strlen(clean));
	json_object_object_add(o, key, json_object_new_string(clean));
}

void json_finish(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
