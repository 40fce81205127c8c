// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that breaks the kernel in the way it is told to when it is loaded: tests/vm/selftest shows with it that no
 * such thing passes for success.
 */
#include <linux/module.h>
#include <linux/irqflags.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0);

static void hang(void)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init fault_init(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "as told\n");
	else if (!strcmp(what, "oops"))
		*(volatile int *)8 = 0;
	else if (!strcmp(what, "hang"))
		hang();
	else
		return -EINVAL;
	return 0;
}

static void __exit fault_exit(void)
{
}

module_init(fault_init);
module_exit(fault_exit);
MODULE_DESCRIPTION("breaks the kernel on purpose, for tests");
MODULE_LICENSE("GPL");
