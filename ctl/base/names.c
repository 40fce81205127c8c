// SPDX-License-Identifier: GPL-2.0-only
/* The protocol's numbers as text: see names.h. */
#include <linux/tickprof.h>

#include "names.h"
#include "util.h"

static const char *const attrs[] = {
	[TICKPROF_A_PAD] = "pad",
	[TICKPROF_A_ABI] = "abi",
	[TICKPROF_A_RELEASE] = "release",
	[TICKPROF_A_FEATURES] = "features",
	[TICKPROF_A_SESSIONS] = "sessions",
	[TICKPROF_A_MEMORY] = "memory",
	[TICKPROF_A_FD] = "fd",
	[TICKPROF_A_SESSION] = "session",
	[TICKPROF_A_STATE] = "state",
	[TICKPROF_A_OWNER_PID] = "owner-pid",
	[TICKPROF_A_OWNER_COMM] = "owner-comm",
	[TICKPROF_A_RATE] = "rate",
	[TICKPROF_A_FLAGS] = "flags",
	[TICKPROF_A_RING_SIZE] = "ring-size",
	[TICKPROF_A_WATERMARK] = "watermark",
	[TICKPROF_A_DEPTH] = "depth",
	[TICKPROF_A_THROTTLE] = "throttle",
	[TICKPROF_A_CPUS] = "cpus",
	[TICKPROF_A_TARGET_KIND] = "target-kind",
	[TICKPROF_A_TARGET_ID] = "target-id",
	[TICKPROF_A_TARGET_COMM] = "target-comm",
	[TICKPROF_A_TARGETS] = "targets",
	[TICKPROF_A_EVENT] = "event",
	[TICKPROF_A_COUNTERS] = "counters",
	[TICKPROF_A_TABLES] = "tables",
	[TICKPROF_A_TABLE_MEMORY] = "table-memory",
	[TICKPROF_A_WAIT_MIN] = "wait-min",
	[TICKPROF_A_WAIT_TASKS] = "wait-tasks",
	[TICKPROF_A_CONTEXTS] = "contexts",
	[TICKPROF_A_CONTEXT_PID] = "context-pid",
	[TICKPROF_A_CONTEXT_START_TIME] = "context-start-time",
	[TICKPROF_A_CONTEXT_EXEC_ID] = "context-exec-id",
	[TICKPROF_A_CONTEXT_KIND] = "context-kind",
	[TICKPROF_A_CONTEXT_OFFSET] = "context-offset",
	[TICKPROF_A_CONTEXT_MODULE] = "context-module",
	[TICKPROF_A_CONTEXT_VECTOR_AT] = "context-vector-at",
	[TICKPROF_A_CONTEXT_COUNT_AT] = "context-count-at",
	[TICKPROF_A_CONTEXT_STRIDE] = "context-stride",
	[TICKPROF_A_CONTEXT_KEYS] = "context-keys",
};

static const char *const states[] = {
	[TICKPROF_STATE_NEW] = "new",
	[TICKPROF_STATE_STOPPED] = "stopped",
	[TICKPROF_STATE_RUNNING] = "running",
};

