/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/types.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define __user
#undef __always_inline
#define __always_inline	inline __attribute__((always_inline))
