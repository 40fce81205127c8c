/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one in-memory profile that all outputs see, and its making from a capture.
 * Every sample is a stack of locations (leaf first), values by column and
 * labels; equal ones are added up. Outputs never see records, netlink or /proc.
 *
 * A label of its own for each span makes an entry of nearly each wait: whoever does not
 * need to find single traces in a profile asks for it without ids.
 *
 * Everything is an array whose entries are numbered from 1; 0 means none. Strings
 * are unique within a profile: equal contents are equal pointers.
 */
#ifndef TICKPROF_PROFILE_H
#define TICKPROF_PROFILE_H

#include <stdio.h>

#include "capture/capture_keep.h"
#include "symbol/symbolize.h"

/* Value columns, in this fixed order in every file so that files merge. */
enum profile_column {
	PROFILE_SAMPLES,	/* samples/count */
	PROFILE_CPU,		/* cpu/nanoseconds: samples × period */
	PROFILE_OFF_CPU,	/* off_cpu/nanoseconds: blocked, exact */
	PROFILE_RUNQ,		/* runq/nanoseconds: runnable without a CPU, exact */
	PROFILE_COLUMNS,
};

extern const char *const profile_column_names[PROFILE_COLUMNS];
extern const char *const profile_column_units[PROFILE_COLUMNS];

/* States of waits: enum tickprof_wait_state, and */
enum {
	PROFILE_WAIT_UNKNOWN = TICKPROF_WAIT_BEFORE + 1,	/* of a newer module */
	PROFILE_WAIT_SHORT,	/* the sum of those that have no record */
	PROFILE_WAIT_STATES,
};

/* The label "state"; state: below PROFILE_WAIT_STATES. */
const char *profile_wait_state(unsigned int state);

struct span_model;

struct profile_options {
	bool label_cpu;		/* add the label "cpu" */
	bool lines;		/* see symbolizer_options */
	bool live;		/* files that mappings name may be opened now */
	bool each;		/* do not add up: one entry a sample, in time order */
	bool walks;		/* keep stacks apart that were found in different ways */
	bool no_ids;		/* contexts tell the span's name, but not which one it was */
	const struct span_model *spans;	/* what contexts are named by, linked; NULL: nothing */
	bool join_by_thread;	/* what carries no ids: by spans' thread.id and time */
	bool profile_ids;	/* a span goes by its pyroscope.profile.id: span/span_profile.h */
	uint64_t from, until;	/* CLOCK_MONOTONIC ns; 0: no bound */
};

struct profile_function {
	const char *name;	/* demangled */
	const char *system_name;
	const char *file;	/* "": not known */
	uint32_t start_line;
};

struct profile_line {
	uint32_t function;
	uint32_t line;		/* 0: not known */
};

/* One segment of one file; see symbol_location for what the numbers mean. */
struct profile_mapping {
	enum object_kind kind;
	const char *file;	/* a path, or "[kernel.kallsyms]", "[vdso]", "[anon]" */
	const char *build_id;	/* hex; "": not known */
	uint64_t start, limit, offset;
	bool has_functions, has_files, has_lines, has_inlines;
};

struct profile_location {
	uint32_t mapping;	/* 0: nothing was mapped there */
	uint32_t first_line;	/* index from 0 into lines, innermost first */
	uint32_t nr_lines;	/* 0: unresolved */
	uint64_t address;
	/* What the symbolizer was asked. */
	struct object *object;
	uint64_t offset;
	bool caller;
};

/* Labels of a sample. */
struct profile_task {
	uint32_t pid, tid;
	const char *process;	/* label "comm" */
	const char *thread;	/* label "thread" */
	const char *cgroup;	/* path, else id; "": none */
	const char *service;	/* as the process called itself, else all its spans; "": not known */
};

/* An attribute of a span's, which the program published and the recording asked for. */
struct profile_attribute {
	const char *key, *value;	/* further labels of a sample */
};

/* The span that a thread was in: further labels of a sample. */
struct profile_context {
	uint8_t trace_id[16], span_id[8];	/* zeros with options.no_ids */
	uint8_t trace_flags;
	bool by_thread;		/* joined so: options.join_by_thread */
	bool has_profile_id;	/* which span_id is: options.profile_ids */
	uint32_t span;		/* number in options.spans, with has_profile_id of the span that
				 * carries it; 0: not there, or options.no_ids
				 */
	const char *span_name;	/* "": not known */
	const char *service;	/* of the span; "": not known */
	uint32_t first_attribute, nr_attributes;	/* index from 0 into attributes */
};

