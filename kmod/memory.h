/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_MEMORY_H
#define TICKPROF_KMOD_MEMORY_H

#include <linux/types.h>

struct netlink_ext_ack;

int tickprof_memory_charge(u64 held, u64 wanted, struct netlink_ext_ack *extack);
bool tickprof_memory_tables_allow(u64 wanted);

#endif
