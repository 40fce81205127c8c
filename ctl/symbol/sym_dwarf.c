// SPDX-License-Identifier: GPL-2.0-only
/*
 * Source lines and inlined functions of one ELF file: see sym_dwarf.h. libdw's
 * memory grows with each unit it decodes and is given back only with the whole
 * handle, so a handle is closed when ROWS_MAX line rows (about 60 bytes each) are in
 * it, or OPEN_MAX other files were asked since. What was decoded stays in a compact
 * form, up to LINES_MAX bytes a file.
 */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "dwarf_units.h"
#include "sym_dwarf.h"

#define OPEN_MAX	4
#define ROWS_MAX	200000
#define LINES_MAX	(16u << 20)
#define EXPANDED_MAX	(2ull << 30)	/* bytes of all decompressed sections */
#define DEPTH_MAX	128
#define SCOPES_MAX	16
#define ENTRIES_MAX	100000		/* looked at below one function */

struct sym_dwarf {
	const struct elf_file *main, *file;
	struct elf_file *alt;		/* dwz's common file */
	Elf *elf, *alt_elf;
	Dwarf *dwarf, *alt_dwarf;	/* NULL: closed */
	struct dwarf_units units;
	size_t rows;			/* line rows that libdw holds */
	size_t lines;			/* bytes of those held in units */
	uint64_t used;
};

static struct sym_dwarf *open_files[OPEN_MAX];
static uint64_t clock_;

/* The function at an address and what is inlined into it there, outermost first. */
struct chain {
	Dwarf_Die dies[DEPTH_MAX];
	size_t nr;
	size_t budget;
	Dwarf_Addr addr;
};

/* Every section that libdw would expand, added up. */
static bool expands_sanely(Elf *elf)
{
	uint64_t total = 0;
	Elf_Scn *scn = NULL;
	const char *name;
	Elf_Data *data;
	size_t strings;
	GElf_Shdr shdr;
	GElf_Chdr chdr;
	int i;

	if (elf_getshdrstrndx(elf, &strings))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			continue;
		name = elf_strptr(elf, strings, shdr.sh_name);
		if (shdr.sh_flags & SHF_COMPRESSED) {
			if (!gelf_getchdr(scn, &chdr) || chdr.ch_size > EXPANDED_MAX)
				return false;
			total += chdr.ch_size;
		} else if (name && !strncmp(name, ".zdebug", 7)) {
			uint64_t size = 0;

			data = elf_rawdata(scn, NULL);
			for (i = 4; data && data->d_size >= 12 && i < 12; i++)
				size = size << 8 | ((uint8_t *)data->d_buf)[i];
			if (size > EXPANDED_MAX)
				return false;
			total += size;
		}
	}
	return total <= EXPANDED_MAX;
}

/* A second Elf over the image, so that closing it frees what was expanded. */
static Dwarf *open_dwarf(const struct elf_file *f, Elf **elf)
{
	Dwarf *dwarf = NULL;

	*elf = elf_memory(f->image, f->image_size);
	if (*elf && expands_sanely(*elf))
		dwarf = dwarf_begin_elf(*elf, DWARF_C_READ, NULL);
	if (!dwarf) {
		elf_end(*elf);
		*elf = NULL;
	}
	return dwarf;
}

static void close_handle(struct sym_dwarf *d)
{
	size_t i;

	dwarf_end(d->dwarf);
	dwarf_end(d->alt_dwarf);
	elf_end(d->elf);
	elf_end(d->alt_elf);
	d->dwarf = d->alt_dwarf = NULL;
	d->elf = d->alt_elf = NULL;
	d->rows = 0;
	elf_file_trim((struct elf_file *)d->file);
	if (d->alt)
		elf_file_trim(d->alt);
	for (i = 0; i < OPEN_MAX; i++)
		if (open_files[i] == d)
			open_files[i] = NULL;
}

static bool open_handle(struct sym_dwarf *d)
{
	size_t i, slot = 0;

	d->used = ++clock_;
	if (d->rows > ROWS_MAX)
		close_handle(d);
	if (d->dwarf)
		return true;
	for (i = 0; i < OPEN_MAX; i++) {
		if (!open_files[i]) {
			slot = i;
			break;
		}
		if (open_files[i]->used < open_files[slot]->used)
			slot = i;
	}
	if (open_files[slot])
		close_handle(open_files[slot]);
	d->dwarf = open_dwarf(d->file, &d->elf);
	if (!d->dwarf)
		return false;
	if (d->alt) {
		d->alt_dwarf = open_dwarf(d->alt, &d->alt_elf);
		dwarf_setalt(d->dwarf, d->alt_dwarf);
	}
	open_files[slot] = d;
	return true;
}

static bool has_dwarf(const struct elf_file *f)
{
	GElf_Shdr shdr;

	return (elf_file_section(f, ".debug_info", &shdr) ||
		elf_file_section(f, ".zdebug_info", &shdr)) && shdr.sh_type != SHT_NOBITS;
}

/*
 * Without the common file most names are missing, and libdw would go looking for
 * it by itself, in places that the file names: then there is no DWARF.
 */
static bool find_alt(struct sym_dwarf *d, const char *path, const struct elf_origin *origin)
{
	const void *build_id;
	const char *name;
	ssize_t size;

	size = dwelf_dwarf_gnu_debugaltlink(d->dwarf, &name, &build_id);
	if (!size)
		return true;
	if (size > 0)
		d->alt = elf_debug_alt(name, path, build_id, size, origin);
	if (!d->alt)
		return false;
	d->alt_dwarf = open_dwarf(d->alt, &d->alt_elf);
	if (!d->alt_dwarf)
		return false;
	dwarf_setalt(d->dwarf, d->alt_dwarf);
	return true;
}

