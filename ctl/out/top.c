// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of a profile: see top.h. One pass over the samples; a row costs 72
 * bytes and is found by the addresses of its strings, which are unique.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/intern.h"
#include "span/span.h"
#include "span/span_id.h"
#include "top.h"

const char *const top_field_names[TOP_FIELDS] = {
	[TOP_FUNCTION] = "function", [TOP_OBJECT] = "object", [TOP_FILE] = "file",
	[TOP_LINE] = "line", [TOP_PROCESS] = "process", [TOP_THREAD] = "thread",
	[TOP_PID] = "pid", [TOP_TID] = "tid", [TOP_CGROUP] = "cgroup", [TOP_CPU] = "cpu",
	[TOP_STATE] = "state", [TOP_REASON] = "reason", [TOP_WAKER] = "waker",
	[TOP_TRACE] = "trace", [TOP_SPAN] = "span", [TOP_SERVICE] = "service",
};

struct top_private {
	const struct profile *p;
	struct top_keys keys;
	enum profile_column column;
	struct intern *strings;		/* made here: numbers, file:line */
	struct hash index;
	size_t cap_rows;
};

/* One function in a stack: a location has as many as were inlined there. */
struct frame {
	uint32_t location;
	uint32_t line;			/* index into profile lines; UINT32_MAX: none */
};

static const struct {
	const char *name;
	enum top_field field;
} synonyms[] = {
	{ "symbol", TOP_FUNCTION }, { "sym", TOP_FUNCTION }, { "func", TOP_FUNCTION },
	{ "dso", TOP_OBJECT }, { "comm", TOP_PROCESS }, { "srcfile", TOP_FILE },
	{ "srcline", TOP_LINE },
};

static bool parse_field(const char *name, enum top_field *field)
{
	size_t i;

	for (i = 0; i < TOP_FIELDS; i++)
		if (!strcmp(name, top_field_names[i])) {
			*field = i;
			return true;
		}
	for (i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (!strcmp(name, synonyms[i].name)) {
			*field = synonyms[i].field;
			return true;
		}
	return false;
}

bool top_parse_keys(const char *text, struct top_keys *keys)
{
	char *copy __free = xstrdup(text);
	char *save = NULL, *name;

	keys->nr = 0;
	for (name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save))
		if (keys->nr == TOP_FIELDS_MAX || !parse_field(name, &keys->fields[keys->nr++]))
			return false;
	return keys->nr;
}

bool top_keys_of_sample(const struct top_keys *keys)
{
	size_t i;

	for (i = 0; i < keys->nr; i++)
		if (keys->fields[i] < TOP_PROCESS)
			return false;
	return true;
}

static const char *number(struct top_private *priv, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return intern_string(priv->strings, text);
}

static const char *frame_value(struct top_private *priv, const struct frame *f,
			       enum top_field field)
{
	const struct profile *p = priv->p;
	uint32_t mapping = f->location ? profile_location(p, f->location)->mapping : 0;
	const struct profile_line *line = f->line == UINT32_MAX ? NULL : &p->lines[f->line];
	const struct profile_function *function = line ? profile_function(p, line->function) : NULL;
	char *text __free = NULL;

	if (field == TOP_OBJECT)
		return intern_string(priv->strings, profile_mapping_name(p, mapping));
	if (!function || (field != TOP_FUNCTION && !*function->file))
		return intern_string(priv->strings, "[unknown]");
	if (field == TOP_FUNCTION)
		return intern_string(priv->strings, function->name);
	if (field == TOP_FILE)
		return intern_string(priv->strings, function->file);
	text = xasprintf("%s:%u", function->file, line->line);
	return intern_string(priv->strings, text);
}

static const char *wait_value(struct top_private *priv, const struct profile_sample *s,
			      enum top_field field)
{
	const struct profile_wait *w = s->wait ? profile_wait(priv->p, s->wait) : NULL;
	const char *text = "-";

	if (field == TOP_STATE)
		text = profile_wait_state(w ? w->state : TICKPROF_WAIT_RUNNING);
	else if (w && field == TOP_WAKER && *w->waker)
		text = w->waker;
	else if (w && field == TOP_REASON && w->flags & TICKPROF_WAIT_FAULT)
		text = w->flags & TICKPROF_WAIT_IO ? "fault,io" : "fault";
	else if (w && field == TOP_REASON && w->flags & TICKPROF_WAIT_IO)
		text = "io";
	return intern_string(priv->strings, text);
}

/* A span goes by its name, where it has one. */
static const char *context_value(struct top_private *priv, const struct profile_sample *s,
				 enum top_field field)
{
	const struct profile_context *c = s->context ? profile_context(priv->p, s->context) : NULL;
	const char *service = priv->p->tasks[s->task - 1].service, *text = "-";
	char id[SPAN_ID_TEXT_MAX];

