/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * tickprof: the only header that module and tool share.
 *
 * THE PROTOCOL, IN ORDER
 *
 *  1. open("/dev/tickprof", O_RDWR | O_CLOEXEC). The open file is the session:
 *     its timers, rings and targets live until the last descriptor and the
 *     last mapping of it are gone, however the program ends.
 *  2. Resolve the generic netlink family "tickprof" and send SESSION_CONFIGURE
 *     with A_FD naming that descriptor (it is looked up in the sender's own
 *     descriptor table). This fixes rate, flags and ring size and allocates
 *     the rings, once in a session's life.
 *  3. Send TARGET_ADD as often as needed, also while the session runs. A
 *     session without targets samples the whole host.
 *     With F_TABLES, write() unwind tables as files become known (tickprof_table.h),
 *     before START or after. With F_CONTEXT, send CONTEXT_SET for each process as
 *     it becomes known, likewise.
 *  4. mmap() each CPU's ring from the descriptor (see THE RING).
 *  5. Send START. Read the rings; poll() wakes when one holds more than the
 *     watermark, with F_TABLES also for each MMAP record. SESSION_GET tells all
 *     counters at any time.
 *  6. Send STOP, drain what is left, close. Closing without STOP is fine too.
 *
 * Every refusal carries an errno, a sentence (NLMSGERR_ATTR_MSG) and, where one
 * attribute is to blame, its offset (NLMSGERR_ATTR_OFFS).
 *
 * ABI RULES. TICKPROF_ABI_VERSION rises when a record, an attribute or the ring
 * changes its meaning; both sides refuse another version. Appending a record
 * type, a counter, a command, an attribute or a flag does not raise it: readers
 * skip record types they do not know by their size, and unknown flags and
 * attributes are refused by the module, which tells the tool what it lacks.
 * Fields named "reserved" are written as zero and ignored by readers.
 */
#ifndef _UAPI_LINUX_TICKPROF_H
#define _UAPI_LINUX_TICKPROF_H

#include <linux/types.h>

#include "tickprof_table.h"

#define TICKPROF_ABI_VERSION	2

#define TICKPROF_DEVICE		"/dev/tickprof"
#define TICKPROF_GENL_NAME	"tickprof"
#define TICKPROF_GENL_VERSION	1
#define TICKPROF_GENL_MCGRP	"events"

/* Bounds that SESSION_CONFIGURE and TARGET_ADD enforce. */
#define TICKPROF_RATE_MIN	1		/* Hz */
#define TICKPROF_RATE_MAX	20000
#define TICKPROF_DEPTH_MAX	512		/* frames, kernel and user each */
#define TICKPROF_RING_MIN	4096		/* bytes of data a CPU */
#define TICKPROF_RING_MAX	(64 << 20)
#define TICKPROF_THROTTLE_MAX	900		/* permille of a CPU */
#define TICKPROF_TARGETS_MAX	64		/* of each kind but tasks, which have no limit */
#define TICKPROF_COMM_LEN	16
#define TICKPROF_BUILD_ID_MAX	20
#define TICKPROF_WAIT_MIN_MAX	1000000000	/* ns */
#define TICKPROF_WAIT_TASKS_MAX	65536		/* threads */
#define TICKPROF_CONTEXTS_MAX	65536		/* processes */
#define TICKPROF_CONTEXT_ATTRS_MAX	612	/* bytes of attributes that are looked at */
#define TICKPROF_CONTEXT_KEPT_MAX	264	/* bytes of those that are wanted */
#define TICKPROF_CONTEXT_KEYS	32		/* bytes of a set of key indices */

/* What SESSION_CONFIGURE assumes for an attribute that is not given. */
#define TICKPROF_RATE_DEFAULT		99
#define TICKPROF_DEPTH_DEFAULT		127
#define TICKPROF_RING_DEFAULT		(256 << 10)
#define TICKPROF_THROTTLE_DEFAULT	250
#define TICKPROF_WAIT_MIN_DEFAULT	0
#define TICKPROF_WAIT_TASKS_DEFAULT	1024
#define TICKPROF_CONTEXTS_DEFAULT	1024