/* What a wait was: further labels of a sample. */
struct profile_wait {
	uint8_t state;
	uint16_t flags;		/* TICKPROF_WAIT_*; IO, FAULT and IRQ only unless options.each */
	uint32_t waker_tid;	/* 0: nobody, or whom the interrupt hit if not options.each */
	const char *waker;	/* thread name; "": nobody; "[interrupt]" */
	/* Of the record; options.each only. */
	uint32_t waker_pid;
	uint32_t waker_context;	/* without its attributes; 0: none */
	uint32_t short_nr;
	uint64_t ran, short_blocked, short_queued;	/* ns */
};

/*
 * A thread's time, from the session's first sight of it to its last record, ns, exact:
 * ran + queued + blocked + short_queued + short_blocked = last - first if nothing is missing.
 */
struct profile_thread {
	uint32_t task;		/* its labels as of the last record */
	bool kthread;
	uint64_t start_time;	/* of the process */
	uint64_t first, last;	/* CLOCK_MONOTONIC ns */
	uint64_t ran, queued, short_blocked, short_queued;
	uint64_t blocked[PROFILE_WAIT_STATES];
	uint64_t io, fault;	/* of blocked: WAIT_IO, WAIT_FAULT */
	uint64_t waits, short_waits;
};

/* How the walk of a user stack ended. */
enum profile_end {
	PROFILE_END_NONE,	/* there was no walk */
	PROFILE_END_ROOT,
	PROFILE_END_DEPTH,	/* the session's limit */
	PROFILE_END_FAULT,	/* a page not resident */
	PROFILE_END_BROKEN,	/* no caller was found */
	PROFILE_ENDS,
};

/* User stacks by how their walk ended; these add up but for NONE, fallback and later. */
struct profile_walks {
	uint64_t ended[PROFILE_ENDS];
	uint64_t fallback;	/* by tables, but some frame by frame pointer */
	uint64_t later;		/* finished once a page had been read */
};

/* A file whose unwind table was wanted. */
struct profile_no_table {
	const char *path;
	const char *reason;
};

/* A run of locations, leaf first. */
struct profile_chain {
	uint32_t first;		/* index from 0 into chain_locations */
	uint32_t nr;
	bool rooted;		/* ends in a function that has no caller */
};

struct profile_sample {
	uint32_t task;
	uint32_t cpu;		/* with options.label_cpu or .each */
	uint32_t leaf;		/* location; 0: not attributed to any place */
	uint32_t kernel, user;	/* chains; 0: none */
	uint16_t flags;		/* TICKPROF_SAMPLE_* */
	uint8_t end;		/* enum profile_end; with options.walks of all, else of the first */
	bool fallback, later;	/* the same */
	uint32_t wait;		/* what it waited for; 0: a sample, or several, of what ran */
	uint32_t context;	/* 0: the thread was in no span, or it is not known */
	uint64_t time;		/* of the first, CLOCK_MONOTONIC ns; a wait's end */
	uint64_t count;		/* samples */
	uint64_t waits;
	uint64_t off_cpu, runq;	/* ns */
};

/* All in samples, or waits, unless it says otherwise. */
struct profile_stats {
	uint64_t samples, kernel, idle, kthread;
	uint64_t exiting, compat, nostack;	/* whose user stack is missing, and why */
	uint64_t truncated;			/* with a stack cut short, for any reason: */
	struct profile_walks walks;		/* a broken one that reached the root is complete */
	uint64_t kernel_depth, kernel_broken;
	uint64_t trimmed;			/* frames that a broken chain made up */
	uint64_t missed;			/* ticks */
	uint64_t lost_samples, lost_events, lost_stacks, throttled;
	uint64_t lost_later;			/* waited for a page at the end */
	uint64_t no_maps;			/* user stacks */
	uint64_t no_task;			/* whose TASK record is not there */
	uint64_t locations, unresolved, unmapped; /* places; unresolved ones; not in any mapping */
	uint64_t unresolved_samples;		/* whose leaf has no name */
	uint64_t decode_errors, unknown_records, gaps, unresolved_references;
	uint64_t waits, short_waits, lost_waits, unknown_waits;	/* the last: switches */
	uint64_t unknown_states;
	uint64_t off_cpu, runq, short_off_cpu, short_runq;	/* ns; of these short */
	uint64_t in_span;			/* that have a context; not short waits */
	uint64_t by_thread;			/* beside these: joined by thread and time */
	uint64_t with_profile_id;		/* of both: has_profile_id */
	uint64_t bad_processes;			/* PROCESS chunks that make no sense */
	uint64_t context_unknown, context_invalid, context_fault, context_cut;
};

