/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Synthetic captures for tests: records are put into the stream of one CPU, or
 * into a list of /proc records, and written as a capture into a memory file.
 */
#ifndef TICKPROF_TEST_RECORDS_H
#define TICKPROF_TEST_RECORDS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "capture/capture.h"

/* start_time of process pid in all records made here. */
#define START_OF(pid)	((uint64_t)(pid) * 1000000000ull)

struct stream {
	char *data;
	size_t size, cap;
	uint64_t position;	/* of data[0] in the ring */
	uint32_t cpu;
};

/* Room for a record, zeroed, its header filled in. Valid until the next one. */
static inline void *put(struct stream *s, uint16_t type, uint16_t flags, size_t size)
{
	struct tickprof_record *r;

	size = (size + 7) & ~(size_t)7;
	GROW(s->data, s->cap, s->size + size);
	r = memset(s->data + s->size, 0, size);
	*r = (struct tickprof_record) { type, flags, size };
	s->size += size;
	return r;
}

static inline uint64_t here(const struct stream *s)
{
	return s->position + s->size;
}

static inline uint64_t put_task(struct stream *s, uint32_t pid, uint32_t tid, uint64_t exec_id,
				const char *process, const char *thread)
{
	uint64_t at = here(s);
	struct tickprof_task *r = put(s, TICKPROF_RECORD_TASK, 0, sizeof(*r));

	r->pid = pid;
	r->tid = tid;
	r->start_time = START_OF(pid);
	r->exec_id = exec_id;
	strncpy(r->process, process, TICKPROF_COMM_LEN);
	strncpy(r->comm, thread, TICKPROF_COMM_LEN);
	return at;
}

static inline uint64_t put_stack(struct stream *s, uint16_t flags, const uint64_t *ip, uint32_t nr)
{
	uint64_t at = here(s);
	struct tickprof_stack *r = put(s, TICKPROF_RECORD_STACK, flags,
				       sizeof(*r) + nr * sizeof(*ip));

	r->nr = nr;
	memcpy(r->ip, ip, nr * sizeof(*ip));
	return at;
}

#define PUT_STACK(s, flags, ...) ({					\
	const uint64_t _ip[] = { __VA_ARGS__ };				\
	put_stack(s, flags, _ip, ARRAY_SIZE(_ip)); })

/* Ids of bytes that are all the same; attrs: size bytes of {key index, length, value}. */
static inline uint64_t put_context(struct stream *s, uint8_t trace, uint8_t span, uint8_t trace_flags,
				   const void *attrs, size_t size)
{
	uint64_t at = here(s);
	struct tickprof_thread_context *r = put(s, TICKPROF_RECORD_CONTEXT, trace_flags,
						sizeof(*r) + size);

	r->hdr.flags |= (r->hdr.size - sizeof(*r) - size) << 8;
	memset(r->trace_id, trace, sizeof(r->trace_id));
	memset(r->span_id, span, sizeof(r->span_id));
	memcpy(r->attrs, attrs, size);
	return at;
}

#define NOWHERE UINT64_MAX

/* task, kstack, ustack: positions, or NOWHERE. */
static inline struct tickprof_sample *put_sample(struct stream *s, uint16_t flags, uint64_t time,
						 uint64_t ip, uint64_t task, uint64_t kstack,
						 uint64_t ustack)
{
	uint64_t at = here(s);
	struct tickprof_sample *r = put(s, TICKPROF_RECORD_SAMPLE, flags, sizeof(*r));

	r->time = time;
	r->ip = ip;
	r->task = task == NOWHERE ? 0 : at - task;
	r->kstack = kstack == NOWHERE ? 0 : at - kstack;
	r->ustack = ustack == NOWHERE ? 0 : at - ustack;
	return r;
}

/* A sample of a thread in a span; context: a position. */
static inline struct tickprof_sample *put_span_sample(struct stream *s, uint16_t flags, uint64_t time,
						      uint64_t ip, uint64_t task, uint64_t kstack,
						      uint64_t ustack, uint64_t context)
{
	uint64_t at = here(s);
	struct tickprof_sample_context *r;

	put_sample(s, flags | TICKPROF_SAMPLE_CONTEXT, time, ip, task, kstack, ustack);
	put(s, 0, 0, sizeof(*r) - sizeof(r->sample));
	r = (void *)(s->data + (at - s->position));
	r->sample.hdr.size = sizeof(*r);
	r->context = at - context;
	r->reserved = 0;
	return &r->sample;
}

