// SPDX-License-Identifier: GPL-2.0-only
/* Which tables are none, in words: see no_table.h. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "no_table.h"

/*
 * A file with less of its code described, in percent, counts as one without a
 * table. Little, because what is left of the last block counts as code here.
 */
enum { DESCRIBED_LEAST = 2 };

char *no_table_reason(const struct unwind_table *table, int error)
{
	unsigned int percent;

	switch (error) {
	case 0:
		percent = unwind_table_described(table);
		return percent >= DESCRIBED_LEAST ? NULL : !percent ?
		       xstrdup("no call frame information") :
		       xasprintf("call frame information for %u %% of its code only", percent);
	case -ENOEXEC:
		return xstrdup("not an ELF file");
	case -ENOTSUP:
		return xstrdup("not for this machine, or of 32 bits");
	case -EEXIST:
		return xstrdup("another file of its build id and size has another table, used for both");
	case -ENOSPC:
		return xstrdup("no room: raise the module's parameter tables_max_mib");
	}
	return xstrdup(strerror(-error));
}
