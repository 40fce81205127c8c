/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Byte strings kept once, at addresses that stay: equal contents are equal
 * pointers. Memory is taken in blocks and given back only as a whole, so a table
 * costs what was ever put in: contents + 24 bytes an entry + 8 to 16 of hash.
 */
#ifndef TICKPROF_INTERN_H
#define TICKPROF_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern_entry {
	void *value;		/* the user's; NULL in a new entry */
	uint32_t hash, len;
	char data[];		/* len bytes and a NUL; 8-aligned */
};

struct intern;

struct intern *intern_create(void);
void intern_destroy(struct intern *in);
/* The entry of these bytes, made if there is none. len < 4 GiB. */
struct intern_entry *intern_get(struct intern *in, const void *data, size_t len);
/* NULL: there is none. */
struct intern_entry *intern_find(const struct intern *in, const void *data, size_t len);
const char *intern_string(struct intern *in, const char *s);
/* Zeroed memory, 8-aligned, that lives as long as the table. */
void *intern_alloc(struct intern *in, size_t size);

#endif