/* A wait that ended at time; what it lasted, the waker and the rest are the caller's. */
static inline struct tickprof_wait *put_wait(struct stream *s, uint16_t flags, uint64_t time,
					     uint32_t state, uint64_t task, uint64_t kstack,
					     uint64_t ustack)
{
	uint64_t at = here(s);
	struct tickprof_wait *r = put(s, TICKPROF_RECORD_WAIT, flags, sizeof(*r));

	r->time = time;
	r->state = state;
	r->task = task == NOWHERE ? 0 : at - task;
	r->kstack = kstack == NOWHERE ? 0 : at - kstack;
	r->ustack = ustack == NOWHERE ? 0 : at - ustack;
	return r;
}

static inline void put_fork(struct stream *s, uint64_t time, uint32_t parent, uint32_t pid,
			    uint64_t exec_id)
{
	struct tickprof_fork *r = put(s, TICKPROF_RECORD_FORK, 0, sizeof(*r));

	r->time = time;
	r->parent_pid = r->parent_tid = parent;
	r->parent_start_time = START_OF(parent);
	r->pid = r->tid = pid;
	r->start_time = START_OF(pid);
	r->exec_id = exec_id;
}

static inline void put_exec(struct stream *s, uint64_t time, uint32_t pid, uint64_t exec_id,
			    uint64_t vdso)
{
	struct tickprof_exec *r = put(s, TICKPROF_RECORD_EXEC, 0, sizeof(*r));

	r->time = time;
	r->pid = r->tid = pid;
	r->start_time = START_OF(pid);
	r->exec_id = exec_id;
	r->vdso = vdso;
}

static inline struct tickprof_mmap *put_mmap(struct stream *s, uint64_t time, uint32_t pid,
					     uint64_t exec_id, uint64_t addr, uint64_t len,
					     uint64_t offset, const char *path)
{
	struct tickprof_mmap *r = put(s, TICKPROF_RECORD_MMAP, 0, sizeof(*r) + strlen(path) + 1);

	r->time = time;
	r->pid = r->tid = pid;
	r->start_time = START_OF(pid);
	r->exec_id = exec_id;
	r->addr = addr;
	r->len = len;
	r->offset = offset;
	r->inode = *path ? 1000 + strlen(path) : 0;
	strcpy(r->path, path);
	return r;
}

static inline int memory_file(void)
{
	int fd = memfd_create("tickprof-test", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

struct test_capture {
	int fd;
	struct capture_writer *w;
};

static inline struct test_capture capture_begin(void)
{
	struct test_capture t = { .fd = memory_file() };

	if (capture_writer_create(t.fd, &t.w))
		abort();
	capture_write_meta(t.w, CAPTURE_META_RATE, "100");
	capture_write_meta(t.w, CAPTURE_META_HOST, "testhost");
	capture_write_meta(t.w, CAPTURE_META_KERNEL, "6.1.0-test");
	capture_write_meta(t.w, CAPTURE_META_MACHINE, "x86_64");
	capture_write_meta(t.w, CAPTURE_META_START_MONO, "1000000000");
	capture_write_meta(t.w, CAPTURE_META_START_REAL, "1700000000000000000");
	capture_write_meta(t.w, CAPTURE_META_END_MONO, "3000000000");
	return t;
}

/* Write the stream so far as a chunk and go on behind it. */
static inline void capture_flush(struct test_capture *t, struct stream *s)
{
	capture_write_ring(t->w, s->cpu, s->position, s->data, s->size);
	s->position += s->size;
	s->size = 0;
}

static inline void capture_flush_events(struct test_capture *t, struct stream *s)
{
	capture_write_events(t->w, s->data, s->size);
	s->size = 0;
}

static inline struct capture *capture_end(struct test_capture *t)
{
	struct capture *c = NULL;

	if (capture_writer_finish(t->w) || capture_open_fd(t->fd, "test", &c))
		abort();
	capture_writer_destroy(t->w);
	close(t->fd);
	return c;
}

static inline void stream_deinit(struct stream *s)
{
	free(s->data);
	*s = (struct stream) { 0 };
}

#endif
