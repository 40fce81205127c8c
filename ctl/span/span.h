/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spans of traces, from wherever they came, in one model. Readers add to it at any
 * time; span_model_link() then makes trees of what is there, and may be called
 * again after more has come.
 *
 * Not thread-safe. Memory: 120 bytes a span and 64 a trace, 16 to 32 of index for each, and
 * each different name once; a limit set at creation refuses what goes beyond, counted.
 */
#ifndef TICKPROF_SPAN_H
#define TICKPROF_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_ID_SIZE = 16, SPAN_ID_SIZE = 8 };

/* Numbers as OTLP has them (opentelemetry-proto trace/v1: SpanKind, StatusCode). */
enum span_kind {
	SPAN_UNSPECIFIED, SPAN_INTERNAL, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER,
	SPAN_KINDS,
};

enum span_status { SPAN_UNSET, SPAN_OK, SPAN_ERROR, SPAN_STATUSES };

enum span_flag {
	SPAN_HAS_PARENT = 1 << 0,	/* parent_id was given */
	SPAN_HAS_THREAD = 1 << 1,
	SPAN_BAD_TIME = 1 << 2,		/* a time is missing, or it ends before it starts */
	SPAN_HAS_PROFILE = 1 << 5,	/* profile_id was given */
	/* Set by span_model_link(). */
	SPAN_ORPHAN = 1 << 3,		/* it has a parent, but hangs on none */
	SPAN_CIRCLE = 1 << 4,		/* because it would have been its own ancestor */
	/* Marked by its program (include/tickprof/marks.h): times are of the recording's clock. */
	SPAN_MARKED = 1 << 6,
	SPAN_HAS_CPU = 1 << 7,
	SPAN_TOLD = 1 << 8,		/* and somebody else told of it as well */
};

/* What is wrong with input that can be read. Each is counted, and told with its first place. */
enum span_problem {
	/* the span was left out */
	SPAN_PROBLEM_TRACE_ID,
	SPAN_PROBLEM_SPAN_ID,
	SPAN_PROBLEM_DUPLICATE,
	SPAN_PROBLEM_CONFLICT,
	SPAN_PROBLEM_MALFORMED,
	SPAN_PROBLEM_FULL,
	SPAN_PROBLEMS_LEFT_OUT,
	/* it was kept, as well as it could be */
	SPAN_PROBLEM_PARENT_ID = SPAN_PROBLEMS_LEFT_OUT,
	SPAN_PROBLEM_NO_TIME,
	SPAN_PROBLEM_BACKWARD,
	SPAN_PROBLEM_CYCLE,
	SPAN_PROBLEM_LINK,
	SPAN_PROBLEM_LONG_TEXT,
	SPAN_PROBLEM_NOT_UTF8,
	SPAN_PROBLEM_PROFILE_ID,
	SPAN_PROBLEMS,
};

/* Where input stands: for messages. */
struct span_place {
	const char *file;
	uint64_t line;		/* from 1; 0: not a text */
	uint64_t offset;	/* bytes before it, in the line or, without lines, in the file */
};

struct span_problems {
	uint64_t count;
	char *first;		/* where; NULL: no place was given */
};

struct span_resource {
	const char *service, *host;	/* never NULL; "": not known */
	uint32_t pid;			/* 0: not known */
};

struct span_link {
	uint8_t trace_id[TRACE_ID_SIZE];
	uint8_t span_id[SPAN_ID_SIZE];
	uint32_t next;			/* number; 0: the last */
};

