/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_PROBE_H
#define TICKPROF_KMOD_PROBE_H

#include <linux/types.h>

u32 tickprof_probe_init(void);
void tickprof_probe_exit(void);
int tickprof_probe_get(bool waits);
void tickprof_probe_put(bool waits);

#endif
