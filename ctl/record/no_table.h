/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_NO_TABLE_H
#define TICKPROF_NO_TABLE_H

#include "unwind_table/unwind_table.h"

/*
 * Why a file has no unwind table that is worth the name, for people, on the heap;
 * NULL: it has one. error: 0 or -errno of compiling or uploading it.
 */
char *no_table_reason(const struct unwind_table *table, int error);

#endif
