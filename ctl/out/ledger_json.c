// SPDX-License-Identifier: GPL-2.0-only
/* A ledger as --json: see ledger_view.h. Times are nanoseconds, ids hexadecimal digits. */
#include <stdlib.h>

#include "base/json.h"
#include "base/util.h"
#include "ledger_view.h"
#include "trace_view.h"

static void add_shares(const struct ledger *l, uint32_t trace, struct json_object *o)
{
	struct ledger_shares s;

	ledger_shares(l, trace, &s);
	json_set_u64(o, "running_ns", s.running);
	json_set_u64(o, "queued_ns", s.queued);
	json_set_u64(o, "blocked_ns", s.blocked);
	json_set_u64(o, "unseen_ns", s.unseen);
	json_set_u64(o, "seen_spans", s.spans);
	json_set_u64(o, "threads", s.threads);
}

void ledger_json_list(const struct ledger *l, const struct span_selection *s, struct json_object *o)
{
	struct json_object *traces = json_object_new_array(), *trace;
	size_t i;

	json_set_u64(o, "nr_fit", s->nr_fit);
	for (i = 0; i < s->nr; i++) {
		const struct span_trace *t = &l->m->traces[s->traces[i]];

		trace = trace_json_trace(l->m, t);
		json_object_object_add(trace, "by_ids_alone",
				       json_object_new_boolean(ledger_is_sight(l, t->root)));
		add_shares(l, s->traces[i], trace);
		json_object_array_add(traces, trace);
	}
	json_object_object_add(o, "traces", traces);
}

static struct json_object *time_object(const struct ledger_time *t)
{
	struct json_object *o = json_object_new_object(), *states = json_object_new_object();
	size_t i;

	json_set_u64(o, "running_ns", t->running);
	json_set_u64(o, "runnable_ns", t->queued);
	json_set_u64(o, "blocked_ns", ledger_blocked(t));
	for (i = 0; i < PROFILE_WAIT_STATES; i++)
		if (t->blocked[i])
			json_set_u64(states, profile_wait_state(i), t->blocked[i]);
	json_object_object_add(o, "states", states);
	json_set_u64(o, "io_ns", t->io);
	json_set_u64(o, "fault_ns", t->fault);
	json_set_u64(o, "faults", t->faults);
	json_set_u64(o, "waits", t->waits);
	return o;
}

static void set_task(struct json_object *o, const struct profile_task *t)
{
	json_set_u64(o, "pid", t->pid);
	json_set_u64(o, "tid", t->tid);
	json_set_text(o, "process", t->process);
	json_set_text(o, "thread", t->thread);
}

static struct json_object *threads_array(const struct ledger *l, uint32_t n)
{
	struct json_object *array = json_object_new_array(), *o;
	size_t nr, i;
	struct ledger_part *parts = ledger_parts(l, n, &nr);

	for (i = 0; i < nr; i++) {
		o = time_object(&parts[i].time);
		set_task(o, &l->p->tasks[l->threads[parts[i].thread].task - 1]);
		json_object_array_add(array, o);
	}
	free(parts);
	return array;
}

/* Functions, leaf first, those that were inlined before what they are in. */
static struct json_object *frames_array(const struct profile *p, uint32_t entry)
{
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	const size_t depth = profile_stack(p, &p->samples[entry], stack);
	struct json_object *array = json_object_new_array();
	uint32_t n;
	size_t i;

	for (i = 0; i < depth; i++) {
		const struct profile_location *at = profile_location(p, stack[i]);

		if (!at->nr_lines)
			json_add_text(array, "[unknown]");
		for (n = 0; n < at->nr_lines; n++)
			json_add_text(
				array,
				profile_function(p, p->lines[at->first_line + n].function)->name);
	}
	return array;
}

static const char *weight_key(bool samples)
{
	return samples ? "samples" : "blocked_ns";
}

static struct json_object *blame_array(const struct ledger_blame *blame, bool samples)
{
	struct json_object *array = json_object_new_array();
	size_t i, n;

	for (i = 0; i < blame->nr; i++) {
		const struct ledger_blame_row *row = &blame->rows[i];
		struct json_object *o = json_object_new_object(), *path = json_object_new_array();

		json_set_text(o, "function", row->nr_path ? row->path[0] : "[unknown]");
		json_set_u64(o, weight_key(samples), row->weight);
		json_set_u64(o, "of", blame->total);
		for (n = 0; n < row->nr_path; n++)
			json_add_text(path, row->path[n]);
		json_object_object_add(o, "path", path);
		if (!samples)
			json_set_text(o, "state", profile_wait_state(row->state));
		if (*row->site && !samples)
			json_set_text(o, "site", row->site);
		json_object_array_add(array, o);
	}
	return array;
}

