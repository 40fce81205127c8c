// SPDX-License-Identifier: GPL-2.0-only
/* test_walk.c once more, for arm64; the steps are pure computation, any machine can run them. */
#define CONFIG_ARM64
#include "test_walk.c"
