// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload. Unloading happens only when no descriptor and no mapping of
 * the device is left, so no session exists, no probe is attached and no timer
 * armed; what remains goes in reverse order of its coming.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "chardev.h"
#include "later.h"
#include "mapping.h"
#include "netlink.h"
#include "probe.h"
#include "session.h"
#include "space.h"

static int __init tickprof_init(void)
{
	int err;

	tickprof_space_init();
	err = tickprof_mapping_init();
	if (err)
		return err;
	/* Tries the hooks out: other tasks run into them from here on. */
	tickprof_features = tickprof_probe_init() | TICKPROF_FEATURE_KSTACK |
			    TICKPROF_FEATURE_USTACK | TICKPROF_FEATURE_CONTEXT |
			    (IS_ENABLED(CONFIG_CGROUPS) ? TICKPROF_FEATURE_CGROUP : 0);
	/* Without the hook nobody would tell that other code stands at an address now. */
	if (tickprof_features & TICKPROF_FEATURE_MMAP)
		tickprof_features |= TICKPROF_FEATURE_TABLES;
	/* Its time is known only where the scheduler tells when a task has a CPU: sched_switch. */
	if (tickprof_features & TICKPROF_FEATURE_TABLES && tickprof_features & TICKPROF_FEATURE_IDLE_STOP)
		tickprof_features |= TICKPROF_FEATURE_LATER;
	err = tickprof_session_init();
	if (err)
		goto mapping;
	err = tickprof_netlink_init();
	if (err)
		goto session;
	err = tickprof_chardev_init();
	if (err)
		goto netlink;
	return 0;
netlink:
	tickprof_netlink_exit();
session:
	tickprof_session_exit();
mapping:
	tickprof_probe_exit();
	tickprof_mapping_exit();
	return err;
}

static void __exit tickprof_exit(void)
{
	tickprof_chardev_exit();
	tickprof_netlink_exit();
	tickprof_session_exit();
	tickprof_mapping_exit();
	tickprof_later_exit();
	tickprof_space_exit();
	/* Target lists that kfree_rcu() has in flight need no code of ours. */
}

module_init(tickprof_init);
module_exit(tickprof_exit);
MODULE_DESCRIPTION("Stack sampling profiler driven by the timer interrupt");
MODULE_AUTHOR("The tickprof authors");
MODULE_LICENSE("GPL v2");
MODULE_VERSION(TICKPROF_VERSION);
