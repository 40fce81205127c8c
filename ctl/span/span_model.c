// SPDX-License-Identifier: GPL-2.0-only
/*
 * What came in, and what was wrong with it: see span.h. Two indices, over traces
 * by id and over spans by trace and id; their hashes are seeded, for ids come
 * from whoever can reach the listener.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/intern.h"
#include "base/utf8.h"
#include "base/util.h"
#include "span.h"

enum {
	TEXT_MAX = 1023, INDEX_BYTES = 32,
	SPAN_BYTES = sizeof(struct span) + INDEX_BYTES,
	TRACE_BYTES = sizeof(struct span_trace) + INDEX_BYTES,
};

struct span_private {
	struct intern *text;
	struct hash traces_by_id, spans_by_id;
	size_t cap_spans, cap_traces, cap_resources, cap_links;
	size_t bytes, max_bytes;
	bool full;
	uint64_t seed;
};

static const char *const problems[SPAN_PROBLEMS] = {
	[SPAN_PROBLEM_TRACE_ID] = "left out: no trace id of 16 bytes, or one of zeros",
	[SPAN_PROBLEM_SPAN_ID] = "left out: no span id of 8 bytes, or one of zeros",
	[SPAN_PROBLEM_DUPLICATE] = "left out: the same span came before",
	[SPAN_PROBLEM_CONFLICT] = "left out: a different span with the same ids came before",
	[SPAN_PROBLEM_MALFORMED] = "left out: not understood",
	[SPAN_PROBLEM_FULL] = "left out: more than the memory set aside for spans",
	[SPAN_PROBLEM_PARENT_ID] = "without parent: an id that is not of 8 bytes",
	[SPAN_PROBLEM_NO_TIME] = "taken as 0 ns long: start or end is missing",
	[SPAN_PROBLEM_BACKWARD] = "taken as 0 ns long: end before start",
	[SPAN_PROBLEM_CYCLE] = "made a root: parents that go round in a circle",
	[SPAN_PROBLEM_LINK] = "with a link left out: an id of the wrong length, or too many",
	[SPAN_PROBLEM_LONG_TEXT] = "with a text cut at 1023 bytes",
	[SPAN_PROBLEM_NOT_UTF8] = "with a text that is no UTF-8",
	[SPAN_PROBLEM_PROFILE_ID] = "with a pyroscope.profile.id that is not 16 hexadecimal digits, or zeros",
};

const char *span_problem_text(enum span_problem problem)
{
	return problems[problem];
}

struct span_model *span_model_create(size_t max_bytes)
{
	struct span_model *m = xcalloc(1, sizeof(*m));
	struct span_private *p = xcalloc(1, sizeof(*p));

	m->private = p;
	p->text = intern_create();
	p->seed = hash_seed();
	GROW(m->spans, p->cap_spans, 1);
	GROW(m->traces, p->cap_traces, 1);
	GROW(m->resources, p->cap_resources, 1);
	GROW(m->links, p->cap_links, 1);
	m->nr_spans = m->nr_traces = m->nr_resources = m->nr_links = 1;
	m->spans[0] = (struct span) { .name = "", .status_text = "" };
	m->traces[0] = (struct span_trace) { 0 };
	m->resources[0] = (struct span_resource) { .service = "", .host = "" };
	m->links[0] = (struct span_link) { 0 };
	p->max_bytes = max_bytes ? max_bytes : SIZE_MAX;
	return m;
}

void span_model_destroy(struct span_model *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < SPAN_PROBLEMS; i++)
		free(m->problems[i].first);
	intern_destroy(m->private->text);
	hash_deinit(&m->private->traces_by_id);
	hash_deinit(&m->private->spans_by_id);
	free(m->private);
	free(m->spans);
	free(m->traces);
	free(m->resources);
	free(m->links);
	free(m->by_start);
	free(m->by_duration);
	free(m);
}

static char *place_text(const struct span_place *at)
{
	if (at->line)
		return xasprintf("%s line %" PRIu64 ", byte %" PRIu64, at->file, at->line,
				 at->offset + 1);
	return xasprintf("%s byte %" PRIu64, at->file, at->offset + 1);
}

void span_model_problem(struct span_model *m, enum span_problem problem,
			const struct span_place *at)
{
	struct span_problems *p = &m->problems[problem];

	if (!p->count++ && at)
		p->first = place_text(at);
}

uint64_t span_model_left_out(const struct span_model *m)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < SPAN_PROBLEMS_LEFT_OUT; i++)
		count += m->problems[i].count;
	return count;
}

/*
 * Shares of the limit. Once something was refused so is all that follows,
 * for a span must not come in without its name.
 */
