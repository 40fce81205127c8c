/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capture file: everything that was drained from the rings, plus what later
 * work needs to understand it on another machine. Written front to back, never
 * seeked, so that a recording cut short can be read up to its last chunk.
 *
 *	header	"TICKPROF" magic, format version, byte order, crc
 *	chunk*	{ type, cpu, size, position, crc of payload, crc of this header } payload
 *	END	chunk with the totals; a file without it was cut short
 *
 * Chunk types: META (key=value lines), RING (raw records of one CPU, starting at
 * "position" of its ring, as include/uapi/linux/tickprof.h draws them), EVENTS
 * (the same records made by the tool: what /proc told of processes that ran
 * before), COUNTERS, SYMBOLS (resolved locations), PROCESS (what a process said
 * about itself, struct capture_process), SPANS (spans as they came over OTLP/HTTP
 * while recording: one ExportTraceServiceRequest, unpacked, in protobuf or JSON,
 * which span_read() tells apart), KEPT (ids of the traces that were kept, see
 * capture_keep.h), MARKS (spans that a process marked, struct capture_marks), END.
 * Readers skip types that they do not know.
 */
#ifndef TICKPROF_CAPTURE_H
#define TICKPROF_CAPTURE_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_writer;
struct capture;

/* Keys of META that readers rely on; writers may add more. Values are text. */
#define CAPTURE_META_RELEASE	"tickprof.version"
#define CAPTURE_META_KERNEL	"kernel.release"
#define CAPTURE_META_MACHINE	"machine"		/* uname -m */
#define CAPTURE_META_HOST	"host"
#define CAPTURE_META_RATE	"rate"			/* Hz */
#define CAPTURE_META_SOURCE	"source"		/* "cpu", "offcpu" or "cpu,offcpu" */
#define CAPTURE_META_WAIT_MIN	"wait.min"		/* ns; with waits only */
#define CAPTURE_META_CPUS	"cpus"			/* rings */
#define CAPTURE_META_START_MONO	"start.monotonic"	/* ns */
#define CAPTURE_META_START_REAL	"start.realtime"	/* ns since the epoch */
#define CAPTURE_META_END_MONO	"end.monotonic"		/* ns; in the COUNTERS-time META */
#define CAPTURE_META_END_REAL	"end.realtime"		/* ns since the epoch, at the same moment */
#define CAPTURE_META_COMMAND	"command"		/* the command line recorded */
#define CAPTURE_META_CGROUP	"cgroup."		/* + id in decimal: path below the cgroup root */
#define CAPTURE_META_UNWIND	"unwind"		/* user stacks by "tables", or by "fp" alone */
/* At the end of a recording by tables, in files: */
#define CAPTURE_META_TABLES	"tables.loaded"		/* whose table the module had */
#define CAPTURE_META_COMPILED	"tables.compiled"	/* of these, not from the cache */
#define CAPTURE_META_WAITING	"tables.waiting"	/* not reached before the end */
#define CAPTURE_META_NO_TABLE	"tables.none."		/* + number from 0: path, tab, reason */
#define CAPTURE_NO_TABLES_MAX	1000

/*
 * Start a capture on fd, which stays the caller's. Returns 0 or -errno, as all
 * functions below do. Write errors stick: every later call returns the first.
 */
int capture_writer_create(int fd, struct capture_writer **out);
void capture_writer_destroy(struct capture_writer *w);
int capture_write_meta(struct capture_writer *w, const char *key, const char *value);
/* One copy-free writev of whole records, "position" being the ring's. */
int capture_write_ring(struct capture_writer *w, uint32_t cpu, uint64_t position,
		       const void *records, size_t size);
int capture_write_events(struct capture_writer *w, const void *records, size_t size);
int capture_write_counters(struct capture_writer *w,
			   const uint64_t counters[TICKPROF_COUNTER_MAX + 1]);
