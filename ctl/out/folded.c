// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folded stacks, root first, for flamegraph.pl and its kin:
 *
 *	process;main;work;leaf 12
 *
 * The number is of the column asked for, in its unit: samples, or nanoseconds.
 * Kernel functions carry "_[k]" as stackcollapse-perf.pl marks them. Lines that
 * come out equal are added up: samples that differ by address or thread only.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/util.h"
#include "profile/profile.h"

struct line {
	char *text;
	size_t len, cap;
};

/* ";" parts frames and a blank the count, so neither may stand in a name as such. */
static void add_name(struct line *l, const char *name, const char *mark)
{
	size_t n = strlen(name), m = strlen(mark), i;

	GROW(l->text, l->cap, l->len + n + m + 2);
	if (l->len)
		l->text[l->len++] = ';';
	for (i = 0; i < n; i++)
		l->text[l->len++] = name[i] == ';' ? ':' : name[i] == '\n' ? ' ' : name[i];
	memcpy(l->text + l->len, mark, m);
	l->len += m;
}

static void add_location(struct line *l, const struct profile *p, uint32_t id)
{
	const struct profile_location *loc = profile_location(p, id);
	const char *mark = profile_location_is_kernel(p, id) ? "_[k]" : "";
	uint32_t i;

	if (!loc->nr_lines) {
		const char *name = profile_mapping_name(p, loc->mapping);
		char *bracketed __free = *name == '[' ? xstrdup(name) : xasprintf("[%s]", name);

		add_name(l, bracketed, mark);
	}
	for (i = loc->nr_lines; i--;)
		add_name(l, profile_function(p, p->lines[loc->first_line + i].function)->name,
			 mark);
}

int profile_write_folded(const struct profile *p, enum profile_column column, FILE *f)
{
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	struct intern *lines = intern_create();
	struct intern_entry **order __free = NULL;
	size_t nr = 0, cap = 0, i, n;
	struct line l = { 0 };

	for (i = 0; i < p->nr_samples; i++) {
		const struct profile_sample *s = &p->samples[i];
		const uint64_t value = profile_value(p, s, column);
		struct intern_entry *e;

		if (!value)
			continue;
		l.len = 0;
		add_name(&l, p->tasks[s->task - 1].process, "");
		for (n = profile_stack(p, s, stack); n--;)
			add_location(&l, p, stack[n]);
		e = intern_get(lines, l.text, l.len);
		if (!e->value) {
			GROW(order, cap, nr + 1);
			order[nr++] = e;
		}
		e->value = (void *)((uintptr_t)e->value + value);
	}
	for (i = 0; i < nr; i++)
		fprintf(f, "%s %" PRIuPTR "\n", order[i]->data, (uintptr_t)order[i]->value);
	free(l.text);
	intern_destroy(lines);
	return fflush(f) || ferror(f) ? -EIO : 0;
}
