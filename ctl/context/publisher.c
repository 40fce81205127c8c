// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who publishes thread contexts: see publisher.h. Memory: what maps has of a file
 * that names the variable, a few hundred bytes each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "process/map_line.h"
#include "publisher.h"

/* A file that names the variable. */
struct candidate {
	char *path;
	uint64_t inode, bias;
	struct tls_variable variable;
	int error;
};

struct search {
	pid_t pid;
	const struct memory *memory;
	struct variable_files *files;
	struct publisher *out;
	struct candidate *found;
	size_t nr_found, cap_found;
	uint64_t last_inode;	/* files have several code mappings, one behind the other */
};

/* How far above the addresses in the file a mapping of its code lies. */
static bool bias_of(const struct variable_file *f, const struct map_line *map, uint64_t *bias)
{
	uint64_t page = getpagesize();
	const struct elf_segment *s;

	for (s = f->code; s < f->code + f->nr_code; s++) {
		if (map->offset < (s->offset & ~(page - 1)) ||
		    map->offset >= s->offset + s->filesz)
			continue;
		*bias = map->start - (s->vaddr + (map->offset - s->offset));
		return true;
	}
	return false;
}

static void add_file(struct search *s, const struct map_line *map)
{
	const struct variable_file *f = variable_files_get(s->files, s->pid, map);
	struct candidate c = { .inode = map->inode };

	s->out->files++;
	if (!f || !f->elf) {
		s->out->unread++;
		return;
	}
	c.error = f->error;
	c.variable = f->variable;
	if (!s->out->libc)
		s->out->libc = f->libc;
	if ((c.error && c.error != -EBADMSG) || !bias_of(f, map, &c.bias))
		return;
	c.path = xstrdup(map->path);
	GROW(s->found, s->cap_found, s->nr_found + 1);
	s->found[s->nr_found++] = c;
}

static void add_context(struct search *s, const struct map_line *map)
{
	struct publisher *p = s->out;

	if (!p->context_error)
		return;
	process_context_deinit(&p->context);
	p->context_error = process_context_read(s->memory, map->start, &p->context);
}

static int read_maps(struct search *s)
{
	__free char *path = xasprintf("/proc/%d/maps", s->pid);
	__fclose FILE *f = fopen(path, "re");
	__free char *text = NULL;
	struct map_line map;
	size_t cap = 0;

	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&text, &cap, f) > 0) {
		if (!map_line_parse(text, &map))
			continue;
		if (!map.exec && process_context_named(map.path))
			add_context(s, &map);
		if (!map.exec || !map.inode || map.inode == s->last_inode)
			continue;
		s->last_inode = map.inode;
		add_file(s, &map);
	}
	return ferror(f) ? -EACCES : 0;
}

static int resolve(const struct search *s, const struct candidate *c, struct location *out)
{
	if (c->error)
		return c->error;
	return location_resolve(&c->variable, c->bias, s->out->libc, s->memory, out);
}

/*
 * How good it is to go by these words, the less the better. Symbol search begins at
 * the program. Words that name the symbol are the dynamic linker's word on who comes
 * next. Then any library's own; last a program whose variable nobody can see.
 */
static unsigned int rank_of(const struct candidate *c, const struct location *l)
{
	const struct tls_variable *v = &c->variable;
	bool dtv = l->kind == LOCATION_DTV;

	if (v->form == TLS_FORM_LOCAL_EXEC)
		return v->dynamic ? 1 : 6;
	return v->own ? 4 + dtv : 2 + dtv;
}

static const struct candidate *best_words(struct search *s)
{
	const struct candidate *best = NULL, *c;
	unsigned int rank, best_rank = 0;
	struct location l;

	for (c = s->found; c < s->found + s->nr_found; c++) {
		if (resolve(s, c, &l))
			continue;
		rank = rank_of(c, &l);
		if (best && rank >= best_rank)
			continue;
		best = c;
		best_rank = rank;
		s->out->location = l;
	}
	return best;
}

/* A program before libraries, and what others see before what they do not. */
static const struct candidate *first_definer(const struct search *s)
{
	const struct candidate *best = NULL, *c;
	unsigned int rank, best_rank = 0;

	for (c = s->found; c < s->found + s->nr_found; c++) {
		if (!c->error && !c->variable.defined)
			continue;
		rank = !c->variable.dynamic ? 2 : !c->variable.program;
		if (best && rank >= best_rank)
			continue;
		best = c;
		best_rank = rank;
	}
	return best;
}

static bool same_place(const struct location *a, const struct location *b)
{
	return a->kind == b->kind && a->module == b->module && a->offset == b->offset;
}

/* Those that a reader of one location a process does not see. */
static void count_others(struct search *s, const struct candidate *definer)
{
	const struct candidate *c;
	struct location other;

	for (c = s->found; c < s->found + s->nr_found; c++)
		if (c != definer && !c->error && c->variable.defined && c->variable.dynamic &&
		    !resolve(s, c, &other) && other.kind == s->out->location.kind &&
		    !same_place(&other, &s->out->location))
			s->out->others++;
}

static int choose(struct search *s)
{
	const struct candidate *words = best_words(s), *definer = words;
	struct publisher *out = s->out;
	int ret;

	if (!words || !words->variable.defined)
		definer = first_definer(s);
	if (!definer)
		return -ENOENT;
	out->path = xstrdup(definer->path);
	out->variable = words ? words->variable : definer->variable;
	if (!words) {
		ret = resolve(s, definer, &out->location);
		return ret == -ENOENT ? -ENOLINK : ret;
	}
	if (words != definer)
		out->referrer = xstrdup(words->path);
	count_others(s, definer);
	return 0;
}

int publisher_find(pid_t pid, const struct memory *m, struct variable_files *files,
		   struct publisher *out)
{
	struct search s = { .pid = pid, .memory = m, .files = files, .out = out };
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	out->context_error = -ENOENT;
	ret = read_maps(&s);
	if (!ret)
		ret = choose(&s);
	for (i = 0; i < s.nr_found; i++)
		free(s.found[i].path);
	free(s.found);
	return ret;
}

void publisher_deinit(struct publisher *p)
{
	free(p->path);
	free(p->referrer);
	process_context_deinit(&p->context);
}
