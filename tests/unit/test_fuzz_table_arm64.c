// SPDX-License-Identifier: GPL-2.0-only
/* test_fuzz_table.c once more, with the tables and registers of arm64. */
#define CONFIG_ARM64
#include "test_fuzz_table.c"