/*
 * THE RING
 *
 * One a CPU. The module writes, one reader reads; a full ring drops the new
 * record, never an old one. File offsets of CPU c's ring, P being the page size:
 *
 *	TICKPROF_MMAP_CPU(c) + 0	struct tickprof_ring_reader, one page,
 *					PROT_READ | PROT_WRITE
 *	TICKPROF_MMAP_CPU(c) + P	struct tickprof_ring_writer, one page, then
 *					"size" bytes of data; PROT_READ only,
 *					mapped as a whole
 *	TICKPROF_MMAP_CPU(c) + 2P	the data alone, PROT_READ
 *
 * Positions are bytes since START of the session's first run and never wrap;
 * position p lies at data[p & (size - 1)]. size is a power of two.
 *
 *	module					reader
 *	------					------
 *	tail = load_acquire(&reader->tail)  <A>	head = load_acquire(&writer->head)  <B>
 *	room = size - (head - tail)		read data[tail, head)
 *	write data				store_release(&reader->tail, ...)   <A>
 *	store_release(&writer->head, ...)   <B>
 *
 * <A>: the reader is done with bytes before the module writes over them.
 * <B>: the bytes are there before the reader sees the position.
 *
 * A record never wraps: where it would, PAD fills the end. A tail outside
 * [head - size, head] makes the ring count as full (COUNTER_BAD_TAIL).
 */
#define TICKPROF_MMAP_CPU(cpu)	((__u64)(cpu) << 32)

struct tickprof_ring_reader {
	__u64	tail;
};

struct tickprof_ring_writer {
	__u64	head;
	__u64	size;
	__u32	cpu;
	__u32	abi;
};

/*
 * RECORDS
 *
 * Host byte order, 8-aligned, "size" bytes long with the header, a multiple
 * of 8. Times are CLOCK_MONOTONIC nanoseconds. pid is the process, tid the
 * thread, both as the initial pid namespace counts them.
 */
enum tickprof_record_type {
	TICKPROF_RECORD_PAD = 1,	/* skip "size" bytes */
	TICKPROF_RECORD_SAMPLE,		/* struct tickprof_sample */
	TICKPROF_RECORD_STACK,		/* struct tickprof_stack */
	TICKPROF_RECORD_TASK,		/* struct tickprof_task */
	TICKPROF_RECORD_FORK,		/* struct tickprof_fork */
	TICKPROF_RECORD_EXEC,		/* struct tickprof_exec */
	TICKPROF_RECORD_MMAP,		/* struct tickprof_mmap */
	TICKPROF_RECORD_COMM,		/* struct tickprof_comm */
	TICKPROF_RECORD_EXIT,		/* struct tickprof_exit */
	TICKPROF_RECORD_LOST,		/* struct tickprof_lost */
	TICKPROF_RECORD_WAIT,		/* struct tickprof_wait */
	TICKPROF_RECORD_CONTEXT,	/* struct tickprof_thread_context */
	__TICKPROF_RECORD_MAX,
};

struct tickprof_record {
	__u16	type;			/* enum tickprof_record_type */
	__u16	flags;			/* meaning by type */
	__u32	size;			/* bytes, header included */
};

/*
 * SAMPLE: what ran when the timer fired.
 *
 *	sample { header, time, ip, task ──► TASK, kstack ──► STACK, ustack ──► STACK }
 *
 * task, kstack and ustack are distances: the record meant begins that many bytes
 * before this sample's own position, in the same ring. It was read before this
 * one, it is less than the ring's size away, and no record between can have
 * been lost, because a stack or task that found no room is not referred to.
 * 0 means none. The order of a whole stack, leaf first:
 *
 *	ip, frames of kstack, frames of ustack
 *
 * A sample in user mode has no kstack, and its ustack starts with ip's caller.
 * A sample in kernel mode: kstack starts with ip's caller; ustack starts with
 * the instruction after the system call, or the one interrupted.
 *
 * With SAMPLE_CONTEXT the thread was in a span, and the record is 8 bytes longer:
 * struct tickprof_sample_context.
 *
 * Times in a ring rise, but for a sample in user mode whose stack lay in a page that
 * was not resident: with F_TABLES, and where the kernel has FEATURE_LATER, the thread
 * itself finishes the stack before it goes on (STACK_LATER), and the sample is written
 * then, with the time and the context at which the timer fired, and all it refers to.
 */
struct tickprof_sample {
	struct tickprof_record	hdr;	/* flags: TICKPROF_SAMPLE_* */
	__u64	time;
	__u64	ip;			/* the interrupted instruction */
	__u32	task;
	__u32	kstack;
	__u32	ustack;
	__u32	missed;			/* ticks passed unserved since the sample before */
};

