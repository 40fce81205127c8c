/* SPDX-License-Identifier: GPL-2.0-only */
/* With the names that the kernel uses; a test compares with the C library's. */
struct rt_sigframe {
	char *pretcode;
	struct {
		u64 flags, link, stack[3];
		struct {
			u64 r8, r9, r10, r11, r12, r13, r14, r15;
			u64 di, si, bp, bx, dx, ax, cx, sp, ip;
		} uc_mcontext;
	} uc;
};