struct profile {
	struct profile_function *functions;
	struct profile_line *lines;
	struct profile_mapping *mappings;
	struct profile_location *locations;
	struct profile_task *tasks;
	struct profile_chain *chains;
	uint32_t *chain_locations;
	uint8_t *chain_how;		/* enum tickprof_how of each; options.walks only */
	struct profile_sample *samples;
	struct profile_wait *waits;
	struct profile_context *contexts;
	struct profile_attribute *attributes;
	struct profile_thread *threads;	/* empty with options.from or .until */
	size_t nr_functions, nr_lines, nr_mappings, nr_locations, nr_tasks, nr_chains,
	       nr_chain_locations, nr_samples, nr_waits, nr_contexts, nr_attributes, nr_threads;
	uint64_t period;		/* ns */
	uint64_t rate;			/* Hz */
	uint64_t time, duration;	/* ns since the epoch, ns */
	uint64_t start, cpus;		/* CLOCK_MONOTONIC ns; CPUs recorded */
	int64_t clock_set;		/* ns by which CLOCK_REALTIME was set meanwhile, if that is known */
	const char *kernel, *host, *machine, *command;	/* "": not known */
	const char *unwind;		/* "tables", "fp"; "": not known */
	struct profile_no_table *no_tables;
	size_t nr_no_tables;
	const struct capture_keep *keep;	/* slow traces alone were kept; NULL: all */
	bool complete;			/* the capture was */
	bool ticks, waited;		/* samples, waits were recorded */
	uint64_t wait_min;		/* ns that a wait must last to have a record */
	bool label_cpu;
	struct profile_stats stats;
	char **notes;			/* lines about the profile's making and quality */
	size_t nr_notes;
	struct profile_private *private;
};

/*
 * Decode a capture: process images first, then samples, then each location
 * once through the symbolizer (with the capture's SYMBOLS preloaded). What
 * could not be attributed is counted in the profile's statistics, never
 * dropped. 0 or -errno with a message printed. Capture, objects and symbolizer
 * must outlive the profile.
 */
int profile_create(struct capture *c, struct objects *objects,
		   struct symbolizer *s, const struct profile_options *options,
		   struct profile **out);
void profile_destroy(struct profile *p);
uint64_t profile_nr_samples(const struct profile *p);

/* Of one entry in a column: enum profile_column. */
static inline uint64_t profile_value(const struct profile *p, const struct profile_sample *s,
				     enum profile_column column)
{
	switch (column) {
	case PROFILE_CPU:
		return s->count * p->period;
	case PROFILE_OFF_CPU:
		return s->off_cpu;
	case PROFILE_RUNQ:
		return s->runq;
	default:
		return s->count;
	}
}

/* What is shown unless another is asked for: CPU time, off-CPU time where nothing was sampled. */
enum profile_column profile_default_column(const struct profile *p);

/*
 * The locations of a sample, leaf first, into room for profile_depth_max() of
 * them; returns how many. 0 is never among them.
 */
size_t profile_stack(const struct profile *p, const struct profile_sample *sample,
		     uint32_t *locations);
size_t profile_depth_max(const struct profile *p);

static inline const struct profile_wait *
profile_wait(const struct profile *p, uint32_t id)
{
	return &p->waits[id - 1];
}

static inline const struct profile_context *
profile_context(const struct profile *p, uint32_t id)
{
	return &p->contexts[id - 1];
}

static inline const struct profile_location *
profile_location(const struct profile *p, uint32_t id)
{
	return &p->locations[id - 1];
}

static inline const struct profile_function *
profile_function(const struct profile *p, uint32_t id)
{
	return &p->functions[id - 1];
}

static inline const struct profile_mapping *
profile_mapping(const struct profile *p, uint32_t id)
{
	return &p->mappings[id - 1];
}

/* What people see of a mapping: the file's name, "[unknown]" for none. */
const char *profile_mapping_name(const struct profile *p, uint32_t mapping);
/* Whether kernel code lies there. */
bool profile_location_is_kernel(const struct profile *p, uint32_t location);

/* A sentence: how many there are and how they ended, zeros left out. On the heap. */
char *profile_walks_text(const struct profile *p, const struct profile_walks *w);
uint64_t profile_walks_total(const struct profile_walks *w);
/* The same of the unwind tables; NULL if there is nothing to tell. */
char *profile_tables_text(const struct profile *p, const struct capture *c);

/* Payload of the SYMBOLS chunk: every location the profile resolved. */
int profile_symbols_pack(const struct profile *p, void **blob, size_t *size);

/* Outputs, each in its own file. f is flushed, not closed. 0 or -errno. */
int profile_write_pprof(const struct profile *p, int fd);
int profile_write_otlp(const struct profile *p, int fd);
int profile_write_folded(const struct profile *p, enum profile_column column, FILE *f);

#endif
