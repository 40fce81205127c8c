// SPDX-License-Identifier: GPL-2.0-only
/* The line table of one compilation unit: see dwarf_lines.h. */
#include <dwarf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "dwarf_lines.h"

#define NO_CODE UINT32_MAX

/* libdw leaves names relative to the directory the compiler ran in. */
static const char *full_name(struct sym_names *n, const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (!name || name[0] == '/' || !dir)
		return name ? sym_names_string(n, name) : NULL;
	while (!strncmp(name, "./", 2))
		name += 2;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return sym_names_string(n, path);
}

static const char *directory_of(Dwarf_Die *unit_die)
{
	Dwarf_Attribute attr;

	return dwarf_attr(unit_die, DW_AT_comp_dir, &attr) ? dwarf_formstring(&attr) : NULL;
}

static void read_files(struct dwarf_lines *l, struct sym_names *n, const char *dir,
		       Dwarf_Files *files, size_t nr)
{
	size_t i;

	l->files = xcalloc(nr, sizeof(*l->files));
	l->nr_files = nr;
	for (i = 0; i < nr; i++)
		l->files[i] = full_name(n, dir, dwarf_filesrc(files, i, NULL, NULL));
}

static bool read_row(Dwarf_Line *line, uint64_t base, struct dwarf_row *row)
{
	Dwarf_Files *files;
	Dwarf_Addr addr;
	size_t file;
	bool end;
	int number;

	if (!line || dwarf_lineaddr(line, &addr) || addr < base || addr - base > UINT32_MAX)
		return false;
	if (dwarf_lineno(line, &number) || number < 0)
		number = 0;
	row->addr = addr - base;
	row->line = number;
	row->file = dwarf_line_file(line, &files, &file) || file >= NO_CODE ? NO_CODE - 1
									  : file;
	if (!dwarf_lineendsequence(line, &end) && end)
		row->file = NO_CODE;
	return true;
}

static void read_rows(struct dwarf_lines *l, Dwarf_Lines *lines, size_t nr)
{
	struct dwarf_row row, *last;
	size_t i, cap = 0;

	for (i = 0; i < nr; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);

		if (!l->nr_rows && dwarf_lineaddr(line, &l->base))
			continue;
		if (!read_row(line, l->base, &row))
			continue;
		last = l->nr_rows ? &l->rows[l->nr_rows - 1] : NULL;
		/* Of several rows for one address the last is meant. */
		if (last && last->addr == row.addr) {
			*last = row;
			continue;
		}
		if (last && last->file == row.file && last->line == row.line)
			continue;
		GROW(l->rows, cap, l->nr_rows + 1);
		l->rows[l->nr_rows++] = row;
	}
	if (l->nr_rows)
		l->rows = xrealloc(l->rows, l->nr_rows * sizeof(*l->rows));
}

size_t dwarf_lines_init(struct dwarf_lines *l, struct sym_names *n, Dwarf_Die *unit_die)
{
	Dwarf_Lines *lines;
	Dwarf_Files *files;
	size_t nr;

	memset(l, 0, sizeof(*l));
	if (!dwarf_getsrcfiles(unit_die, &files, &nr))
		read_files(l, n, directory_of(unit_die), files, nr);
	if (dwarf_getsrclines(unit_die, &lines, &nr))
		return 0;
	read_rows(l, lines, nr);
	return nr;
}

void dwarf_lines_deinit(struct dwarf_lines *l)
{
	free(l->rows);
	free(l->files);
	memset(l, 0, sizeof(*l));
}

size_t dwarf_lines_memory(const struct dwarf_lines *l)
{
	return l->nr_rows * sizeof(*l->rows) + l->nr_files * sizeof(*l->files);
}

const char *dwarf_lines_file(const struct dwarf_lines *l, uint64_t index)
{
	return index < l->nr_files ? l->files[index] : NULL;
}

void dwarf_lines_find(const struct dwarf_lines *l, uint64_t addr, struct symbol_frame *frame)
{
	size_t lo = 0, hi = l->nr_rows, mid;

	if (addr < l->base)
		return;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (l->rows[mid].addr <= addr - l->base)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || l->rows[lo - 1].file == NO_CODE)
		return;
	frame->file = dwarf_lines_file(l, l->rows[lo - 1].file);
	frame->line = l->rows[lo - 1].line;
}
