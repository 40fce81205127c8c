/* SPDX-License-Identifier: GPL-2.0-only */
#define GENMASK_ULL(high, low)	((~0ULL << (low)) & (~0ULL >> (63 - (high))))
