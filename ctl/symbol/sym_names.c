// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function names of all symbolizers: see sym_names.h. Bytes that no terminal or
 * text format should get from a hostile file (control characters) become '?'.
 */
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/util.h"
#include "demangle.h"
#include "sym_names.h"

#define NAME_MAX_LEN 8192

struct sym_names {
	struct intern *functions;	/* raw name → struct symbol_frame */
	struct intern *strings;
	struct intern *frames;
};

struct sym_names *sym_names_create(void)
{
	struct sym_names *n = xcalloc(1, sizeof(*n));

	n->functions = intern_create();
	n->strings = intern_create();
	n->frames = intern_create();
	return n;
}

void sym_names_destroy(struct sym_names *n)
{
	if (!n)
		return;
	intern_destroy(n->functions);
	intern_destroy(n->strings);
	intern_destroy(n->frames);
	free(n);
}

static const char *printable(struct sym_names *n, const char *s, size_t len)
{
	char buf[NAME_MAX_LEN];
	size_t i;

	if (len >= sizeof(buf))
		len = sizeof(buf) - 1;
	for (i = 0; i < len; i++)
		buf[i] = (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i];
	return intern_get(n->strings, buf, len)->data;
}

const struct symbol_frame *sym_names_function(struct sym_names *n, const char *raw,
					      size_t len)
{
	struct intern_entry *e = intern_get(n->functions, raw, len);
	struct symbol_frame *frame = e->value;
	char buf[NAME_MAX_LEN];
	size_t nice;

	if (frame)
		return frame;
	frame = intern_alloc(n->functions, sizeof(*frame));
	frame->system_name = printable(n, raw, len);
	nice = demangle(frame->system_name, buf, sizeof(buf));
	frame->function = nice ? printable(n, buf, nice) : frame->system_name;
	e->value = frame;
	return frame;
}

const char *sym_names_string(struct sym_names *n, const char *s)
{
	return printable(n, s, strlen(s));
}

const struct symbol_frame *sym_names_frames(struct sym_names *n,
					    const struct symbol_frame *frames, size_t nr)
{
	return (const void *)intern_get(n->frames, frames, nr * sizeof(*frames))->data;
}
