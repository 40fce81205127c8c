// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory all sessions together may hold: rings are asked for by size
 * and CPU, and a large machine has many CPUs; unwind tables and the mappings of
 * sampled processes by what runs there.
 *
 * Context: process; rings under the session lock.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netlink.h>

#include "memory.h"

static unsigned int memory_max_mib;
module_param(memory_max_mib, uint, 0644);
MODULE_PARM_DESC(memory_max_mib,
		 "MiB that all sessions together may hold; 0: a sixteenth of the machine's memory");

static unsigned int tables_max_mib;
module_param(tables_max_mib, uint, 0644);
MODULE_PARM_DESC(tables_max_mib,
		 "MiB that unwind tables may take; 0: a 64th of the machine's memory, at least 8");

#define TABLES_MIN	(8ULL << 20)

/* May tables, or what is known of mappings, take that many bytes? Any lock. */
bool tickprof_memory_tables_allow(u64 wanted)
{
	unsigned int mib = READ_ONCE(tables_max_mib);
	u64 share = (u64)totalram_pages() << PAGE_SHIFT >> 6;

	return wanted <= (mib ? (u64)mib << 20 : max(share, TABLES_MIN));
}

/* Bytes that sessions hold and one more wants. 0 or -ENOMEM. */
int tickprof_memory_charge(u64 held, u64 wanted, struct netlink_ext_ack *extack)
{
	unsigned int mib = READ_ONCE(memory_max_mib);
	u64 max = mib ? (u64)mib << 20 : (u64)totalram_pages() << PAGE_SHIFT >> 4;

	if (held + wanted <= max)
		return 0;
	NL_SET_ERR_MSG(extack,
		       "all rings together would exceed the module's memory_max_mib: ask for smaller ones");
	return -ENOMEM;
}