/* Spans, traces, resources and links are numbered from 1 in the order of their coming. */
struct span {
	uint8_t id[SPAN_ID_SIZE], parent_id[SPAN_ID_SIZE];
	uint8_t profile_id[SPAN_ID_SIZE];	/* attribute pyroscope.profile.id */
	uint64_t start, end;		/* ns since 1970; end >= start */
	const char *name, *status_text;	/* never NULL; UTF-8 without control characters */
	int64_t thread_id;		/* attribute thread.id: often the runtime's own, not the kernel's */
	uint64_t cpu;			/* ns that its thread ran, by its own clock */
	uint64_t self;			/* ns in which no child ran; set by span_model_link() */
	uint32_t trace, resource, links;
	uint32_t pid;			/* attribute process.pid; 0: the resource's */
	/* The tree; set by span_model_link(). Children by start. 0: none. */
	uint32_t parent, child, sibling;
	uint32_t depth;			/* 0: a root or an orphan */
	uint8_t kind, status;
	uint16_t flags;
};

struct span_trace {
	uint8_t id[TRACE_ID_SIZE];
	/* All further ones set by span_model_link(). */
	uint64_t start, end;		/* of its first and last; both 0: none has a time */
	uint32_t first;			/* index of its first span in ->by_start */
	uint32_t nr_spans, nr_errors, nr_orphans, nr_services;
	uint32_t root;			/* the span that the others hang on */
	uint32_t top;			/* first of the spans without parent here; they are siblings */
};

struct span_model {
	struct span *spans;		/* [0] is none */
	struct span_trace *traces;
	struct span_resource *resources;
	struct span_link *links;
	size_t nr_spans, nr_traces, nr_resources, nr_links;	/* with [0] */
	/* Set by span_model_link(). */
	uint32_t *by_start;		/* spans by trace, then start */
	uint32_t *by_duration;		/* traces, the longest first; nr_traces - 1 of them */
	struct span_problems problems[SPAN_PROBLEMS];
	struct span_private *private;
};

/* A span as a reader found it. Zero ids are none; strings are span_model_text()'s. */
struct span_draft {
	struct span span;
	uint8_t trace_id[TRACE_ID_SIZE];
	bool trace_id_ok, span_id_ok, parent_id_ok;
};

/* max_bytes 0: without limit. */
struct span_model *span_model_create(size_t max_bytes);
void span_model_destroy(struct span_model *m);

/* Number of a new resource, whose fields may be set later; 0, which is a nameless one, if full. */
uint32_t span_model_resource(struct span_model *m);
/* Kept once, cut to 1,023 bytes, '?' for control characters and what is no UTF-8. */
const char *span_model_text(struct span_model *m, const struct span_place *at, const void *text,
			    size_t len);
/* Number of the new link, whose ->next is "next". */
uint32_t span_model_link_to(struct span_model *m, const struct span_place *at,
			    const struct span_link *link);
/*
 * Number of the new span, or 0: left out, and counted. One that was marked and told of is one span,
 * whichever came first: with the mark's times, CPU, thread and process, and else what was told.
 */
uint32_t span_model_add(struct span_model *m, const struct span_place *at,
			const struct span_draft *d);
void span_model_problem(struct span_model *m, enum span_problem problem,
			const struct span_place *at);
/* What became of the spans and why, to stand behind their number. */
const char *span_problem_text(enum span_problem problem);
/* Spans that were left out. */
uint64_t span_model_left_out(const struct span_model *m);

/* Numbers; 0: not here. */
uint32_t span_model_find(const struct span_model *m, const uint8_t *trace_id,
			 const uint8_t *span_id);
uint32_t span_model_find_trace(const struct span_model *m, const uint8_t *trace_id);

void span_model_link(struct span_model *m);

static inline const struct span_resource *span_resource(const struct span_model *m,
							const struct span *s)
{
	return &m->resources[s->resource];
}

/* 0: not known. */
static inline uint32_t span_pid(const struct span_model *m, const struct span *s)
{
	return s->pid ? s->pid : span_resource(m, s)->pid;
}

static inline uint64_t span_duration(const struct span *s)
{
	return s->end - s->start;
}

/*
 * Depth first: the span behind number n within its trace, or 0. Begin at the
 * trace's ->top.
 */
uint32_t span_model_next(const struct span_model *m, uint32_t n);

#endif