#define TICKPROF_SAMPLE_USER	(1 << 0)	/* interrupted in user mode */
#define TICKPROF_SAMPLE_IDLE	(1 << 1)	/* the idle task */
#define TICKPROF_SAMPLE_KTHREAD	(1 << 2)	/* kernel thread: no user stack exists */
#define TICKPROF_SAMPLE_EXITING	(1 << 3)	/* exiting task: its user stack is not read */
#define TICKPROF_SAMPLE_COMPAT	(1 << 4)	/* 32-bit task: the user program counter only */
#define TICKPROF_SAMPLE_NOSTACK	(1 << 5)	/* a stack or context was taken but found no room */
#define TICKPROF_SAMPLE_CONTEXT	(1 << 6)	/* struct tickprof_sample_context follows */

struct tickprof_sample_context {
	struct tickprof_sample	sample;
	__u32	context;		/* distance, as those of the sample, from its own position */
	__u32	reserved;
};

/*
 * WAIT (F_WAITS): a thread did not run, and now does again.
 *
 *	     │◄─── ran ───►│◄── blocked ──►│◄─ queued ─►│
 *	─────┼─────────────┼───────────────┼────────────┼──────► time
 *	  record        switched         woken       "time": runs
 *	  before          out          by waker       again
 *
 * Exact, from the scheduler's own events. task, kstack and ustack are distances
 * as in SAMPLE; kstack starts with the caller of the scheduler's innermost
 * function, ustack with the instruction after the system call, or the one that
 * was interrupted or that faulted. A preempted thread was runnable all along:
 * blocked is 0, and nobody woke it.
 *
 * context is a distance, too: the span that the thread was in when it left its CPU.
 * waker_context is that of the thread that woke it, unless from an interrupt.
 *
 * A wait shorter than A_WAIT_MIN, or whose record found no room, has no record;
 * the thread's next one carries the sum of them, so that over a thread's records
 *
 *	ran + blocked + queued + short_blocked + short_queued
 *
 * is the time from when the session first knew it (START, or its birth) to the
 * last record. The last record of a thread that ends, and of each when the
 * session stops, has WAIT_END or WAIT_OPEN. Where targets are named, those that had
 * no switch since START have that one record, without stacks.
 */
struct tickprof_wait {
	struct tickprof_record	hdr;	/* flags: TICKPROF_WAIT_*, SAMPLE_KTHREAD … SAMPLE_NOSTACK */
	__u64	time;
	__u64	blocked;		/* ns */
	__u64	queued;			/* ns runnable, waiting for a CPU */
	__u64	ran;			/* ns on a CPU since the thread's record before */
	__u64	short_blocked;		/* ns */
	__u64	short_queued;		/* ns */
	__u32	short_nr;
	__u32	state;			/* enum tickprof_wait_state */
	__u32	task;
	__u32	kstack;
	__u32	ustack;
	__u32	waker_pid;		/* 0: nobody, or the kernel's idle task in an interrupt */
	__u32	waker_tid;
	__u32	context;		/* F_CONTEXT; 0: in no span */
	char	waker_comm[TICKPROF_COMM_LEN];
	__u32	waker_context;
	__u32	reserved;
};

#define TICKPROF_WAIT_IO	(1 << 8)	/* the kernel counts it as a wait for I/O */
#define TICKPROF_WAIT_FAULT	(1 << 9)	/* in no system call: the program's page fault */
#define TICKPROF_WAIT_IRQ	(1 << 10)	/* woken from an interrupt: the waker is who it hit */
#define TICKPROF_WAIT_OPEN	(1 << 11)	/* it had not ended when the session stopped */
#define TICKPROF_WAIT_END	(1 << 12)	/* no wait, but the thread's end: ran and the sums only */

enum tickprof_wait_state {
	TICKPROF_WAIT_RUNNING,		/* WAIT_END and WAIT_OPEN: it did not wait */
	TICKPROF_WAIT_PREEMPTED,	/* lost its CPU to another, or yielded it */
	TICKPROF_WAIT_SLEEPING,		/* interruptible */
	TICKPROF_WAIT_DISK,		/* uninterruptible: disk, page, lock of the kernel's */
	TICKPROF_WAIT_LOCK,		/* PREEMPT_RT: a spinlock of the kernel's */
	TICKPROF_WAIT_IDLE,		/* a kernel thread with nothing to do */
	TICKPROF_WAIT_STOPPED,		/* by a signal */
	TICKPROF_WAIT_TRACED,		/* by a debugger */
	TICKPROF_WAIT_PARKED,		/* a kernel thread put aside */
	TICKPROF_WAIT_NEW,		/* has never run before */
	TICKPROF_WAIT_BEFORE,		/* it began before START, which is where it is counted from */
};

/*
 * STACK: return addresses, caller after callee. Written when the ring does not
 * hold the same one any more, so that equal stacks of a ring's length are
 * written once.
 */