static bool has_room(struct span_model *m, size_t bytes)
{
	struct span_private *p = m->private;

	p->full |= p->max_bytes - p->bytes < bytes;
	return !p->full;
}

static bool take_room(struct span_model *m, size_t bytes)
{
	if (!has_room(m, bytes))
		return false;
	m->private->bytes += bytes;
	return true;
}

uint32_t span_model_resource(struct span_model *m)
{
	if (m->nr_resources == UINT32_MAX || !take_room(m, sizeof(*m->resources)))
		return 0;
	GROW(m->resources, m->private->cap_resources, m->nr_resources + 1);
	m->resources[m->nr_resources] = m->resources[0];
	return m->nr_resources++;
}

const char *span_model_text(struct span_model *m, const struct span_place *at, const void *text,
			    size_t len)
{
	char clean[TEXT_MAX];
	struct intern_entry *e;

	if (len > sizeof(clean)) {
		span_model_problem(m, SPAN_PROBLEM_LONG_TEXT, at);
		/* Not within a character. */
		for (len = sizeof(clean); len && (((const char *)text)[len] & 0xc0) == 0x80; len--)
			;
	}
	if (len)	/* else text may be NULL */
		memcpy(clean, text, len);
	if (utf8_clean(clean, len))
		span_model_problem(m, SPAN_PROBLEM_NOT_UTF8, at);
	e = intern_find(m->private->text, clean, len);
	if (e)
		return e->data;
	if (!take_room(m, sizeof(*e) + len + 1 + 16))
		return "";
	return intern_get(m->private->text, clean, len)->data;
}

uint32_t span_model_link_to(struct span_model *m, const struct span_place *at,
			    const struct span_link *link)
{
	if (m->nr_links == UINT32_MAX || !take_room(m, sizeof(*link))) {
		span_model_problem(m, SPAN_PROBLEM_LINK, at);
		return link->next;
	}
	GROW(m->links, m->private->cap_links, m->nr_links + 1);
	m->links[m->nr_links] = *link;
	return m->nr_links++;
}

static bool is_zero(const uint8_t *id, size_t size)
{
	while (size--)
		if (*id++)
			return false;
	return true;
}

static uint64_t trace_hash(const struct span_model *m, const uint8_t *id)
{
	return hash_bytes(m->private->seed, id, TRACE_ID_SIZE);
}

static uint64_t span_hash(const struct span_model *m, uint32_t trace, const uint8_t *id)
{
	return hash_bytes(hash_u64(m->private->seed, trace), id, SPAN_ID_SIZE);
}

static struct hash_slot *trace_slot(const struct span_model *m, const uint8_t *trace_id)
{
	return hash_find(&m->private->traces_by_id, trace_hash(m, trace_id), id,
			 !memcmp(m->traces[id].id, trace_id, TRACE_ID_SIZE));
}

static struct hash_slot *span_slot(const struct span_model *m, uint32_t trace,
				   const uint8_t *span_id)
{
	return hash_find(&m->private->spans_by_id, span_hash(m, trace, span_id), id,
			 m->spans[id].trace == trace &&
			 !memcmp(m->spans[id].id, span_id, SPAN_ID_SIZE));
}

/* hash_find() counts the slot that it offers for a new entry. */
static uint32_t looked_up(struct hash *t, const struct hash_slot *slot)
{
	if (!slot->id)
		t->nr--;
	return slot->id;
}

uint32_t span_model_find_trace(const struct span_model *m, const uint8_t *trace_id)
{
	return looked_up(&m->private->traces_by_id, trace_slot(m, trace_id));
}

uint32_t span_model_find(const struct span_model *m, const uint8_t *trace_id,
			 const uint8_t *span_id)
{
	uint32_t trace = span_model_find_trace(m, trace_id);

	return trace ? looked_up(&m->private->spans_by_id, span_slot(m, trace, span_id)) : 0;
}

static uint32_t find_or_add_trace(struct span_model *m, const uint8_t *trace_id)
{
	struct hash_slot *slot = trace_slot(m, trace_id);

	if (!slot->id) {
		take_room(m, TRACE_BYTES);
		GROW(m->traces, m->private->cap_traces, m->nr_traces + 1);
		m->traces[m->nr_traces] = (struct span_trace) { 0 };
		memcpy(m->traces[m->nr_traces].id, trace_id, TRACE_ID_SIZE);
		slot->id = m->nr_traces++;
	}
	return slot->id;
}