static void add_stacks(const struct ledger *l, uint32_t n, bool samples, struct json_object *o)
{
	struct json_object *array = json_object_new_array(), *row;
	struct ledger_blame blame;
	size_t nr, i;
	struct ledger_stack *stacks =
		ledger_stacks(l, n, samples ? LEDGER_SAMPLES : LEDGER_WAITS, &nr);

	ledger_blame(l, stacks, nr, &blame);
	json_object_object_add(o, samples ? "on_cpu" : "off_cpu", blame_array(&blame, samples));
	for (i = 0; i < nr; i++) {
		row = json_object_new_object();
		json_set_u64(row, weight_key(samples), stacks[i].weight);
		if (!samples) {
			json_set_u64(row, "waits", stacks[i].nr);
			json_set_text(row, "state", profile_wait_state(stacks[i].state));
		}
		json_object_object_add(row, "frames", frames_array(l->p, stacks[i].entry));
		json_object_array_add(array, row);
	}
	json_object_object_add(o, samples ? "on_cpu_stacks" : "off_cpu_stacks", array);
	free(stacks);
}

static struct json_object *wakers_array(const struct ledger *l, uint32_t n)
{
	struct json_object *array = json_object_new_array(), *o;
	size_t nr, i;
	struct ledger_waker *wakers = ledger_wakers(l, n, &nr);

	for (i = 0; i < nr; i++) {
		const struct ledger_waker *w = &wakers[i];
		const uint32_t span = l->of_context[w->context];

		o = json_object_new_object();
		json_object_object_add(o, "interrupt", json_object_new_boolean(!w->tid));
		if (w->tid) {
			json_set_u64(o, "pid", w->pid);
			json_set_u64(o, "tid", w->tid);
			json_set_text(o, "thread", w->name);
		}
		if (w->context) {
			const struct profile_context *c = profile_context(l->p, w->context);

			trace_json_id(o, "trace_id", c->trace_id, TRACE_ID_SIZE);
			trace_json_id(o, "span_id", c->span_id, SPAN_ID_SIZE);
			if (span && !ledger_is_sight(l, span))
				json_set_text(o, "span_name", l->m->spans[span].name);
		}
		json_set_u64(o, "blocked_ns", w->blocked);
		json_set_u64(o, "waits", w->waits);
		json_object_array_add(array, o);
	}
	free(wakers);
	return array;
}

static struct json_object *span_ledger(const struct ledger *l, uint32_t n)
{
	struct json_object *o = trace_json_span(l->m, &l->m->spans[n]);
	const struct ledger_span *s = &l->spans[n];
	const struct span *span = &l->m->spans[n];

	json_object_object_add(o, "marked", json_object_new_boolean(span->flags & SPAN_MARKED));
	if (span->flags & SPAN_HAS_CPU)
		json_set_u64(o, "cpu_ns", span->cpu);
	json_object_object_add(o, "seen", json_object_new_boolean(s->nr));
	json_object_object_add(o, "by_ids_alone", json_object_new_boolean(ledger_is_sight(l, n)));
	json_object_object_add(o, "by_thread", json_object_new_boolean(s->by_thread));
	json_set_text(o, "running_by", ledger_basis_name(s->basis));
	json_object_object_add(o, "total", time_object(&s->total));
	json_object_object_add(o, "own", time_object(&s->self));
	json_set_u64(o, "about_ns", s->about);
	json_set_u64(o, "outside_ns", s->outside);
	json_set_u64(o, "unseen_ns", ledger_unseen(l, n));
	json_set_u64(o, "samples", s->samples);
	json_object_object_add(o, "threads", threads_array(l, n));
	add_stacks(l, n, false, o);
	add_stacks(l, n, true, o);
	json_object_object_add(o, "wakers", wakers_array(l, n));
	return o;
}

static void add_fault(const struct ledger *l, uint32_t trace, struct json_object *doc)
{
	struct json_object *o = json_object_new_object();
	struct ledger_fault fault;
	const struct span *s;

	ledger_fault(l, trace, &fault);
	if (fault.span) {
		s = &l->m->spans[fault.span];
		trace_json_id(o, "span_id", s->id, SPAN_ID_SIZE);
		json_set_text(o, "service", span_resource(l->m, s)->service);
		json_set_text(o, "name", s->name);
		json_set_text(o, "what", fault.what);
		json_set_u64(o, "ns", fault.ns);
		json_object_object_add(o, "functions",
				       blame_array(&fault.blame, *fault.what != 'b'));
	}
	json_object_object_add(doc, "most", o);
}

void ledger_json_tree(const struct ledger *l, uint32_t trace, struct json_object *o)
{
	const struct span_trace *t = &l->m->traces[trace];
	struct json_object *doc = trace_json_trace(l->m, t), *spans = json_object_new_array();
	uint32_t n;

	add_shares(l, trace, doc);
	add_fault(l, trace, doc);
	for (n = t->top; n; n = span_model_next(l->m, n))
		json_object_array_add(spans, span_ledger(l, n));
	json_object_object_add(doc, "spans", spans);
	json_object_object_add(o, "trace", doc);
}