	if (field == TOP_SERVICE && *service)
		text = service;
	else if (c && field == TOP_SERVICE && *c->service)
		text = c->service;
	else if (c && field == TOP_TRACE)
		text = span_id_print(c->trace_id, TRACE_ID_SIZE, id);
	else if (c && field == TOP_SPAN)
		text = *c->span_name ? c->span_name : span_id_print(c->span_id, SPAN_ID_SIZE, id);
	return intern_string(priv->strings, text);
}

static const char *sample_value(struct top_private *priv, const struct profile_sample *s,
				enum top_field field)
{
	const struct profile_task *t = &priv->p->tasks[s->task - 1];

	switch (field) {
	case TOP_PROCESS:
		return intern_string(priv->strings, t->process);
	case TOP_THREAD:
		return intern_string(priv->strings, t->thread);
	case TOP_PID:
		return number(priv, t->pid);
	case TOP_TID:
		return number(priv, t->tid);
	case TOP_CPU:
		return number(priv, s->cpu);
	case TOP_STATE:
	case TOP_REASON:
	case TOP_WAKER:
		return wait_value(priv, s, field);
	case TOP_TRACE:
	case TOP_SPAN:
	case TOP_SERVICE:
		return context_value(priv, s, field);
	default:
		return intern_string(priv->strings, *t->cgroup ? t->cgroup : "[unknown]");
	}
}

static struct top_row *row_of(struct top *t, const char *const *values)
{
	struct top_private *priv = t->private;
	size_t size = priv->keys.nr * sizeof(*values), i;
	struct hash_slot *slot;
	uint64_t h = 0;

	for (i = 0; i < priv->keys.nr; i++)
		h = hash_u64(h, (uintptr_t)values[i]);
	slot = hash_find(&priv->index, h, id, !memcmp(t->rows[id - 1].values, values, size));
	if (!slot->id) {
		GROW(t->rows, priv->cap_rows, t->nr_rows + 1);
		t->rows[t->nr_rows] = (struct top_row) { 0 };
		memcpy(t->rows[t->nr_rows++].values, values, size);
		slot->id = t->nr_rows;
	}
	return &t->rows[slot->id - 1];
}

static struct top *top_alloc(const struct profile *p, const struct top_keys *keys,
			     enum profile_column column)
{
	struct top *t = xcalloc(1, sizeof(*t));

	t->private = xcalloc(1, sizeof(*t->private));
	t->private->p = p;
	t->private->keys = *keys;
	t->private->column = column;
	t->private->strings = intern_create();
	return t;
}

void top_destroy(struct top *t)
{
	if (!t)
		return;
	hash_deinit(&t->private->index);
	intern_destroy(t->private->strings);
	free(t->private);
	free(t->rows);
	free(t);
}

static int row_compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	size_t i;

	if (x->flat != y->flat)
		return x->flat > y->flat ? -1 : 1;
	if (x->cum != y->cum)
		return x->cum > y->cum ? -1 : 1;
	for (i = 0; i < TOP_FIELDS_MAX; i++) {
		int order = strcmp(x->values[i] ? x->values[i] : "",
				   y->values[i] ? y->values[i] : "");

		if (order)
			return order;
	}
	return 0;
}

static void sort_rows(struct top *t)
{
	if (t->nr_rows)
		qsort(t->rows, t->nr_rows, sizeof(*t->rows), row_compare);
}

/* The functions of a stack, leaf first, into a growing list; returns how many. */
static size_t unfold(const struct profile *p, const uint32_t *stack, size_t depth,
		     struct frame **frames, size_t *cap)
{
	size_t i, nr = 0;
	uint32_t n;

	for (i = 0; i < depth; i++) {
		const struct profile_location *l = profile_location(p, stack[i]);

		GROW(*frames, *cap, nr + l->nr_lines + 1);
		for (n = 0; n < l->nr_lines; n++)
			(*frames)[nr++] = (struct frame) { stack[i], l->first_line + n };
		if (!l->nr_lines)
			(*frames)[nr++] = (struct frame) { stack[i], UINT32_MAX };
	}
	GROW(*frames, *cap, 1);
	return nr;
}

struct walk {
	uint32_t *stack;
	struct frame *frames;
	size_t cap;
};

static const char *frame_function(const struct profile *p, const struct frame *f)
{
	return f->line == UINT32_MAX ? NULL :
	       profile_function(p, p->lines[f->line].function)->name;
}

bool top_is_scheduler(const char *function)
{
	static const char *const ways[] = { "preempt_", "io_", "rt_mutex_" };
	size_t i;

	function += strspn(function, "_");
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strncmp(function, ways[i], strlen(ways[i])))
			function += strlen(ways[i]);
	return !strncmp(function, "schedule", 8) || !strcmp(function, "cond_resched");
}