struct tickprof_stack {
	struct tickprof_record	hdr;	/* flags: TICKPROF_STACK_* */
	__u32	nr;
	__u32	reserved;
	__u64	ip[];			/* nr of them */
};

#define TICKPROF_STACK_KERNEL	(1 << 0)	/* else user */
#define TICKPROF_STACK_DEPTH	(1 << 1)	/* cut at the session's depth */
#define TICKPROF_STACK_FAULT	(1 << 2)	/* cut at a page that is not resident */
#define TICKPROF_STACK_BROKEN	(1 << 3)	/* cut where the chain made no sense */
#define TICKPROF_STACK_FALLBACK	(1 << 4)	/* F_TABLES: some frame was found by frame pointer */
#define TICKPROF_STACK_LATER	(1 << 5)	/* F_TABLES: finished once a page had been read, see SAMPLE */

/*
 * In a session with F_TABLES the highest bits of each address in a user stack
 * say how it was found. HOW_CFI and HOW_FP are return addresses: the call stands
 * before them. The others are the very instructions that were interrupted.
 */
#define TICKPROF_FRAME_SHIFT	60
#define TICKPROF_FRAME_ADDRESS	((1ULL << TICKPROF_FRAME_SHIFT) - 1)

enum tickprof_how {
	TICKPROF_HOW_CFI,		/* unwind table */
	TICKPROF_HOW_FP,		/* frame pointer, for want of one */
	TICKPROF_HOW_SIGNAL,		/* registers that a signal frame holds */
	TICKPROF_HOW_REGS,		/* registers, on entry to the kernel */
};

/*
 * CONTEXT (F_CONTEXT): the span that a thread was in, as it has published it
 * itself (OTEP 4947, otel_thread_ctx_v1); written like STACK. At the end come
 * attributes {key index, length, value[length]} of allowed keys, as they stood in
 * the thread's record: of a key the last counts. An entry that ends beyond them
 * ends the list, and so does the padding, whose bytes are counted in flags.
 */
struct tickprof_thread_context {
	struct tickprof_record	hdr;	/* flags: TICKPROF_CONTEXT_* */
	__u8	trace_id[16];		/* as in a traceparent header */
	__u8	span_id[8];
	__u8	attrs[];
};

#define TICKPROF_CONTEXT_TRACE_FLAGS	0xff		/* those that W3C Trace Context defines */
#define TICKPROF_CONTEXT_PADDING(flags)	((flags) >> 8 & 7)	/* bytes, at the end */
#define TICKPROF_CONTEXT_CUT		(1 << 11)	/* attributes are missing: beyond one of the bounds */

/*
 * TASK: who a sample belongs to; written like STACK.
 *
 * A program image is named by (pid, start_time, exec_id) in all records:
 * start_time is the process's, in CLOCK_BOOTTIME ns (/proc/PID/stat has it in
 * units of 10 ms); exec_id changes with every exec and is inherited by fork.
 */
struct tickprof_task {
	struct tickprof_record	hdr;	/* flags: TICKPROF_TASK_* */
	__u32	pid;
	__u32	tid;
	__u32	ns_pid;			/* pid and tid in the task's own namespace */
	__u32	ns_tid;
	__u64	start_time;
	__u64	exec_id;
	__u64	cgroup;			/* cgroup v2 id: its directory's inode */
	__u32	uid;			/* real uid, initial user namespace */
	__u32	ppid;
	char	comm[TICKPROF_COMM_LEN];	/* the thread's */
	char	process[TICKPROF_COMM_LEN];	/* the thread group leader's */
};

#define TICKPROF_TASK_KTHREAD	(1 << 0)

/* FORK: a new process, or a new thread (pid == parent_pid). */
struct tickprof_fork {
	struct tickprof_record	hdr;
	__u64	time;
	__u32	parent_pid;
	__u32	parent_tid;
	__u32	pid;
	__u32	tid;
	__u64	parent_start_time;
	__u64	start_time;		/* of the new task's process */
	__u64	exec_id;		/* the parent's, which the child inherits */
};

/*
 * EXEC: the new image is in place. Its mappings were announced before by MMAP
 * records that carry the new exec_id.
 */
struct tickprof_exec {
	struct tickprof_record	hdr;
	__u64	time;
	__u32	pid;
	__u32	tid;
	__u64	start_time;
	__u64	exec_id;
	__u64	vdso;			/* address of the vDSO, 0 if there is none */
	char	comm[TICKPROF_COMM_LEN];
};

