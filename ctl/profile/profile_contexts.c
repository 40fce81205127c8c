// SPDX-License-Identifier: GPL-2.0-only
/*
 * The spans that threads were in, into the profile, and what processes said about
 * themselves: service names, and what the key indices of attributes stand for, which each
 * program image has its own of.
 *
 * A context costs 64 bytes and 16 an attribute. Names are those of the spans given; a
 * profile without ids has one context for all spans of a name. Attributes whose key
 * nobody told are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/capture_process.h"
#include "span/span_profile.h"
#include "span/span_threads.h"
#include "build.h"

static struct hash_slot *speaker_slot(struct build *b, uint32_t pid, uint64_t start_time,
				      uint64_t exec_id)
{
	const struct capture_process *g;

	return hash_find(&b->speaker_index, hash_u64(hash_u64(pid, start_time), exec_id), id, ({
		g = &b->speakers[id - 1].image;
		g->pid == pid && g->start_time == start_time && g->exec_id == exec_id; }));
}

/* Where several are of one image, the last one counts. */
static void add_speaker(struct build *b, const struct capture_process_text *text)
{
	const struct capture_process *image = &text->image;
	struct hash_slot *slot = speaker_slot(b, image->pid, image->start_time, image->exec_id);
	struct speaker *s;

	if (!slot->id) {
		GROW(b->speakers, b->cap_speakers, b->nr_speakers + 1);
		b->speakers[b->nr_speakers++] = (struct speaker) { 0 };
		slot->id = b->nr_speakers;
	}
	s = &b->speakers[slot->id - 1];
	free(s->keys);
	s->image = *image;
	s->service = text->service;
	s->keys = xcalloc(image->nr_keys + 1, sizeof(*s->keys));
	memcpy(s->keys, text->keys, image->nr_keys * sizeof(*s->keys));
}

void build_speakers(struct build *b)
{
	const struct capture_chunk *chunks;
	struct capture_process_text text;
	size_t i, nr;

	b->offset = capture_meta_number(b->capture, CAPTURE_META_START_REAL) -
		    capture_meta_number(b->capture, CAPTURE_META_START_MONO);
	if (b->options->join_by_thread && b->options->spans)
		b->by_thread = span_threads_create(b->options->spans, b->options->spans->nr_spans);
	if (b->options->profile_ids && b->options->spans)
		b->carriers = span_profile_carriers(b->options->spans);

	chunks = capture_chunks(b->capture, &nr);
	for (i = 0; i < nr; i++) {
		if (chunks[i].type != CAPTURE_PROCESS)
			continue;
		if (capture_process_parse(&chunks[i], &text) == 0)
			add_speaker(b, &text);
		else
			b->p->stats.bad_processes++;
	}
}

uint32_t build_speaker(struct build *b, const struct tickprof_task *task)
{
	struct hash_slot *slot;

	if (!b->nr_speakers)
		return 0;
	slot = speaker_slot(b, task->pid, task->start_time, task->exec_id);
	if (!slot->id)
		b->speaker_index.nr--;	/* no entry was made of it */
	return slot->id;
}

/* The place among key's attributes so far, or the next one: of a key the last counts. */
static void set_attribute(struct profile *p, struct profile_context *c, const char *key,
			  const char *value)
{
	struct profile_attribute *a = p->attributes + c->first_attribute;
	uint32_t i;

	for (i = 0; i < c->nr_attributes; i++)
		if (a[i].key == key) {
			a[i].value = value;
			return;
		}
	GROW(p->attributes, p->private->cap_attributes, p->nr_attributes + 1);
	p->attributes[p->nr_attributes++] = (struct profile_attribute) { key, value };
	c->nr_attributes++;
}

/* Whole entries, as the decoder has made sure. */
static void add_attributes(struct build *b, struct profile_context *c,
			   const struct decode_context *from, const struct speaker *speaker)
{
	struct profile *p = b->p;
	char value[256];
	uint32_t at;

	for (at = 0; at < from->size; at += 2 + from->attrs[at + 1]) {
		const uint8_t key = from->attrs[at], len = from->attrs[at + 1];

		if (key >= speaker->image.nr_keys || !*speaker->keys[key])
			continue;
		memcpy(value, from->attrs + at + 2, len);
		value[len] = '\0';
		set_attribute(p, c, profile_string(p, speaker->keys[key]),
			      profile_string(p, value));
	}
}

static bool same_attributes(const struct profile *p, const struct profile_context *x,
			    const struct profile_context *y)
{
	return x->nr_attributes == y->nr_attributes &&
	       (!x->nr_attributes || !memcmp(p->attributes + x->first_attribute,
					     p->attributes + y->first_attribute,
					     x->nr_attributes * sizeof(*p->attributes)));
}

/* An equal one, or it becomes one. Its attributes are the last ones there are. */
static uint32_t add_context(struct build *b, const struct profile_context *c)
{
	struct profile *p = b->p;
	uint64_t h = hash_bytes(hash_seed(), c->trace_id, sizeof(c->trace_id));
	const struct profile_context *g;
	struct hash_slot *slot;
	uint32_t i;

	h = hash_u64(hash_bytes(h, c->span_id, sizeof(c->span_id)),
		     c->trace_flags << 2 | c->by_thread << 1 | c->has_profile_id);
	h = hash_u64(hash_u64(h, (uintptr_t)c->span_name), (uintptr_t)c->service);
	for (i = 0; i < c->nr_attributes; i++)
		h = hash_u64(h, (uintptr_t)p->attributes[c->first_attribute + i].value);
	slot = hash_find(&b->context_index, h, id, ({
		g = &p->contexts[id - 1];
		!memcmp(g->trace_id, c->trace_id, sizeof(g->trace_id)) &&
			!memcmp(g->span_id, c->span_id, sizeof(g->span_id)) &&
			g->trace_flags == c->trace_flags && g->by_thread == c->by_thread &&
			g->has_profile_id == c->has_profile_id &&
			g->span_name == c->span_name && g->service == c->service &&
			same_attributes(p, g, c); }));
	if (!slot->id) {
		GROW(p->contexts, p->private->cap_contexts, p->nr_contexts + 1);
		p->contexts[p->nr_contexts++] = *c;
		slot->id = p->nr_contexts;
	} else {
		p->nr_attributes = c->first_attribute;
	}
	return slot->id;
}

