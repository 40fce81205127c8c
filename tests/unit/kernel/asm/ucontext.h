/* SPDX-License-Identifier: GPL-2.0-only */
#include <signal.h>

struct ucontext {
	u64 flags, link, stack[3];
	u8 sigmask[128];
	struct {
		u64 fault_address, regs[31], sp, pc, pstate;
		u8 reserved[4096] __attribute__((aligned(16)));
	} uc_mcontext;
};