/* Payload made by profile_symbols_pack() (profile.h). */
int capture_write_symbols(struct capture_writer *w, const void *blob, size_t size);
/* Of the types below whose payload has a writer of its own (capture_process.h), SPANS and KEPT. */
int capture_write_chunk(struct capture_writer *w, uint32_t type, const void *payload, size_t size);
int capture_writer_finish(struct capture_writer *w);
uint64_t capture_writer_bytes(const struct capture_writer *w);

/*
 * Map and check a capture. A truncated or damaged file is refused with a clear
 * message unless everything up to the damage is whole chunks, which is then
 * used and capture_complete() is false. Garbage, foreign byte order and newer
 * versions are refused: -EBADMSG, message printed. A regular file must not be
 * cut while it is mapped; anything else (a pipe) is read into memory.
 */
int capture_open(const char *path, struct capture **out);
int capture_open_fd(int fd, const char *name, struct capture **out);
void capture_close(struct capture *c);
bool capture_complete(const struct capture *c);
/* Why it is not complete, as the end of a sentence; NULL if it is. */
const char *capture_problem(const struct capture *c);
const char *capture_meta(const struct capture *c, const char *key);	/* NULL: absent */
uint64_t capture_meta_number(const struct capture *c, const char *key);	/* 0: absent */
const uint64_t *capture_counters(const struct capture *c);		/* NULL: absent */

enum capture_chunk_type {
	CAPTURE_META = 1,
	CAPTURE_RING,
	CAPTURE_EVENTS,
	CAPTURE_COUNTERS,
	CAPTURE_SYMBOLS,
	CAPTURE_END,
	CAPTURE_PROCESS,
	CAPTURE_SPANS,
	CAPTURE_KEPT,
	CAPTURE_MARKS,
};

/*
 * Payload of PROCESS. nr_keys + 1 texts follow, each ended by a zero: service.name,
 * "" if it is not told, then what the key indices of CONTEXT records stand for.
 * capture_process.h reads and writes it.
 */
struct capture_process {
	uint32_t pid;
	uint32_t nr_keys;
	uint64_t start_time, exec_id;	/* the image's, as in TASK records */
};

enum capture_marks_flag {
	CAPTURE_MARKS_OTHER_TIDS = 1 << 0,	/* tids are of another pid namespace */
};

/*
 * Payload of MARKS: this, then as many struct capture_mark as there is room for. Not SPANS,
 * because OTLP knows neither CPU time nor the clock that records have.
 */
struct capture_marks {
	uint32_t pid;
	uint32_t flags;
	uint64_t start_time, exec_id;	/* the image's, as in PROCESS; exec_id 0: not known */
	char comm[16];			/* zero-terminated; for want of a service */
};

enum { CAPTURE_MARK_NAME = 56 };

enum capture_mark_flag {
	CAPTURE_MARK_CPU = 1 << 0,	/* cpu is told */
	CAPTURE_MARK_CUT = 1 << 1,	/* the name was longer */
	CAPTURE_MARK_FLAGS = CAPTURE_MARK_CPU | CAPTURE_MARK_CUT,
};

/* One span, as include/tickprof/marks.h writes it down. */
struct capture_mark {
	uint8_t trace_id[16], span_id[8];
	uint8_t parent_id[8];		/* zeros: none */
	uint64_t begin, end;		/* ns of CLOCK_MONOTONIC */
	uint64_t cpu;			/* ns that the thread ran between them */
	uint32_t tid;
	uint8_t flags;
	uint8_t kind, status;		/* as in OTLP */
	uint8_t name_length;
	char name[CAPTURE_MARK_NAME];
};

/* Chunks in file order; payloads are 8-aligned and live as long as the capture. */
struct capture_chunk {
	uint32_t type;
	uint32_t cpu;		/* RING */
	uint64_t position;	/* RING */
	uint64_t size;
	const void *payload;
};

const struct capture_chunk *capture_chunks(const struct capture *c, size_t *nr);

#endif
