/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_RECORD_H
#define TICKPROF_KMOD_RECORD_H

#include <linux/types.h>

/*
 * Are two records equal, header and all? Each is 8-aligned and as long as its header
 * says, which is its first word: where that differs no other is looked at, since one
 * may be shorter than the other and stand at the very end of a ring.
 */
static inline bool tickprof_record_same(const u64 *a, const u64 *b, u32 size)
{
	const u64 *end = a + size / sizeof(u64);

	if (*a != *b)
		return false;
	for (; end - a >= 4; a += 4, b += 4)
		if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))
			return false;
	for (; a < end; a++, b++)
		if (*a != *b)
			return false;
	return true;
}

#endif
