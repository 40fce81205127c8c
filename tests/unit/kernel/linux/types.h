/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This folder: as much of the kernel's headers as lets sources of the module be
 * compiled into tests, unchanged. A test that wants it is named in the makefile.
 */
#ifndef TICKPROF_TEST_KERNEL_TYPES_H
#define TICKPROF_TEST_KERNEL_TYPES_H

#include_next <linux/types.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s64 s64;

#endif