/* MMAP: an executable mapping was made. */
struct tickprof_mmap {
	struct tickprof_record	hdr;	/* flags: TICKPROF_MMAP_* */
	__u64	time;
	__u32	pid;
	__u32	tid;
	__u64	start_time;
	__u64	exec_id;
	__u64	addr;
	__u64	len;
	__u64	offset;			/* in the file, bytes */
	__u64	inode;
	__u32	dev_major;
	__u32	dev_minor;
	__u8	build_id_size;		/* 0: not known */
	__u8	build_id[TICKPROF_BUILD_ID_MAX];
	__u8	reserved[3];
	char	path[];			/* NUL-terminated and padded; "" is anonymous */
};

#define TICKPROF_MMAP_PATH_CUT	(1 << 0)	/* the path was too long and lost its front */
#define TICKPROF_MMAP_DELETED	(1 << 1)	/* the file had no name any more */

struct tickprof_comm {
	struct tickprof_record	hdr;
	__u64	time;
	__u32	pid;
	__u32	tid;
	char	comm[TICKPROF_COMM_LEN];
};

struct tickprof_exit {
	struct tickprof_record	hdr;
	__u64	time;
	__u32	pid;
	__u32	tid;
};

/* LOST: records that found no room between the record before and this one. */
struct tickprof_lost {
	struct tickprof_record	hdr;
	__u64	time;
	__u64	samples;		/* SAMPLE and WAIT */
	__u64	events;			/* FORK, EXEC, MMAP, COMM, EXIT */
	__u64	stacks;			/* STACK and TASK */
};

/*
 * COUNTERS, each summed over CPUs since the session was configured. They are
 * the attribute types inside A_COUNTERS, all u64.
 */
enum tickprof_counter {
	TICKPROF_COUNTER_UNSPEC,
	TICKPROF_COUNTER_TICKS,		/* timer interrupts served */
	TICKPROF_COUNTER_SAMPLES,	/* samples written */
	TICKPROF_COUNTER_MISSED,	/* periods that passed before the timer was served */
	TICKPROF_COUNTER_FILTERED,	/* ticks that hit no target */
	TICKPROF_COUNTER_IDLE,		/* ticks that found the CPU idle */
	TICKPROF_COUNTER_THROTTLED,	/* ticks given up to hold the CPU-time bound */
	TICKPROF_COUNTER_LOST_SAMPLES,	/* samples that found the ring full */
	TICKPROF_COUNTER_LOST_EVENTS,	/* process events that found the ring full */
	TICKPROF_COUNTER_LOST_STACKS,	/* stacks and tasks that found the ring full */
	TICKPROF_COUNTER_BAD_TAIL,	/* records refused for a reader position out of range */
	TICKPROF_COUNTER_STACKS,	/* STACK records written */
	TICKPROF_COUNTER_STACK_HITS,	/* stacks that the ring held already */
	TICKPROF_COUNTER_TASKS,		/* TASK records written */
	TICKPROF_COUNTER_EVENTS,	/* process events written */
	TICKPROF_COUNTER_USER_DEPTH,	/* user stacks cut at the depth limit */
	TICKPROF_COUNTER_USER_FAULT,	/* user stacks cut at a page not resident */
	TICKPROF_COUNTER_USER_BROKEN,	/* user stacks cut where the chain made no sense */
	TICKPROF_COUNTER_USER_SKIPPED,	/* user stacks not read: exiting or 32-bit task */
	TICKPROF_COUNTER_KERNEL_DEPTH,	/* kernel stacks cut at the depth limit */
	TICKPROF_COUNTER_KERNEL_BROKEN,	/* kernel stacks that the unwinder gave up on */
	TICKPROF_COUNTER_NO_REGS,	/* ticks without interrupted registers */
	TICKPROF_COUNTER_CYCLES,	/* cycle-counter ticks spent in the sampler */
	TICKPROF_COUNTER_BYTES,		/* bytes written to the rings */
	TICKPROF_COUNTER_STOLEN,	/* of CYCLES: more than a tick can take by itself, not charged */
	TICKPROF_COUNTER_USER_STACKS,	/* user stacks walked */
	TICKPROF_COUNTER_USER_FALLBACK,	/* F_TABLES: of these, some frame was found by frame pointer */
	TICKPROF_COUNTER_USER_NO_MAPS,	/* F_TABLES: of these, mappings were not known yet */
	TICKPROF_COUNTER_RULE_MISSES,	/* F_TABLES: frames whose rule had to be searched */
	TICKPROF_COUNTER_WAITS,		/* waits written */
	TICKPROF_COUNTER_SHORT_WAITS,	/* waits below A_WAIT_MIN: in the sums of later ones */
	TICKPROF_COUNTER_LOST_WAITS,	/* waits that found the ring full: likewise; threads that ended during STOP */
	TICKPROF_COUNTER_UNKNOWN_WAITS,	/* switches of threads that found no place among A_WAIT_TASKS */
	TICKPROF_COUNTER_WAIT_CYCLES,	/* cycle-counter ticks spent on waits */
	/* F_CONTEXT: what became of each look at a thread's context, the next six together. */
	TICKPROF_COUNTER_CONTEXT_READ,	/* a span */
	TICKPROF_COUNTER_CONTEXT_NONE,	/* the thread was in no span */
	TICKPROF_COUNTER_CONTEXT_ABSENT,	/* its process publishes none */
	TICKPROF_COUNTER_CONTEXT_UNKNOWN,	/* nobody has told where its process keeps it, yet */
	TICKPROF_COUNTER_CONTEXT_INVALID,	/* the thread was changing it, or it cannot be one */
	TICKPROF_COUNTER_CONTEXT_FAULT,	/* not in memory, or not the program's */
	TICKPROF_COUNTER_CONTEXTS,	/* CONTEXT records written */
	TICKPROF_COUNTER_CONTEXT_HITS,	/* contexts that the ring held already */
	TICKPROF_COUNTER_CONTEXT_CUT,	/* contexts that lost attributes */
	TICKPROF_COUNTER_USER_LATER,	/* F_TABLES: user stacks finished once a page had been read */
	TICKPROF_COUNTER_USER_LATER_FULL,	/* of USER_FAULT: too many waited for a page already */
	TICKPROF_COUNTER_USER_LATER_THROTTLED,	/* of USER_FAULT: the CPU-time bound left no time for more */
	TICKPROF_COUNTER_LATER_CYCLES,	/* of CYCLES: those that tasks took to finish stacks */
	TICKPROF_COUNTER_LOST_LATER,	/* samples whose page had not been read when the session stopped */
	TICKPROF_COUNTER_USER_KNOWN,	/* F_TABLES: of USER_STACKS, recognised at a wait, not walked */
	TICKPROF_COUNTER_UNTOLD_WAITS,	/* named targets without any switch, beyond A_WAIT_TASKS */
	__TICKPROF_COUNTER_MAX,
};
#define TICKPROF_COUNTER_MAX (__TICKPROF_COUNTER_MAX - 1)

