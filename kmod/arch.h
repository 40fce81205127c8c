/* SPDX-License-Identifier: GPL-2.0-only */
/* One sibling file an architecture; each defines every tickprof_arch_*() below. */
#ifndef TICKPROF_KMOD_ARCH_H
#define TICKPROF_KMOD_ARCH_H

#if defined(CONFIG_X86_64)
#include "arch_x86.h"
#elif defined(CONFIG_ARM64)
#include "arch_arm64.h"
#else
#error "tickprof does not know this architecture yet: add kmod/arch_<name>.h"
#endif

#endif
