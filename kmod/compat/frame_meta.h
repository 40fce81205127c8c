/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame record that an exception leaves on an arm64 kernel stack. Before
 * Linux 6.13 it was one like others: the interrupted frame, and the interrupted
 * instruction in place of a return address. From then on (c2c6b27b5aa1) it is
 * two zeros and a word that tells that the interrupted registers are around it.
 */
#ifndef TICKPROF_COMPAT_FRAME_META_H
#define TICKPROF_COMPAT_FRAME_META_H

#include <linux/kernel.h>
#include <asm/ptrace.h>

#ifdef TICKPROF_HAVE_FRAME_META
#include <asm/stacktrace/frame.h>
#endif

/* Bytes that tickprof_frame_regs() may read. */
#ifdef TICKPROF_HAVE_FRAME_META
#define TICKPROF_FRAME_META_SIZE	sizeof(struct frame_record_meta)
#else
#define TICKPROF_FRAME_META_SIZE	(2 * sizeof(u64))
#endif

/* The registers around a record of two zeros at fp, or NULL: it is no exception's. */
static inline const struct pt_regs *tickprof_frame_regs(unsigned long fp)
{
#ifdef TICKPROF_HAVE_FRAME_META
	const struct frame_record_meta *meta = (const struct frame_record_meta *)fp;

	if (READ_ONCE_NOCHECK(meta->type) == FRAME_META_TYPE_PT_REGS)
		return container_of(meta, struct pt_regs, stackframe);
#endif
	return NULL;
}

#endif
