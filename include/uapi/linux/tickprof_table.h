/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tickprof: unwind tables. How to get from an instruction of one ELF file to its
 * caller, compiled by the tool from the file's call frame information (CFI) and
 * uploaded with write() to a descriptor of /dev/tickprof, one whole table a
 * write. The module copies, then checks (see VALIDITY), and keeps one table a
 * file for all sessions and processes that map it.
 *
 * LAYOUT
 *
 * Host byte order. The parts follow each other without a gap, in this order; the
 * whole is padded with zeros to a multiple of 8.
 *
 *	struct tickprof_table	header
 *	struct tickprof_rule	rule[rules]	what is done, each different
 *	__u32			group[blocks / 256 + 1]
 *	__u16			block[blocks + 1]
 *	__u16			row_rule[rows]	which rule
 *	__u8			row_low[rows]	from which instruction on
 *
 * LOOKUP
 *
 * Places are offsets in the file, not addresses: the module knows of a mapping
 * where it begins and which offset stands there. The code from "start" on is cut
 * into blocks of 256 units, a unit being 1 << shift bytes. A row holds from its
 * own unit to that of the next row, across blocks:
 *
 *	unit = (offset - start) >> shift
 *	b = unit >> 8			must be below blocks
 *	first(b) = group[b >> 8] + block[b]
 *	row = the last of first(b) … first(b + 1) - 1 whose row_low <= (unit & 255),
 *	      or first(b) - 1 if there is none
 *	rule[row_rule[row]]
 *
 *	   group[] ──┐  256 blocks each
 *	   block[] ──┴─► first row of the block
 *	                  row_low[]   0x00 0x04 0x13 0x5f │ 0x02 0x11 …
 *	                  row_rule[]     3    0    7    1 │    0    2 …
 *
 * VALIDITY: what the module checks before it uses a table. Sizes add up to
 * "bytes" exactly. first() begins with 0, never falls, and first(blocks) is
 * rows. Row 0 stands at unit 0. row_low rises strictly within a block. Every
 * row_rule is below rules, every rule is one of those below, and the machine is
 * the module's own. What a table says of the program is not checked and cannot
 * be: a wrong one gives wrong frames, and a walk that is bounded all the same.
 */
#ifndef _UAPI_LINUX_TICKPROF_TABLE_H
#define _UAPI_LINUX_TICKPROF_TABLE_H

#include <linux/types.h>

#define TICKPROF_TABLE_MAGIC	0x54555054	/* "TPUT", little endian */
#define TICKPROF_TABLE_VERSION	3

#define TICKPROF_TABLE_BLOCK_SHIFT	8	/* units a block */
#define TICKPROF_TABLE_GROUP_SHIFT	8	/* blocks a group */

/* Bounds that the module enforces. */
#define TICKPROF_TABLE_BYTES_MAX	(64 << 20)
#define TICKPROF_TABLE_RULES_MAX	65536

/*
 * The file that a table is for: of this size, and of this build id where both the
 * table and the module know one, else of this device and inode, as the MMAP record
 * or a snapshot had them. The module does not know the build id of a file whose
 * first page is not in memory, so it is well to give device and inode, too.
 *
 * Copies of a file on several file systems thus share one table, and a stripped
 * one has its own. Size counts because build ids repeat: some builds set them by
 * hand. LIMIT: whoever makes a file with the build id and the size of another one,
 * and has it profiled first, gives its frames to the other. They are wrong frames
 * and nothing worse, and most such walks break off: COUNTER_USER_BROKEN. The
 * tool, which reads both, names the file among those without a table.
 *
 * A second table for a file that has one is not looked at; its uploader becomes a
 * user of the first.
 */
struct tickprof_file_key {
	__u64	inode;
	__u64	size;			/* of the file, bytes */
	__u32	dev_major;
	__u32	dev_minor;
	__u8	build_id_size;		/* 0: none */
	__u8	build_id[20];
	__u8	reserved[3];
};

struct tickprof_table {
	__u32	magic;			/* TICKPROF_TABLE_MAGIC */
	__u16	version;		/* TICKPROF_TABLE_VERSION */
	__u16	machine;		/* EM_X86_64 or EM_AARCH64 */
	__u32	bytes;			/* of the whole table, header and padding included */
	__u32	flags;			/* TICKPROF_TABLE_* */
	struct tickprof_file_key file;
	__u64	start;			/* file offset of block 0, a multiple of the unit */
	__u32	shift;			/* a unit is 1 << shift bytes: x86_64 0, arm64 2 */
	__u32	rules;
	__u32	blocks;
	__u32	rows;
};

#define TICKPROF_TABLE_VDSO	(1 << 0)	/* of the vDSO of every process; "file" is zero */

/*
 * RULES
 *
 * The frame of an instruction is told by its CFA, the canonical frame address:
 * the stack pointer as it was before the call. It becomes the caller's stack
 * pointer. Distances count in 8 bytes.
 *
 *	cfa		CFA			return address	caller's frame pointer
 *	---		---			--------------	----------------------
 *	NONE		FP + 16			at CFA - 8	at CFA - 16
 *	SP		SP + offset		by ra		by fp
 *	FP		FP + offset		by ra		by fp
 *	SP_DEREF	*(SP + offset) + ra	at CFA - 8	by fp
 *	FP_DEREF	*(FP + offset) + ra	at CFA - 8	by fp
 *	REGISTER	register ra + offset	at CFA - 8	by fp
 *	PLT		SP + 8, and 8 more from the offset-th byte of its 16 on
 *						at CFA - 8	unchanged
 *	SIGNAL		all registers come from the signal frame at SP
 *	ROOT		there is no caller
 *	UNKNOWN		CFI that no rule can say: the walk ends, flagged
 *
 * On arm64 NONE reads the frame record {FP, LR} at FP. offset is unsigned for SP
 * and PLT, signed for all others. A return address can be in a register, too: in
 * LR on arm64, and wherever vfork() keeps it. REGISTER and that can be followed
 * only where registers are known: in the interrupted function, or after a signal
 * frame, not for its callers. Registers have the numbers of DWARF.
 */
enum tickprof_cfa {
	TICKPROF_CFA_NONE,		/* code without CFI: frame pointers, for what they are worth */
	TICKPROF_CFA_SP,
	TICKPROF_CFA_FP,
	TICKPROF_CFA_SP_DEREF,
	TICKPROF_CFA_FP_DEREF,
	TICKPROF_CFA_REGISTER,
	TICKPROF_CFA_PLT,
	TICKPROF_CFA_SIGNAL,
	TICKPROF_CFA_ROOT,
	TICKPROF_CFA_UNKNOWN,
	__TICKPROF_CFA_MAX,
};

/* The caller's frame pointer: low bits of "saved". */
#define TICKPROF_SAVED_FP	3
#define TICKPROF_FP_SAME	0	/* this function has not touched it */
#define TICKPROF_FP_AT_CFA	1	/* at CFA + fp */
#define TICKPROF_FP_AT_FP	2	/* at FP + fp: realigned stacks */

/* The return address of SP and FP: one bit of "saved". */
#define TICKPROF_RA_REGISTER	4	/* in register ra; else at CFA + ra */

struct tickprof_rule {
	__u8	cfa;			/* enum tickprof_cfa */
	__u8	saved;			/* TICKPROF_FP_* and TICKPROF_RA_REGISTER */
	__u16	offset;			/* read as __s16 but for SP and PLT */
	__s16	ra;
	__s16	fp;
};

#endif