/* FLAGS of a session (A_FLAGS). */
#define TICKPROF_F_KSTACK		(1 << 0)	/* take kernel stacks */
#define TICKPROF_F_USTACK		(1 << 1)	/* take user stacks */
#define TICKPROF_F_EVENTS		(1 << 2)	/* write process events */
#define TICKPROF_F_INHERIT		(1 << 3)	/* task targets pass to children */
#define TICKPROF_F_IDLE			(1 << 4)	/* sample the idle task, never stop the timer */
#define TICKPROF_F_EXCLUDE_USER		(1 << 5)	/* no samples in user mode */
#define TICKPROF_F_EXCLUDE_KERNEL	(1 << 6)	/* no samples in kernel mode */
#define TICKPROF_F_EMPTY		(1 << 7)	/* re-arm only: the floor for benchmarks */
#define TICKPROF_F_TABLES		(1 << 8)	/* unwind user stacks by tables */
#define TICKPROF_F_WAITS		(1 << 9)	/* write a WAIT record for each wait */
#define TICKPROF_F_NO_TICKS		(1 << 10)	/* no timer, no samples */
#define TICKPROF_F_CONTEXT		(1 << 11)	/* read the span that a thread is in */
#define TICKPROF_F__ALL			((1 << 12) - 1)
#define TICKPROF_F_DEFAULT	(TICKPROF_F_KSTACK | TICKPROF_F_USTACK | \
				 TICKPROF_F_EVENTS | TICKPROF_F_INHERIT)

/* What this kernel offers (A_FEATURES); a missing bit has a line in "tickprof check". */
#define TICKPROF_FEATURE_KSTACK		(1 << 0)	/* kernel stacks from the interrupted registers */
#define TICKPROF_FEATURE_USTACK		(1 << 1)	/* user stacks by frame pointer */
#define TICKPROF_FEATURE_PROCESS	(1 << 2)	/* fork, exec, exit, comm events */
#define TICKPROF_FEATURE_MMAP		(1 << 3)	/* MMAP events; else read /proc at first sight */
#define TICKPROF_FEATURE_IDLE_STOP	(1 << 4)	/* the timer sleeps on idle CPUs */
#define TICKPROF_FEATURE_CGROUP		(1 << 5)	/* cgroup ids and cgroup targets */
#define TICKPROF_FEATURE_TABLES		(1 << 6)	/* user stacks by unwind table; needs MMAP */
#define TICKPROF_FEATURE_WAITS		(1 << 7)	/* WAIT records */
#define TICKPROF_FEATURE_CONTEXT	(1 << 8)	/* CONTEXT records */
#define TICKPROF_FEATURE_LATER		(1 << 9)	/* stacks finished once a page has been read */

