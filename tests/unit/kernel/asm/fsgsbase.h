/* SPDX-License-Identifier: GPL-2.0-only */
static inline unsigned long x86_fsbase_read_cpu(void)
{
	return 0;
}