/* The frame that a sample counts for. */
static size_t flat_frame(const struct top_private *priv, const struct profile_sample *s,
			 const struct frame *frames, size_t nr)
{
	size_t i;

	for (i = 0; s->wait && i + 1 < nr; i++)
		if (frames[i].line == UINT32_MAX ||
		    !profile_location_is_kernel(priv->p, frames[i].location) ||
		    !top_is_scheduler(frame_function(priv->p, &frames[i])))
			break;
	return i;
}

static void count_sample(struct top *t, struct walk *w, const struct profile_sample *s,
			 uint64_t stamp)
{
	struct top_private *priv = t->private;
	const uint64_t value = profile_value(priv->p, s, priv->column);
	const char *values[TOP_FIELDS_MAX] = { 0 };
	bool once = top_keys_of_sample(&priv->keys);
	size_t depth = profile_stack(priv->p, s, w->stack), i, k;
	size_t nr = unfold(priv->p, w->stack, depth, &w->frames, &w->cap), flat;

	if (!value)
		return;
	if (!nr)
		w->frames[nr++] = (struct frame) { 0, UINT32_MAX };
	flat = once ? 0 : flat_frame(priv, s, w->frames, nr);
	for (i = 0; i < (once ? 1 : nr); i++) {
		struct top_row *row;

		for (k = 0; k < priv->keys.nr; k++) {
			enum top_field field = priv->keys.fields[k];

			if (field < TOP_PROCESS)
				values[k] = frame_value(priv, &w->frames[i], field);
			else if (!i)
				values[k] = sample_value(priv, s, field);
		}
		row = row_of(t, values);
		if (i == flat)
			row->flat += value;
		if (row->seen != stamp)
			row->cum += value;
		row->seen = stamp;
	}
	t->total += value;
}

struct top *top_create(const struct profile *p, const struct top_keys *keys,
		       enum profile_column column)
{
	struct top *t = top_alloc(p, keys, column);
	struct walk w = { 0 };
	size_t i;

	w.stack = xmalloc(profile_depth_max(p) * sizeof(*w.stack));
	for (i = 0; i < p->nr_samples; i++)
		count_sample(t, &w, &p->samples[i], i + 1);
	free(w.stack);
	free(w.frames);
	sort_rows(t);
	return t;
}

/* Names are unique strings, so the one looked for is known by its address. */
static void count_around(struct top *t, struct walk *w, const struct profile_sample *s,
			 const char *function, enum top_side side)
{
	const struct profile *p = t->private->p;
	size_t depth = profile_stack(p, s, w->stack), i, found = SIZE_MAX;
	size_t nr = unfold(p, w->stack, depth, &w->frames, &w->cap);
	const uint64_t value = profile_value(p, s, t->private->column);
	const struct frame *next = NULL;
	const char *values[1] = { NULL };

	for (i = 0; i < nr; i++) {
		if (frame_function(p, &w->frames[i]) != function)
			continue;
		found = i;
		if (side == TOP_CALLEES)
			break;
	}
	if (found == SIZE_MAX || !value)
		return;
	if (side == TOP_CALLERS && found + 1 < nr)
		next = &w->frames[found + 1];
	else if (side == TOP_CALLEES && found)
		next = &w->frames[found - 1];
	if (next)
		values[0] = frame_value(t->private, next, TOP_FUNCTION);
	row_of(t, values)->cum += value;
	t->total += value;
}

struct top *top_around(const struct profile *p, const char *function, enum top_side side,
		       enum profile_column column)
{
	const struct top_keys keys = { .fields = { TOP_FUNCTION }, .nr = 1 };
	struct top *t = top_alloc(p, &keys, column);
	struct walk w = { 0 };
	size_t i;

	w.stack = xmalloc(profile_depth_max(p) * sizeof(*w.stack));
	for (i = 0; i < p->nr_samples; i++)
		count_around(t, &w, &p->samples[i], function, side);
	free(w.stack);
	free(w.frames);
	sort_rows(t);
	return t;
}

const char *top_find_function(const struct profile *p, const char *text)
{
	const char *part = NULL, *upto = NULL;
	size_t len = strlen(text), i;
	bool several = false;

	for (i = 0; i < p->nr_functions; i++) {
		const char *name = p->functions[i].name;

		if (!strcmp(name, text))
			return name;
		if (!strncmp(name, text, len) && name[len] == '(')
			upto = name;
		if (strstr(name, text)) {
			several |= part && part != name;
			part = name;
		}
	}
	return upto ? upto : several ? NULL : part;
}