static const struct name counters[] = {
	[TICKPROF_COUNTER_TICKS] = { "ticks", "timer interrupts served" },
	[TICKPROF_COUNTER_SAMPLES] = { "samples", "samples written" },
	[TICKPROF_COUNTER_MISSED] = { "missed", "periods that passed before the timer was served" },
	[TICKPROF_COUNTER_FILTERED] = { "filtered", "ticks that hit no target" },
	[TICKPROF_COUNTER_IDLE] = { "idle", "ticks that found the CPU idle" },
	[TICKPROF_COUNTER_THROTTLED] = { "throttled", "ticks given up to hold the CPU-time bound" },
	[TICKPROF_COUNTER_LOST_SAMPLES] = { "lost-samples", "samples that found the ring full" },
	[TICKPROF_COUNTER_LOST_EVENTS] = { "lost-events", "process events that found the ring full" },
	[TICKPROF_COUNTER_LOST_STACKS] = { "lost-stacks", "stacks and tasks that found the ring full" },
	[TICKPROF_COUNTER_BAD_TAIL] = { "bad-tail", "records refused for a reader position out of range" },
	[TICKPROF_COUNTER_STACKS] = { "stacks", "stacks written" },
	[TICKPROF_COUNTER_STACK_HITS] = { "stack-hits", "stacks that the ring held already" },
	[TICKPROF_COUNTER_TASKS] = { "tasks", "task descriptions written" },
	[TICKPROF_COUNTER_EVENTS] = { "events", "process events written" },
	[TICKPROF_COUNTER_USER_DEPTH] = { "user-depth", "user stacks cut at the depth limit" },
	[TICKPROF_COUNTER_USER_FAULT] = { "user-fault", "user stacks cut at a page not resident" },
	[TICKPROF_COUNTER_USER_BROKEN] = { "user-broken", "user stacks cut where the chain made no sense" },
	[TICKPROF_COUNTER_USER_SKIPPED] = { "user-skipped", "user stacks not read: exiting or 32-bit task" },
	[TICKPROF_COUNTER_KERNEL_DEPTH] = { "kernel-depth", "kernel stacks cut at the depth limit" },
	[TICKPROF_COUNTER_KERNEL_BROKEN] = { "kernel-broken", "kernel stacks that the unwinder gave up on" },
	[TICKPROF_COUNTER_NO_REGS] = { "no-regs", "ticks without interrupted registers" },
	[TICKPROF_COUNTER_CYCLES] = { "cycles", "cycle-counter ticks spent in the sampler" },
	[TICKPROF_COUNTER_BYTES] = { "bytes", "bytes written to the rings" },
	[TICKPROF_COUNTER_STOLEN] = { "stolen", "cycles that the throttle did not charge" },
	[TICKPROF_COUNTER_USER_STACKS] = { "user-stacks", "user stacks walked" },
	[TICKPROF_COUNTER_USER_FALLBACK] = { "user-fallback", "user stacks with a frame found by frame pointer only" },
	[TICKPROF_COUNTER_USER_NO_MAPS] = { "user-no-maps", "user stacks walked before mappings were known" },
	[TICKPROF_COUNTER_RULE_MISSES] = { "rule-misses", "user frames whose unwind rule had to be searched" },
	[TICKPROF_COUNTER_WAITS] = { "waits", "waits written" },
	[TICKPROF_COUNTER_SHORT_WAITS] = { "short-waits", "waits too short for a record; later ones carry their sum" },
	[TICKPROF_COUNTER_LOST_WAITS] = { "lost-waits", "waits that found the ring full; later ones carry their sum" },
	[TICKPROF_COUNTER_UNKNOWN_WAITS] = { "unknown-waits", "switches of threads beyond --wait-tasks" },
	[TICKPROF_COUNTER_WAIT_CYCLES] = { "wait-cycles", "cycle-counter ticks spent on waits" },
	[TICKPROF_COUNTER_CONTEXT_READ] = { "context-read", "samples and waits of a thread in a span" },
	[TICKPROF_COUNTER_CONTEXT_NONE] = { "context-none", "those of a thread in no span" },
	[TICKPROF_COUNTER_CONTEXT_ABSENT] = { "context-absent", "those of a process that publishes no context" },
	[TICKPROF_COUNTER_CONTEXT_UNKNOWN] = { "context-unknown", "those of a process too new to know where it keeps it" },
	[TICKPROF_COUNTER_CONTEXT_INVALID] = { "context-invalid", "those of a thread that was changing its context" },
	[TICKPROF_COUNTER_CONTEXT_FAULT] = { "context-fault", "those whose context was not in memory" },
	[TICKPROF_COUNTER_CONTEXTS] = { "contexts", "contexts written" },
	[TICKPROF_COUNTER_CONTEXT_HITS] = { "context-hits", "contexts that the ring held already" },
	[TICKPROF_COUNTER_CONTEXT_CUT] = { "context-cut", "contexts that lost attributes" },
	[TICKPROF_COUNTER_USER_LATER] = { "user-later", "user stacks finished once a page had been read" },
	[TICKPROF_COUNTER_USER_LATER_FULL] = { "user-later-full", "user stacks cut at a page not resident, too many waiting" },
	[TICKPROF_COUNTER_USER_LATER_THROTTLED] = { "user-later-throttled", "user stacks cut at a page not resident to hold the CPU-time bound" },
	[TICKPROF_COUNTER_LATER_CYCLES] = { "later-cycles", "of the cycles, those spent on stacks finished later" },
	[TICKPROF_COUNTER_LOST_LATER] = { "lost-later", "samples whose page had not been read at the stop" },
	[TICKPROF_COUNTER_USER_KNOWN] = { "user-known", "user stacks of waits that were recognised, not walked" },
	[TICKPROF_COUNTER_UNTOLD_WAITS] = { "untold-waits", "threads that did not switch at all, beyond --wait-tasks" },
};

static const struct name features[] = {
	{ "kstack", "kernel stacks from the interrupted registers" },
	{ "ustack", "user stacks by frame pointer" },
	{ "process", "fork, exec, exit and comm events" },
	{ "mmap", "mappings announced by the kernel; else /proc is read at first sight" },
	{ "idle-stop", "the timer sleeps on idle CPUs" },
	{ "cgroup", "cgroup ids and cgroup targets" },
	{ "tables", "user stacks by unwind table, without frame pointers" },
	{ "waits", "exact waits: record --source offcpu" },
	{ "context", "trace and span of each sample and wait" },
	{ "later", "user stacks finished once a page of theirs has been read" },
};

static const char *const flags[] = {
	"kstack", "ustack", "events", "inherit", "idle", "exclude-user",
	"exclude-kernel", "empty", "tables", "waits", "no-ticks", "context",
};

static const char *const targets[] = {
	[TICKPROF_TARGET_PID] = "pid",
	[TICKPROF_TARGET_TID] = "tid",
	[TICKPROF_TARGET_CGROUP] = "cgroup",
	[TICKPROF_TARGET_COMM] = "comm",
	[TICKPROF_TARGET_UID] = "uid",
	[TICKPROF_TARGET_CPU] = "cpu",
	[TICKPROF_TARGET_EXEC] = "exec",
};

const char *name_attr(unsigned int attr)
{
	return attr < ARRAY_SIZE(attrs) ? attrs[attr] : NULL;
}

const char *name_state(unsigned int state)
{
	return state < ARRAY_SIZE(states) ? states[state] : NULL;
}

const struct name *name_counter(unsigned int counter)
{
	if (counter >= ARRAY_SIZE(counters) || !counters[counter].name)
		return NULL;
	return &counters[counter];
}

const struct name *name_feature(unsigned int bit)
{
	return bit < ARRAY_SIZE(features) ? &features[bit] : NULL;
}

const char *name_flag(unsigned int bit)
{
	return bit < ARRAY_SIZE(flags) ? flags[bit] : NULL;
}

const char *name_target(unsigned int kind)
{
	return kind < ARRAY_SIZE(targets) ? targets[kind] : NULL;
}
