/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which compilation unit, and in it which function, an address lies in. Units are
 * indexed when the file is first asked, functions a unit at a time. .debug_aranges
 * is not needed. Entries are named by their offsets, so the index outlives the
 * libdw handle it was made from: 16 bytes a range, 80 a unit.
 */
#ifndef TICKPROF_DWARF_UNITS_H
#define TICKPROF_DWARF_UNITS_H

#include <elfutils/libdw.h>

#include "base/ranges.h"
#include "dwarf_lines.h"
#include "elf_file.h"

struct dwarf_unit {
	uint32_t die;			/* offset of the unit's entry */
	bool has_functions, has_lines;	/* the two below are filled in */
	struct ranges functions;	/* value: offset of the function's entry */
	struct ranges namespaces;	/* of entries' offsets; value: that of the innermost */
	struct dwarf_lines lines;
};

struct dwarf_units {
	struct ranges ranges;		/* value: index of the unit */
	struct dwarf_unit *units;
	size_t nr;
};

/* main's segments say which addresses are real, and not of discarded code. */
void dwarf_units_init(struct dwarf_units *u, Dwarf *dwarf, const struct elf_file *main);
void dwarf_units_deinit(struct dwarf_units *u);
/* Forget all lines; they are read again when asked for. */
void dwarf_units_drop_lines(struct dwarf_units *u);
/* The unit of an address and its entry; NULL: none. */
struct dwarf_unit *dwarf_units_find(const struct dwarf_units *u, Dwarf *dwarf, uint64_t addr,
				    Dwarf_Die *unit_die);
/*
 * Where the unit's functions are described: unit_die itself, or the split unit
 * (.dwo) it stands for.
 */
void dwarf_unit_body(Dwarf_Die *unit_die, Dwarf_Die *body);
/* The function of an address in the unit. */
bool dwarf_unit_function(struct dwarf_unit *unit, Dwarf_Die *body, uint64_t addr,
			 const struct elf_file *main, Dwarf_Die *function);
/*
 * The namespaces around the declaration of a function, innermost first; their
 * number. After dwarf_unit_function().
 */
size_t dwarf_unit_namespaces(const struct dwarf_unit *unit, Dwarf_Die *function,
			     Dwarf_Die *namespaces, size_t max);

#endif
