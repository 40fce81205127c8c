// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index of units and functions: see dwarf_units.h. Walks are bounded by depth and
 * by number of entries, because the references between them are not trusted.
 */
#include <dwarf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "dwarf_units.h"

#define DEPTH_MAX	64
#define ENTRIES_MAX	(8u << 20)
#define UNITS_MAX	(1u << 20)

struct collector {
	const struct elf_file *main;
	struct range_in *in;
	size_t nr, cap;
	struct range_in *namespaces;
	size_t nr_namespaces, cap_namespaces;
	size_t budget;
	bool nested;		/* the language has functions inside functions */
};

static void add_ranges(struct collector *c, Dwarf_Die *die, uint32_t value)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while (c->budget && (at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		c->budget--;
		if (end <= start || !elf_file_executable(c->main, start))
			continue;
		GROW(c->in, c->cap, c->nr + 1);
		c->in[c->nr] = (struct range_in){ start, end, c->nr, value };
		c->nr++;
	}
}

void dwarf_units_init(struct dwarf_units *u, Dwarf *dwarf, const struct elf_file *main)
{
	struct collector c = { .main = main, .budget = ENTRIES_MAX };
	Dwarf_CU *cu = NULL;
	size_t cap = 0;
	Dwarf_Die die;
	uint8_t type;

	memset(u, 0, sizeof(*u));
	while (u->nr < UNITS_MAX && !dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL)) {
		if ((type != DW_UT_compile && type != DW_UT_skeleton) ||
		    dwarf_dieoffset(&die) > UINT32_MAX)
			continue;
		GROW(u->units, cap, u->nr + 1);
		u->units[u->nr] = (struct dwarf_unit){ .die = dwarf_dieoffset(&die) };
		add_ranges(&c, &die, u->nr++);
	}
	ranges_init(&u->ranges, c.in, c.nr);
	free(c.in);
}

void dwarf_units_drop_lines(struct dwarf_units *u)
{
	size_t i;

	for (i = 0; i < u->nr; i++) {
		dwarf_lines_deinit(&u->units[i].lines);
		u->units[i].has_lines = false;
	}
}

void dwarf_units_deinit(struct dwarf_units *u)
{
	size_t i;

	dwarf_units_drop_lines(u);
	for (i = 0; i < u->nr; i++) {
		ranges_deinit(&u->units[i].functions);
		ranges_deinit(&u->units[i].namespaces);
	}
	free(u->units);
	ranges_deinit(&u->ranges);
}

struct dwarf_unit *dwarf_units_find(const struct dwarf_units *u, Dwarf *dwarf, uint64_t addr,
				    Dwarf_Die *unit_die)
{
	const struct range *r = ranges_find(&u->ranges, addr);
	struct dwarf_unit *unit = r ? &u->units[r->value] : NULL;

	return unit && dwarf_offdie(dwarf, unit->die, unit_die) ? unit : NULL;
}

static const char *string_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) ? dwarf_formstring(&attr) : NULL;
}

/* libdw opens the named file, which waits forever if it is a FIFO. */
static bool split_is_regular(Dwarf_Die *unit_die)
{
	const char *name = string_of(unit_die, DW_AT_dwo_name);
	const char *dir = string_of(unit_die, DW_AT_comp_dir);
	char path[PATH_MAX];
	struct stat st;

	if (!name)
		name = string_of(unit_die, DW_AT_GNU_dwo_name);
	if (!name)
		return false;
	snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' || !dir ? "" : dir,
		 name[0] == '/' || !dir ? "" : "/", name);
	return !stat(path, &st) && S_ISREG(st.st_mode);
}

void dwarf_unit_body(Dwarf_Die *unit_die, Dwarf_Die *body)
{
	Dwarf_Die split;
	uint8_t type;

	*body = *unit_die;
	if (dwarf_cu_info(unit_die->cu, NULL, &type, NULL, NULL, NULL, NULL, NULL) ||
	    type != DW_UT_skeleton || !split_is_regular(unit_die))
		return;
	if (!dwarf_cu_info(unit_die->cu, NULL, NULL, NULL, &split, NULL, NULL, NULL) &&
	    split.addr)
		*body = split;
}

