// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel and module functions: see sym_kernel.h. kallsyms tells no sizes: a
 * function ends where the next one starts, or soon after its page where that is
 * another module's or nothing follows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/util.h"
#include "sym_kernel.h"

#define TAIL_PAGE 4096
#define NAMES_MAX (256u << 20)

struct ksym {
	uint64_t addr;
	uint32_t name;		/* offset in names */
	uint16_t module;	/* 0: the kernel itself */
	uint8_t rank;		/* the highest stays of those at one address */
	bool end;		/* marks the end of a region, names nothing */
};

struct sym_kernel {
	struct ksym *syms;
	size_t nr, cap;
	char *names;
	size_t nr_names, cap_names;
	char **modules;		/* "[name]" */
	size_t nr_modules, cap_modules;
	bool nonzero;
};

static uint8_t rank_of(char type, const char *name)
{
	size_t underscores = strspn(name, "_");
	uint8_t rank = type == 'T' ? 64 : type == 't' ? 32 : 48;

	if (underscores && (!strcmp(name, "_text") || !strcmp(name, "_stext")))
		return 0;
	return rank + 15 - (underscores < 15 ? underscores : 15);
}

static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) &&
	       (!name[2] || name[2] == '.');
}

static uint16_t module_index(struct sym_kernel *k, const char *name)
{
	if (!name)
		return 0;
	if (k->nr_modules && !strcmp(k->modules[k->nr_modules - 1], name))
		return k->nr_modules;
	if (k->nr_modules == UINT16_MAX)
		return 0;
	GROW(k->modules, k->cap_modules, k->nr_modules + 1);
	k->modules[k->nr_modules++] = xstrdup(name);
	return k->nr_modules;
}

static void add_line(struct sym_kernel *k, char *line)
{
	const char *rest = line;
	uint64_t addr = digits_hex(&rest);
	char *name, *module, type;
	size_t len;

	if (rest == line || rest[0] != ' ' || !rest[1] || rest[2] != ' ')
		return;
	if (addr)
		k->nonzero = true;
	type = rest[1] | 32;
	if ((type != 't' && type != 'w') || !addr)
		return;
	name = line + (rest - line) + 3;
	len = strcspn(name, "\t \n");
	module = strchr(name + len, '[');
	name[len] = '\0';
	if (module)
		module[strcspn(module, "\n")] = '\0';
	if (!len || is_mapping_symbol(name) || k->nr_names + len + 1 > NAMES_MAX)
		return;
	GROW(k->syms, k->cap, k->nr + 1);
	k->syms[k->nr++] = (struct ksym){
		.addr = addr,
		.name = k->nr_names,
		.module = module_index(k, module),
		.rank = rank_of(rest[1], name),
		.end = *name == '_' && (!strcmp(name, "_etext") || !strcmp(name, "_einittext")),
	};
	GROW(k->names, k->cap_names, k->nr_names + len + 1);
	memcpy(k->names + k->nr_names, name, len + 1);
	k->nr_names += len + 1;
}

static int by_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Runs of the list that are in order by themselves, the kernel's own before all modules', into one. */
static struct ksym *merged(struct ksym *a, size_t nr_a, struct ksym *b, size_t nr_b)
{
	struct ksym *out = xcalloc(nr_a + nr_b, sizeof(*out));
	size_t i = 0, j = 0;

	while (i < nr_a || j < nr_b)
		if (j == nr_b || (i < nr_a && a[i].addr <= b[j].addr))
			out[i + j] = a[i], i++;
		else
			out[i + j] = b[j], j++;
	return out;
}

/* The kernel's own symbols come in order but for the names of one address, of which one stays. */
static void finish(struct sym_kernel *k)
{
	struct ksym *all;
	size_t i, in_order = 1, nr = 0;

	if (!k->nr)
		return;
	while (in_order < k->nr && k->syms[in_order - 1].addr <= k->syms[in_order].addr)
		in_order++;
	qsort(k->syms + in_order, k->nr - in_order, sizeof(*k->syms), by_addr);
	all = merged(k->syms, in_order, k->syms + in_order, k->nr - in_order);
	for (i = 0; i < k->nr; i++)
		if (!nr || all[nr - 1].addr != all[i].addr)
			all[nr++] = all[i];
		else if (by_addr(&all[i], &all[nr - 1]) < 0)
			all[nr - 1] = all[i];
	free(k->syms);
	k->nr = nr;
	k->syms = xrealloc(all, nr * sizeof(*all));
	k->names = xrealloc(k->names, k->nr_names);
}

int sym_kernel_create(const char *path, struct sym_kernel **out)
{
	static bool warned;
	struct sym_kernel *k;
	FILE *f __fclose = fopen(path, "re");
	char *line __free = NULL;
	size_t cap = 0;

	*out = NULL;
	if (!f)
		return -errno;
	k = xcalloc(1, sizeof(*k));
	while (getline(&line, &cap, f) > 0)
		add_line(k, line);
	if (!k->nonzero) {
		if (!warned)
			warn("%s shows no addresses (kernel.kptr_restrict, or CAP_SYSLOG is missing): kernel functions will have no names",
			     path);
		warned = true;
		sym_kernel_destroy(k);
		return -EPERM;
	}
	finish(k);
	*out = k;
	return 0;
}

void sym_kernel_destroy(struct sym_kernel *k)
{
	size_t i;

	if (!k)
		return;
	for (i = 0; i < k->nr_modules; i++)
		free(k->modules[i]);
	free(k->modules);
	free(k->names);
	free(k->syms);
	free(k);
}

static uint64_t end_of(const struct sym_kernel *k, size_t i)
{
	const struct ksym *sym = &k->syms[i];
	uint64_t tail = (sym->addr | (TAIL_PAGE - 1)) + 1 + TAIL_PAGE;

	if (i + 1 == k->nr)
		return tail;
	if (sym[1].module != sym->module && sym[1].addr > tail)
		return tail;
	return sym[1].addr;
}

const struct symbol_frame *sym_kernel_find(const struct sym_kernel *k, struct sym_names *n,
					   uint64_t addr)
{
	size_t lo = 0, hi = k->nr, mid;
	const struct symbol_frame *plain;
	struct symbol_frame frame;
	const char *name;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (k->syms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || k->syms[lo - 1].end || addr >= end_of(k, lo - 1))
		return NULL;
	name = k->names + k->syms[lo - 1].name;
	plain = sym_names_function(n, name, strlen(name));
	if (!k->syms[lo - 1].module)
		return plain;
	frame = *plain;
	frame.file = sym_names_string(n, k->modules[k->syms[lo - 1].module - 1]);
	return sym_names_frames(n, &frame, 1);
}

uint64_t sym_kernel_start(const struct sym_kernel *k)
{
	return k->nr ? k->syms[0].addr : 0;
}
