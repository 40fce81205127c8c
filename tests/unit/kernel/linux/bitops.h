/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/types.h>

static inline u64 ror64(u64 word, unsigned int shift)
{
	return word >> (shift & 63) | word << (-shift & 63);
}
