// SPDX-License-Identifier: GPL-2.0-only
/* Marked spans from a capture: see span_marks.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "capture/capture_process.h"
#include "context/marks_ring.h"
#include "span_marks.h"

/* A program image that said something of itself or marked spans; exec_id 0: whichever was last. */
struct image {
	uint32_t pid;
	uint64_t exec_id;
	const char *service;		/* NULL: not told */
	uint32_t resource;		/* 0: none yet */
};

struct marks_reader {
	const struct capture *c;
	struct span_model *m;
	uint64_t start, offset;		/* CLOCK_MONOTONIC; that of a span's time to it */
	struct span_place at;
	struct image *images;
	size_t nr_images, cap_images;
	struct hash index;
	uint64_t seed;
};

bool span_marks_any(const struct capture *c)
{
	const struct capture_chunk *chunks;
	size_t i, nr;

	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr && chunks[i].type != CAPTURE_MARKS; i++)
		;
	return i < nr;
}

static struct image *image_of(struct marks_reader *r, uint32_t pid, uint64_t exec_id)
{
	struct hash_slot *slot = hash_find(&r->index, hash_u64(hash_u64(r->seed, pid), exec_id), id,
					   r->images[id - 1].pid == pid &&
					   r->images[id - 1].exec_id == exec_id);

	if (!slot->id) {
		GROW(r->images, r->cap_images, r->nr_images + 1);
		r->images[r->nr_images++] = (struct image) { .pid = pid, .exec_id = exec_id };
		slot->id = r->nr_images;
	}
	return &r->images[slot->id - 1];
}

/* What processes say of themselves, the last word of each. */
static void read_services(struct marks_reader *r)
{
	const struct capture_chunk *chunks;
	struct capture_process_text text;
	size_t i, nr;

	chunks = capture_chunks(r->c, &nr);
	for (i = 0; i < nr; i++) {
		if (chunks[i].type != CAPTURE_PROCESS || capture_process_parse(&chunks[i], &text) ||
		    !*text.service)
			continue;
		image_of(r, text.image.pid, text.image.exec_id)->service = text.service;
		image_of(r, text.image.pid, 0)->service = text.service;
	}
}

static uint32_t resource_of(struct marks_reader *r, const struct capture_marks *head)
{
	struct image *image = image_of(r, head->pid, head->exec_id);
	const char *service = image->service ? image->service : head->comm;

	if (!image->resource) {
		service = span_model_text(r->m, &r->at, service,
					  image->service ? strlen(service) :
							   strnlen(service, sizeof(head->comm)));
		image->resource = span_model_resource(r->m);
		if (image->resource) {
			r->m->resources[image->resource].service = service;
			r->m->resources[image->resource].pid = head->pid;
		}
	}
	return image->resource;
}

static const char *name_of(const struct marks_reader *r, const struct capture_mark *mark)
{
	char text[CAPTURE_MARK_NAME + 4];
	size_t length = mark->name_length;

	memcpy(text, mark->name, length);
	if (mark->flags & CAPTURE_MARK_CUT)
		length = stpcpy(text + length, "…") - text;
	return span_model_text(r->m, &r->at, text, length);
}

static void add(const struct marks_reader *r, const struct capture_mark *mark, uint32_t flags,
		uint32_t resource)
{
	struct span_draft d = { .trace_id_ok = true, .span_id_ok = true, .parent_id_ok = true };
	const uint64_t wall = mark->end - mark->begin;

	if (mark_check(mark, UINT64_MAX - r->offset) != MARK_REFUSALS) {
		span_model_problem(r->m, SPAN_PROBLEM_MALFORMED, &r->at);
		return;
	}
	if (mark->end < r->start)
		return;
	memcpy(d.trace_id, mark->trace_id, sizeof(d.trace_id));
	memcpy(d.span.id, mark->span_id, sizeof(d.span.id));
	memcpy(d.span.parent_id, mark->parent_id, sizeof(d.span.parent_id));
	d.span.start = mark->begin + r->offset;
	d.span.end = mark->end + r->offset;
	d.span.name = name_of(r, mark);
	d.span.resource = resource;
	d.span.thread_id = mark->tid;
	d.span.kind = mark->kind;
	d.span.status = mark->status;
	d.span.flags = SPAN_MARKED;
	if (!(flags & CAPTURE_MARKS_OTHER_TIDS))
		d.span.flags |= SPAN_HAS_THREAD;
	if (mark->flags & CAPTURE_MARK_CPU) {
		d.span.flags |= SPAN_HAS_CPU;
		d.span.cpu = mark->cpu < wall ? mark->cpu : wall;
	}
	span_model_add(r->m, &r->at, &d);
}

static int read_chunk(struct marks_reader *r, const struct capture_chunk *chunk)
{
	const char *payload = chunk->payload;
	struct capture_marks head;
	struct capture_mark mark;
	uint32_t resource;

	if (chunk->size < sizeof(head) || (chunk->size - sizeof(head)) % sizeof(mark))
		return -EBADMSG;
	memcpy(&head, payload, sizeof(head));
	resource = resource_of(r, &head);
	r->at.offset = sizeof(head);
	for (; r->at.offset < chunk->size; r->at.offset += sizeof(mark)) {
		memcpy(&mark, payload + r->at.offset, sizeof(mark));
		add(r, &mark, head.flags, resource);
	}
	return 0;
}

int span_marks_read(const struct capture *c, const char *name, struct span_model *m)
{
	const uint64_t real = capture_meta_number(c, CAPTURE_META_START_REAL);
	struct marks_reader r = {
		.c = c, .m = m, .start = capture_meta_number(c, CAPTURE_META_START_MONO),
		.at = { .file = name }, .seed = hash_seed(),
	};
	const struct capture_chunk *chunks;
	size_t i, nr;
	int ret = 0;

	r.offset = real > r.start ? real - r.start : 0;
	read_services(&r);
	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr && !ret; i++)
		if (chunks[i].type == CAPTURE_MARKS)
			ret = read_chunk(&r, &chunks[i]);
	hash_deinit(&r.index);
	free(r.images);
	return ret;
}