/* State of a session (A_STATE). */
enum tickprof_state {
	TICKPROF_STATE_NEW,		/* opened, not configured */
	TICKPROF_STATE_STOPPED,
	TICKPROF_STATE_RUNNING,
};

/*
 * TARGETS. Kinds narrow each other, targets of one kind add up: pids 10 and 11
 * with uid 33 means tasks of uid 33 in process 10 or 11. PID, TID and EXEC are
 * one kind. CPU restricts the timers themselves, and no waits.
 */
enum tickprof_target_kind {
	TICKPROF_TARGET_UNSPEC,
	TICKPROF_TARGET_PID,		/* A_TARGET_ID: a process, as the sender's pid namespace counts */
	TICKPROF_TARGET_TID,		/* A_TARGET_ID: one thread */
	TICKPROF_TARGET_CGROUP,		/* A_TARGET_ID: cgroup v2 id, its descendants too */
	TICKPROF_TARGET_COMM,		/* A_TARGET_COMM: exactly this thread name */
	TICKPROF_TARGET_UID,		/* A_TARGET_ID: real uid in the sender's user namespace */
	TICKPROF_TARGET_CPU,		/* A_TARGET_ID: CPU number; before START only */
	TICKPROF_TARGET_EXEC,		/* A_TARGET_ID: becomes a PID target when it execs; one a session */
	__TICKPROF_TARGET_MAX,
};
#define TICKPROF_TARGET_MAX (__TICKPROF_TARGET_MAX - 1)

/*
 * WHERE A PROCESS KEEPS THE CONTEXT OF ITS THREADS (A_CONTEXT_KIND)
 *
 * The tool finds it out, once a program image; the module follows it in each
 * thread, from what the thread's pointer register says at that moment (tp:
 * x86_64 the base of fs, arm64 tpidr_el0):
 *
 *	STATIC:	variable = tp + offset
 *	DTV:	vector = *(tp + vector_at)
 *		module <= *(vector + count_at), else the thread has none yet
 *		block = *(vector + module * stride); 0 and -1: likewise
 *		variable = block + offset
 *
 *	context = *variable; 0: in no span
 *
 * A child of fork has what its parent had; exec forgets it, which is why the image
 * is named by start_time and exec_id, as TASK and EXEC records have them.
 */
enum tickprof_context_kind {
	TICKPROF_CONTEXT_ABSENT,	/* the process publishes none */
	TICKPROF_CONTEXT_STATIC,	/* A_CONTEXT_OFFSET */
	TICKPROF_CONTEXT_DTV,		/* A_CONTEXT_OFFSET … A_CONTEXT_STRIDE */
	__TICKPROF_CONTEXT_MAX,
};
#define TICKPROF_CONTEXT_MAX (__TICKPROF_CONTEXT_MAX - 1)

/* COMMANDS. All need CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace. */
enum tickprof_cmd {
	TICKPROF_CMD_UNSPEC,
	TICKPROF_CMD_INFO,		/* → A_ABI, A_RELEASE, A_FEATURES, A_SESSIONS, A_MEMORY, A_TABLES … */
	TICKPROF_CMD_SESSION_CONFIGURE,	/* A_FD [A_RATE A_FLAGS A_RING_SIZE A_WATERMARK A_DEPTH A_THROTTLE A_WAIT_MIN A_WAIT_TASKS A_CONTEXTS] */
	TICKPROF_CMD_TARGET_ADD,	/* A_FD A_TARGET_KIND and A_TARGET_ID or A_TARGET_COMM */
	TICKPROF_CMD_TARGET_DEL,	/* the same */
	TICKPROF_CMD_START,		/* A_FD */
	TICKPROF_CMD_STOP,		/* A_FD */
	TICKPROF_CMD_SESSION_GET,	/* A_FD, or as a dump of all → A_SESSION … A_COUNTERS */
	TICKPROF_CMD_NOTIFY,		/* multicast only: A_SESSION A_EVENT [A_COUNTERS] */
	TICKPROF_CMD_CONTEXT_SET,	/* A_FD A_CONTEXT_PID A_CONTEXT_START_TIME A_CONTEXT_EXEC_ID A_CONTEXT_KIND … [A_CONTEXT_KEYS] */
	__TICKPROF_CMD_MAX,
};
#define TICKPROF_CMD_MAX (__TICKPROF_CMD_MAX - 1)

