// SPDX-License-Identifier: GPL-2.0-only
/*
 * Labels of pprof's samples, and the strings that they are made of.
 *
 * trace_id, span_id and span_name are what Grafana Pyroscope knows spans by; it makes a
 * series of every other string label, which is why pid and tid are numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "pprof_write.h"
#include "span/span.h"
#include "span/span_id.h"

/* Names come as bytes; readers of protobuf may refuse what is not UTF-8. */
static char *utf8_only(struct writer *w, const struct intern_entry *e)
{
	char *copy = intern_alloc(w->strings, e->len + 1), *at = copy, *end = copy + e->len;
	size_t n;

	for (memcpy(copy, e->data, e->len); *at; at += n ? n : 1) {
		n = utf8_length((uint8_t *)at, end - at);
		if (!n)
			*at = '?';
	}
	return copy;
}

int64_t pprof_string(struct writer *w, const char *s)
{
	struct intern_entry *e;

	if (!*s)
		return 0;
	e = intern_get(w->strings, s, strlen(s));
	if (!e->value) {
		GROW(w->table, w->cap_table, w->nr_table + 1);
		w->table[w->nr_table] = utf8_only(w, e);
		e->value = (void *)w->nr_table++;
	}
	return (intptr_t)e->value;
}

static void add_label(struct writer *w, Tickprof__Label *labels, Tickprof__Sample *m,
		      const char *key, const char *str, int64_t num)
{
	Tickprof__Label *l = &labels[m->n_label];

	if (str && !*str)
		return;
	tickprof__label__init(l);
	l->key = pprof_string(w, key);
	l->str = str ? pprof_string(w, str) : 0;
	l->num = num;
	m->label[m->n_label++] = l;
}

static struct packed_labels pack(const Tickprof__Sample *m)
{
	struct packed_labels packed = { .size = tickprof__sample__get_packed_size(m) };

	packed.bytes = xmalloc(packed.size + 1);
	tickprof__sample__pack(m, packed.bytes);
	return packed;
}

static struct packed_labels pack_task(struct writer *w, const struct profile_task *t)
{
	Tickprof__Label labels[LABELS_MAX], *list[LABELS_MAX];
	Tickprof__Sample m = TICKPROF__SAMPLE__INIT;

	m.label = list;
	if (t->pid)
		add_label(w, labels, &m, "pid", NULL, t->pid);
	if (t->tid)
		add_label(w, labels, &m, "tid", NULL, t->tid);
	add_label(w, labels, &m, "comm", t->process, 0);
	add_label(w, labels, &m, "thread", t->thread, 0);
	add_label(w, labels, &m, "cgroup", t->cgroup, 0);
	add_label(w, labels, &m, "service", t->service, 0);
	return pack(&m);
}

static struct packed_labels pack_context(struct writer *w, const struct profile_context *c)
{
	const size_t most = c->nr_attributes + 4;
	Tickprof__Label *labels __free = xcalloc(most, sizeof(*labels));
	Tickprof__Label **list __free = xcalloc(most, sizeof(*list));
	Tickprof__Sample m = TICKPROF__SAMPLE__INIT;
	static const uint8_t zeros[TRACE_ID_SIZE];
	char id[SPAN_ID_TEXT_MAX];
	uint32_t i;

	m.label = list;
	if (memcmp(c->trace_id, zeros, TRACE_ID_SIZE)) {
		add_label(w, labels, &m, "trace_id", span_id_print(c->trace_id, TRACE_ID_SIZE, id),
			  0);
		add_label(w, labels, &m, "span_id", span_id_print(c->span_id, SPAN_ID_SIZE, id), 0);
	}
	add_label(w, labels, &m, "span_name", c->span_name, 0);
	add_label(w, labels, &m, "span_join", c->by_thread ? "thread" : "", 0);
	for (i = 0; i < c->nr_attributes; i++) {
		const struct profile_attribute *a = &w->p->attributes[c->first_attribute + i];

		add_label(w, labels, &m, a->key, a->value, 0);
	}
	return pack(&m);
}

void pprof_make_labels(struct writer *w)
{
	const struct profile *p = w->p;
	size_t i;

	w->tasks = xcalloc(p->nr_tasks, sizeof(*w->tasks));
	for (i = 0; i < p->nr_tasks; i++)
		w->tasks[i] = pack_task(w, &p->tasks[i]);
	w->contexts = xcalloc(p->nr_contexts, sizeof(*w->contexts));
	for (i = 0; i < p->nr_contexts; i++)
		w->contexts[i] = pack_context(w, &p->contexts[i]);
}

void pprof_free_labels(struct writer *w)
{
	size_t i;

	for (i = 0; i < w->p->nr_tasks; i++)
		free(w->tasks[i].bytes);
	for (i = 0; i < w->p->nr_contexts; i++)
		free(w->contexts[i].bytes);
	free(w->tasks);
	free(w->contexts);
}

/* What a wait was; a page fault that reads a file is both. */
static void add_wait_labels(struct writer *w, Tickprof__Label *labels, Tickprof__Sample *m,
			    const struct profile_wait *wait)
{
	add_label(w, labels, m, "state", profile_wait_state(wait->state), 0);
	if (wait->flags & TICKPROF_WAIT_FAULT)
		add_label(w, labels, m, "reason", "fault", 0);
	if (wait->flags & TICKPROF_WAIT_IO)
		add_label(w, labels, m, "reason", "io", 0);
	add_label(w, labels, m, "waker", wait->waker, 0);
	if (wait->waker_tid)
		add_label(w, labels, m, "waker_tid", NULL, wait->waker_tid);
}

void pprof_own_labels(struct writer *w, Tickprof__Label *labels, Tickprof__Sample *m,
		      const struct profile_sample *s)
{
	const struct profile *p = w->p;
	char cpu[16];

	m->n_label = 0;
	if (p->label_cpu) {
		/* As a string, because pprof drops a number of 0. */
		snprintf(cpu, sizeof(cpu), "%u", s->cpu);
		add_label(w, labels, m, "cpu", cpu, 0);
	}
	if (s->wait)
		add_wait_labels(w, labels, m, profile_wait(p, s->wait));
	/* What a process says of itself holds for all of it, spans or not. */
	if (s->context && !*p->tasks[s->task - 1].service)
		add_label(w, labels, m, "service", profile_context(p, s->context)->service, 0);
}