/*
 * Most languages describe functions inside others: C++ its lambdas and the methods
 * of local types. Looking there makes the walk longer, so those that do not are spared
 * it; GNU C's nested functions then get no inlined frames.
 */
static bool has_nested_functions(Dwarf_Die *unit_die)
{
	switch (dwarf_srclang(unit_die)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Go:
	case DW_LANG_Rust:
	case DW_LANG_Mips_Assembler:
		return false;
	default:
		return true;
	}
}

/* Entries follow their namespace up to where its next sibling, or its parent's, is. */
static size_t open_namespace(struct collector *c, Dwarf_Die *die)
{
	GROW(c->namespaces, c->cap_namespaces, c->nr_namespaces + 1);
	c->namespaces[c->nr_namespaces] = (struct range_in){
		.start = dwarf_dieoffset(die) + 1,
		.end = UINT32_MAX,
		.prio = c->nr_namespaces,
		.value = dwarf_dieoffset(die),
	};
	return c->nr_namespaces++;
}

static void walk(struct collector *c, Dwarf_Die *parent, int depth);

static void walk_namespace(struct collector *c, Dwarf_Die *die, int depth)
{
	size_t index = open_namespace(c, die);
	Dwarf_Die next;

	walk(c, die, depth);
	if (!dwarf_siblingof(die, &next))
		c->namespaces[index].end = dwarf_dieoffset(&next);
}

static void walk(struct collector *c, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		if (!c->budget || dwarf_dieoffset(&die) >= UINT32_MAX)
			return;
		c->budget--;
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			add_ranges(c, &die, dwarf_dieoffset(&die));
			if (c->nested)
				walk(c, &die, depth + 1);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
			walk_namespace(c, &die, depth + 1);
			break;
		case DW_TAG_lexical_block:
			if (!c->nested)
				break;
			/* fallthrough */
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			walk(c, &die, depth + 1);
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

static void index_functions(struct dwarf_unit *unit, Dwarf_Die *body,
			    const struct elf_file *main)
{
	struct collector c = { .main = main, .budget = ENTRIES_MAX };

	c.nested = has_nested_functions(body);
	walk(&c, body, 0);
	ranges_init(&unit->functions, c.in, c.nr);
	ranges_init(&unit->namespaces, c.namespaces, c.nr_namespaces);
	free(c.in);
	free(c.namespaces);
	unit->has_functions = true;
}

bool dwarf_unit_function(struct dwarf_unit *unit, Dwarf_Die *body, uint64_t addr,
			 const struct elf_file *main, Dwarf_Die *function)
{
	const struct range *r;

	if (!unit->has_functions)
		index_functions(unit, body, main);
	r = ranges_find(&unit->functions, addr);
	return r && dwarf_offdie(dwarf_cu_getdwarf(body->cu), r->value, function);
}

static bool follow(Dwarf_Die *die, unsigned int name, Dwarf_Die *out)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && dwarf_formref_die(&attr, out);
}

/* dwz moves declarations to units of their own: small, so libdw may search them. */
static size_t foreign_namespaces(Dwarf_Die *die, Dwarf_Die *namespaces, size_t max)
{
	Dwarf_Die *scopes = NULL;
	size_t nr = 0;
	int found, i;

	found = dwarf_getscopes_die(die, &scopes);
	for (i = 0; i < found && nr < max; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_namespace)
			namespaces[nr++] = scopes[i];
	free(scopes);
	return nr;
}

size_t dwarf_unit_namespaces(const struct dwarf_unit *unit, Dwarf_Die *function,
			     Dwarf_Die *namespaces, size_t max)
{
	Dwarf_Die die = *function, next;
	const struct range *r;
	size_t nr = 0;
	int hops;

	for (hops = 0; hops < 8; hops++) {
		if (!follow(&die, DW_AT_abstract_origin, &next) &&
		    !follow(&die, DW_AT_specification, &next))
			break;
		die = next;
	}
	if (die.cu != function->cu)
		return foreign_namespaces(&die, namespaces, max);
	while (nr < max && (r = ranges_find(&unit->namespaces, dwarf_dieoffset(&die)))) {
		if (!dwarf_offdie(dwarf_cu_getdwarf(die.cu), r->value, &die))
			break;
		namespaces[nr++] = die;
	}
	return nr;
}