/* n: the span's number, or 0. */
static void set_ids(const struct build *b, struct profile_context *c, const uint8_t *trace_id,
		    const uint8_t *span_id, uint32_t n)
{
	const uint32_t carrier = b->carriers ? b->carriers[n] : 0;

	c->has_profile_id = carrier;
	c->span = carrier ? carrier : n;
	memcpy(c->trace_id, trace_id, sizeof(c->trace_id));
	memcpy(c->span_id, carrier ? b->options->spans->spans[carrier].profile_id : span_id,
	       sizeof(c->span_id));
}

static uint32_t make_context(struct build *b, const struct decode_context *from, uint32_t speaker)
{
	const struct span_model *m = b->options->spans;
	struct profile_context c = { .first_attribute = b->p->nr_attributes };
	uint32_t span = m ? span_model_find(m, from->trace_id, from->span_id) : 0;

	c.span_name = profile_string(b->p, span ? m->spans[span].name : "");
	c.service = profile_string(b->p, span ? span_resource(m, &m->spans[span])->service : "");
	if (speaker)
		add_attributes(b, &c, from, &b->speakers[speaker - 1]);
	if (!b->options->no_ids) {
		set_ids(b, &c, from->trace_id, from->span_id, span);
		c.trace_flags = from->trace_flags;
	} else if (!*c.span_name && !*c.service && !c.nr_attributes) {
		return 0;
	}
	return add_context(b, &c);
}

uint32_t build_context(struct build *b, uint32_t context, uint32_t speaker)
{
	const struct context_row *g;
	struct hash_slot *slot;
	uint32_t number;

	if (!context)
		return 0;
	slot = hash_find(&b->context_row_index, hash_u64((uint64_t)context << 32 | speaker, 0), id,
			 ({
				 g = &b->contexts[id - 1];
				 g->context == context && g->speaker == speaker;
			 }));
	if (slot->id)
		return b->contexts[slot->id - 1].number;
	number = make_context(b, decode_context(b->decode, context), speaker);
	GROW(b->contexts, b->cap_contexts, b->nr_contexts + 1);
	b->contexts[b->nr_contexts++] = (struct context_row) { context, speaker, number };
	slot->id = b->nr_contexts;
	return number;
}

/* By process: the service of its spans; "" if they are of several. */
struct spoken {
	uint32_t pid;
	const char *service;
};

static struct hash_slot *spoken_slot(struct hash *index, const struct spoken *all, uint32_t pid)
{
	return hash_find(index, hash_u64(pid, 0), id, all[id - 1].pid == pid);
}

void build_services(struct build *b)
{
	struct profile *p = b->p;
	struct spoken *all __free = xcalloc(p->nr_tasks, sizeof(*all));
	struct hash index = { 0 };
	struct hash_slot *slot;
	size_t i, nr = 0;

	for (i = 0; i < p->nr_samples; i++) {
		const uint32_t context = p->samples[i].context,
			       pid = p->tasks[p->samples[i].task - 1].pid;
		const char *service = context ? profile_context(p, context)->service : "";

		if (!*service)
			continue;
		slot = spoken_slot(&index, all, pid);
		if (!slot->id) {
			all[nr++] = (struct spoken) { pid, service };
			slot->id = nr;
		} else if (all[slot->id - 1].service != service) {
			all[slot->id - 1].service = profile_string(p, "");
		}
	}
	for (i = 0; i < p->nr_tasks && nr; i++) {
		slot = spoken_slot(&index, all, p->tasks[i].pid);
		if (!slot->id)
			index.nr--;	/* no entry was made of it */
		else if (!*p->tasks[i].service)
			p->tasks[i].service = all[slot->id - 1].service;
	}
	hash_deinit(&index);
}

uint32_t build_joined(struct build *b, const struct profile_task *t, uint64_t time)
{
	const struct span_model *m = b->options->spans;
	struct profile_context c = { .first_attribute = b->p->nr_attributes, .by_thread = true };
	uint32_t n;

	n = b->by_thread ? span_threads_find(b->by_thread, t->pid, t->tid, time + b->offset) : 0;
	if (!n)
		return 0;
	b->p->stats.by_thread++;
	c.span_name = profile_string(b->p, m->spans[n].name);
	c.service = profile_string(b->p, span_resource(m, &m->spans[n])->service);
	if (!b->options->no_ids)
		set_ids(b, &c, m->traces[m->spans[n].trace].id, m->spans[n].id, n);
	return add_context(b, &c);
}

void build_contexts_deinit(struct build *b)
{
	span_threads_destroy(b->by_thread);
	free(b->carriers);
	while (b->nr_speakers)
		free(b->speakers[--b->nr_speakers].keys);
	free(b->speakers);
	free(b->contexts);
	hash_deinit(&b->speaker_index);
	hash_deinit(&b->context_index);
	hash_deinit(&b->context_row_index);
}