struct sym_dwarf *sym_dwarf_create(struct sym_elf *elf, const struct elf_origin *origin)
{
	const struct elf_file *file = elf->file;
	const char *path = origin->path;
	struct sym_dwarf *d;

	if (!has_dwarf(file)) {
		file = elf_debug_file(&elf->debug, elf->file, origin);
		path = elf->debug.path;
	}
	if (!file || !has_dwarf(file))
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->main = elf->file;
	d->file = file;
	if (!open_handle(d) || !find_alt(d, path, origin)) {
		sym_dwarf_destroy(d);
		return NULL;
	}
	dwarf_units_init(&d->units, d->dwarf, d->main);
	return d;
}

void sym_dwarf_destroy(struct sym_dwarf *d)
{
	if (!d)
		return;
	close_handle(d);
	dwarf_units_deinit(&d->units);
	elf_file_close(d->alt);
	free(d);
}

static bool has_code(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

/* Add the inlined functions around the address below parent. */
static bool descend(struct chain *c, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;
	bool inlined;

	if (depth >= DEPTH_MAX || dwarf_child(parent, &die))
		return false;
	do {
		if (!c->budget)
			return false;
		c->budget--;
		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			break;
		default:
			continue;
		}
		inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
		/* A block may have lost its own addresses to the optimizer. */
		if (!inlined && !has_code(&die)) {
			if (descend(c, &die, depth + 1))
				return true;
			continue;
		}
		if (dwarf_haspc(&die, c->addr) <= 0)
			continue;
		if (inlined && c->nr < DEPTH_MAX)
			c->dies[c->nr++] = die;
		descend(c, &die, depth + 1);
		return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

/* Compilers give no linkage name to functions that are only ever inlined. */
static const struct symbol_frame *qualified(struct sym_names *n, const struct dwarf_unit *unit,
					    Dwarf_Die *function, const char *name)
{
	Dwarf_Die scopes[SCOPES_MAX];
	char buf[1024];
	const char *scope;
	size_t nr, at = 0;

	nr = dwarf_unit_namespaces(unit, function, scopes, SCOPES_MAX);
	while (nr-- && at < sizeof(buf)) {
		scope = dwarf_diename(&scopes[nr]);
		at += snprintf(buf + at, sizeof(buf) - at, "%s::",
			       scope ? scope : "(anonymous namespace)");
	}
	if (at < sizeof(buf))
		at += snprintf(buf + at, sizeof(buf) - at, "%s", name);
	return sym_names_function(n, buf, at < sizeof(buf) ? at : sizeof(buf) - 1);
}

static const struct symbol_frame *name_of(struct sym_names *n, const struct dwarf_unit *unit,
					  Dwarf_Die *die)
{
	static const unsigned int names[] = {
		DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name,
	};
	Dwarf_Attribute attr;
	const char *name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!dwarf_attr_integrate(die, names[i], &attr))
			continue;
		name = dwarf_formstring(&attr);
		if (name && name[0])
			return names[i] == DW_AT_name ? qualified(n, unit, die, name)
						      : sym_names_function(n, name,
									   strlen(name));
	}
	return NULL;
}

static uint32_t number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formudata(&attr, &value))
		return 0;
	return value > UINT32_MAX ? 0 : value;
}

static void load_lines(struct sym_dwarf *d, struct sym_names *n, struct dwarf_unit *unit,
		       Dwarf_Die *unit_die)
{
	if (unit->has_lines)
		return;
	if (d->lines > LINES_MAX) {
		dwarf_units_drop_lines(&d->units);
		d->lines = 0;
	}
	d->rows += dwarf_lines_init(&unit->lines, n, unit_die);
	d->lines += dwarf_lines_memory(&unit->lines);
	unit->has_lines = true;
}

size_t sym_dwarf_find(struct sym_dwarf *d, struct sym_names *n, uint64_t vaddr,
		      const struct symbol_frame *symbol, struct symbol_frame *frames,
		      size_t max)
{
	struct chain chain = { .budget = ENTRIES_MAX, .addr = vaddr };
	const struct symbol_frame *name;
	struct symbol_frame here = { 0 };
	Dwarf_Die unit_die, body, *die;
	struct dwarf_unit *unit;
	size_t nr = 0, i;

	if (!open_handle(d))
		return 0;
	unit = dwarf_units_find(&d->units, d->dwarf, vaddr, &unit_die);
	if (!unit)
		return 0;
	load_lines(d, n, unit, &unit_die);
	dwarf_lines_find(&unit->lines, vaddr, &here);
	dwarf_unit_body(&unit_die, &body);
	if (dwarf_unit_function(unit, &body, vaddr, d->main, &chain.dies[0])) {
		chain.nr = 1;
		descend(&chain, &chain.dies[0], 0);
	}
	for (i = chain.nr; i-- && nr < max; ) {
		die = &chain.dies[i];
		name = i || !symbol ? name_of(n, unit, die) : symbol;
		if (name) {
			frames[nr] = *name;
			frames[nr].file = here.file;
			frames[nr].line = here.line;
			frames[nr++].start_line = number_of(die, DW_AT_decl_line);
		}
		if (i) {
			here.file = dwarf_lines_file(&unit->lines,
						     number_of(die, DW_AT_call_file));
			here.line = number_of(die, DW_AT_call_line);
		}
	}
	if (!chain.nr && symbol && max) {
		frames[nr] = *symbol;
		frames[nr].file = here.file;
		frames[nr++].line = here.line;
	}
	return nr;
}
