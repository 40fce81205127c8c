/* SPDX-License-Identifier: GPL-2.0-only */
#include_next <linux/limits.h>

#define S64_MAX		INT64_MAX
