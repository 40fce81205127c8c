/* SPDX-License-Identifier: GPL-2.0-only */
/* Five-level paging is off, as TASK_SIZE_MAX is on most machines. */
#undef PAGE_SIZE
#define PAGE_SIZE	4096UL
#if defined(CONFIG_X86_64)
#define TASK_SIZE_MAX	((1UL << 47) - PAGE_SIZE)
#else
#define TASK_SIZE_MAX	(1UL << 48)
#define vabits_actual	48
/* Sign-extended from bit 55, and what is not in the user half left alone. */
#define untagged_addr(address)	\
	((unsigned long)((long)(address) & ((long)((address) << 8) >> 8)))
#endif
