// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a stack end where stacks begin? C libraries are built without frame
 * pointers, so a chain that led all the way to main or to a thread's start ends
 * there in whatever the register held, and the walk can only call it broken.
 * The function's name tells that nothing is missing.
 */
#include <string.h>

#include "base/util.h"
#include "profile_build.h"

/* The outermost functions of processes and threads: glibc, musl, Go. */
static const char *const roots[] = {
	"main", "_start", "__libc_start_main", "__libc_start_main_impl",
	"__libc_start_call_main", "start_thread", "clone", "clone3", "__clone", "__clone3",
	"__clone_internal", "runtime.goexit", "runtime.goexit.abi0",
};

static bool is_root(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roots); i++)
		if (!strcmp(name, roots[i]))
			return true;
	return false;
}

static const char *outermost_name(const struct profile *p, uint32_t location)
{
	const struct profile_location *l = profile_location(p, location);

	if (!l->nr_lines)
		return "";
	return profile_function(p, p->lines[l->first_line + l->nr_lines - 1].function)->name;
}

/*
 * locations: leaf first. The caller of main is libc's, and nameless where libc
 * has no symbol table; hence main counts one place further in as well.
 */
bool profile_root_reached(const struct profile *p, const uint32_t *locations, uint32_t nr)
{
	if (!nr)
		return false;
	return is_root(outermost_name(p, locations[nr - 1])) ||
	       (nr > 1 && !strcmp(outermost_name(p, locations[nr - 2]), "main"));
}