/* Of one that was marked, too, the times that were told are not kept. */
static bool same_span(const struct span *a, const struct span *b)
{
	return ((a->start == b->start && a->end == b->end) || (a->flags ^ b->flags) & SPAN_MARKED) &&
	       a->name == b->name && !memcmp(a->parent_id, b->parent_id, SPAN_ID_SIZE);
}

/* What the program measured itself, and where. */
static void take_mark(const struct span_model *m, struct span *s, const struct span *mark)
{
	const uint16_t of_mark = SPAN_BAD_TIME | SPAN_MARKED | SPAN_HAS_CPU | SPAN_HAS_THREAD;

	s->start = mark->start;
	s->end = mark->end;
	s->cpu = mark->cpu;
	s->thread_id = mark->thread_id;
	s->pid = span_pid(m, mark);
	s->flags = (s->flags & ~of_mark) | (mark->flags & of_mark);
	if (!*s->name)
		s->name = mark->name;
	if (!s->kind)
		s->kind = mark->kind;
	if (!s->status)
		s->status = mark->status;
	if (!(s->flags & SPAN_HAS_PARENT)) {
		memcpy(s->parent_id, mark->parent_id, SPAN_ID_SIZE);
		s->flags |= mark->flags & SPAN_HAS_PARENT;
	}
}

/* Marked and told of, once each? Then they are made one. */
static bool unite(const struct span_model *m, struct span *known, const struct span *s)
{
	struct span told = known->flags & SPAN_MARKED ? *s : *known;

	if (!((known->flags ^ s->flags) & SPAN_MARKED) || known->flags & SPAN_TOLD)
		return false;
	take_mark(m, &told, known->flags & SPAN_MARKED ? known : s);
	*known = told;
	known->flags |= SPAN_TOLD;
	return true;
}

/* A span whose times make no sense keeps its place in the tree. */
static void check_times(struct span_model *m, const struct span_place *at, struct span *s)
{
	if (s->start && s->end >= s->start)
		return;
	span_model_problem(m, s->start && s->end ? SPAN_PROBLEM_BACKWARD : SPAN_PROBLEM_NO_TIME,
			   at);
	if (!s->start)
		s->start = s->end;
	s->end = s->start;
	s->flags |= SPAN_BAD_TIME;
}

static struct span checked(struct span_model *m, const struct span_place *at,
			   const struct span_draft *d)
{
	struct span s = d->span;

	if (!d->parent_id_ok)
		span_model_problem(m, SPAN_PROBLEM_PARENT_ID, at);
	if (!d->parent_id_ok || !is_zero(s.parent_id, SPAN_ID_SIZE))
		s.flags |= SPAN_HAS_PARENT;
	check_times(m, at, &s);
	s.kind = s.kind < SPAN_KINDS ? s.kind : SPAN_UNSPECIFIED;
	s.status = s.status < SPAN_STATUSES ? s.status : SPAN_UNSET;
	s.name = s.name ? s.name : "";
	s.status_text = s.status_text ? s.status_text : "";
	return s;
}

static enum span_problem ids_problem(const struct span_draft *d)
{
	if (!d->trace_id_ok || is_zero(d->trace_id, TRACE_ID_SIZE))
		return SPAN_PROBLEM_TRACE_ID;
	if (!d->span_id_ok || is_zero(d->span.id, SPAN_ID_SIZE))
		return SPAN_PROBLEM_SPAN_ID;
	return SPAN_PROBLEMS;
}

static uint32_t leave_out(struct span_model *m, enum span_problem problem,
			  const struct span_place *at)
{
	span_model_problem(m, problem, at);
	return 0;
}

uint32_t span_model_add(struct span_model *m, const struct span_place *at,
			const struct span_draft *d)
{
	enum span_problem problem = ids_problem(d);
	struct hash_slot *slot;
	struct span s;

	if (problem != SPAN_PROBLEMS)
		return leave_out(m, problem, at);
	if (m->nr_spans == INT32_MAX || !has_room(m, SPAN_BYTES + TRACE_BYTES))
		return leave_out(m, SPAN_PROBLEM_FULL, at);
	s = checked(m, at, d);
	s.trace = find_or_add_trace(m, d->trace_id);
	slot = span_slot(m, s.trace, s.id);
	if (slot->id && unite(m, &m->spans[slot->id], &s))
		return slot->id;
	if (slot->id)
		return leave_out(m, same_span(&m->spans[slot->id], &s) ?
				 SPAN_PROBLEM_DUPLICATE : SPAN_PROBLEM_CONFLICT, at);
	take_room(m, SPAN_BYTES);
	GROW(m->spans, m->private->cap_spans, m->nr_spans + 1);
	m->spans[m->nr_spans] = s;
	return slot->id = m->nr_spans++;
}