enum tickprof_attr {
	TICKPROF_A_UNSPEC,
	TICKPROF_A_PAD,
	TICKPROF_A_ABI,			/* u32: TICKPROF_ABI_VERSION of the module */
	TICKPROF_A_RELEASE,		/* string: version of the module */
	TICKPROF_A_FEATURES,		/* u32: TICKPROF_FEATURE_* */
	TICKPROF_A_SESSIONS,		/* u32: open sessions */
	TICKPROF_A_MEMORY,		/* u64: bytes this session, or all sessions, hold */
	TICKPROF_A_FD,			/* u32: descriptor of /dev/tickprof in the sender */
	TICKPROF_A_SESSION,		/* u32: number of the session, for people */
	TICKPROF_A_STATE,		/* u32: enum tickprof_state */
	TICKPROF_A_OWNER_PID,		/* u32: who opened it */
	TICKPROF_A_OWNER_COMM,		/* string */
	TICKPROF_A_RATE,		/* u32: samples a second and CPU, 1 … 20000 */
	TICKPROF_A_FLAGS,		/* u32: TICKPROF_F_* */
	TICKPROF_A_RING_SIZE,		/* u32: bytes of data a CPU, a power of two ≥ a page */
	TICKPROF_A_WATERMARK,		/* u32: bytes that wake poll(); default half the ring */
	TICKPROF_A_DEPTH,		/* u32: frames a stack, 1 … 512 */
	TICKPROF_A_THROTTLE,		/* u32: permille of each CPU that the sampler may take; 0: no bound */
	TICKPROF_A_CPUS,		/* u32: rings, one a possible CPU */
	TICKPROF_A_TARGET_KIND,		/* u32: enum tickprof_target_kind */
	TICKPROF_A_TARGET_ID,		/* u64 */
	TICKPROF_A_TARGET_COMM,		/* string, at most 15 bytes */
	TICKPROF_A_TARGETS,		/* u32: targets the session has */
	TICKPROF_A_EVENT,		/* u32: enum tickprof_event */
	TICKPROF_A_COUNTERS,		/* nest of u64, types enum tickprof_counter */
	TICKPROF_A_TABLES,		/* u32: unwind tables in the module */
	TICKPROF_A_TABLE_MEMORY,	/* u64: bytes that these and the known mappings hold */
	TICKPROF_A_WAIT_MIN,		/* u32: ns that a wait must last to have a record, 0 … 1 s */
	TICKPROF_A_WAIT_TASKS,		/* u32: threads whose waits are known at once, 1 … 65536 */
	TICKPROF_A_CONTEXTS,		/* u32: processes whose context is read at once, 1 … 65536 */
	TICKPROF_A_CONTEXT_PID,		/* u32: a process, as the initial pid namespace counts */
	TICKPROF_A_CONTEXT_START_TIME,	/* u64: ns */
	TICKPROF_A_CONTEXT_EXEC_ID,	/* u64 */
	TICKPROF_A_CONTEXT_KIND,	/* u32: enum tickprof_context_kind */
	TICKPROF_A_CONTEXT_OFFSET,	/* s64: bytes, a multiple of 8 */
	TICKPROF_A_CONTEXT_MODULE,	/* u32: 1 and up */
	TICKPROF_A_CONTEXT_VECTOR_AT,	/* s32: bytes */
	TICKPROF_A_CONTEXT_COUNT_AT,	/* s32: bytes */
	TICKPROF_A_CONTEXT_STRIDE,	/* u32: bytes, 8 … 64 */
	TICKPROF_A_CONTEXT_KEYS,	/* binary, 32 bytes: key k is wanted if bit k % 8 of byte k / 8 is set */
	__TICKPROF_A_MAX,
};
#define TICKPROF_A_MAX (__TICKPROF_A_MAX - 1)

/* What the multicast group announces (A_EVENT). */
enum tickprof_event {
	TICKPROF_EVENT_UNSPEC,
	TICKPROF_EVENT_OPENED,
	TICKPROF_EVENT_STARTED,
	TICKPROF_EVENT_STOPPED,
	TICKPROF_EVENT_CLOSED,
	TICKPROF_EVENT_LOST,		/* records were lost; at most once a second and session */
	TICKPROF_EVENT_THROTTLED,	/* ticks were given up; at most once a second and session */
};

#endif
