// SPDX-License-Identifier: GPL-2.0-only
/* tickprof script: every sample and wait, as perf script prints them, folded, or as JSON. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "out/trace_view.h"
#include "span/span_id.h"
#include "view.h"

enum { OPT_JSON = VIEW_OPTION_END, OPT_FOLDED };

static const struct option_row options[] = {
	VIEW_OPTIONS,
	VIEW_WAIT_OPTIONS,
	{ OPT_FOLDED, "folded", NULL, "one line a distinct stack: process;root;…;leaf COUNT, or\n"
				      "nanoseconds; see --value" },
	{ OPT_JSON, "json", NULL, "one JSON object" },
	OPTIONS_COMMON
};

static struct view_options view_options;
static bool json, folded;

static int script_option(const struct command *cmd, int id)
{
	json |= id == OPT_JSON;
	folded |= id == OPT_FOLDED;
	return COMMAND_RUN;
}

static int script_parse(const struct command *cmd, int argc, char **argv)
{
	int status = view_parse(cmd, argc, argv, &view_options, script_option);

	if (status != COMMAND_RUN)
		return status;
	if (json && folded)
		return usage_error(cmd, "either --json or --folded");
	if (view_options.has_value && !folded)
		return usage_error(cmd, "--value goes with --folded; else all values are printed");
	view_options.profile.each = !folded;
	view_options.profile.no_ids = folded && !view_options.trace && !view_options.span;
	return COMMAND_RUN;
}

static void print_location(const struct profile *p, uint32_t id)
{
	const struct profile_location *l = profile_location(p, id);
	const char *object = l->mapping ? profile_mapping(p, l->mapping)->file : "[unknown]";
	uint32_t i;

	if (!l->nr_lines)
		printf("\t%16" PRIx64 " [unknown] (%s)\n", l->address, object);
	for (i = 0; i < l->nr_lines; i++)
		printf("\t%16" PRIx64 " %s (%s)\n", l->address,
		       profile_function(p, p->lines[l->first_line + i].function)->name,
		       i + 1 < l->nr_lines ? "inlined" : object);
}

static void print_head(const struct profile *p, const struct profile_sample *s)
{
	const struct profile_task *t = &p->tasks[s->task - 1];

	printf("%s %u/%u [%03u] %" PRIu64 ".%06" PRIu64 ": ", t->thread, t->pid, t->tid, s->cpu,
	       s->time / 1000000000, s->time / 1000 % 1000000);
}

static void print_waker(const struct profile_wait *w)
{
	if (w->flags & TICKPROF_WAIT_IRQ)
		printf(", woken by an interrupt");
	else if (w->waker_tid)
		printf(", woken by %s/%u", w->waker, w->waker_tid);
}

/* The span that a thread was in. */
static void print_context(const struct profile *p, uint32_t context, const char *before)
{
	char trace[SPAN_ID_TEXT_MAX], span[SPAN_ID_TEXT_MAX];
	const struct profile_context *c;
	uint32_t i;

	if (!context)
		return;
	c = profile_context(p, context);
	printf("%strace %s span %s", before, span_id_print(c->trace_id, TRACE_ID_SIZE, trace),
	       span_id_print(c->span_id, SPAN_ID_SIZE, span));
	if (*c->span_name)
		printf(" %s", c->span_name);
	if (c->by_thread)
		printf(" (by thread)");
	for (i = 0; i < c->nr_attributes; i++) {
		const struct profile_attribute *a = &p->attributes[c->first_attribute + i];

		printf(" %s=%s", a->key, a->value);
	}
}

/* One WAIT record: the wait that it ends, and what it tells of the time before. */
static void print_wait(const struct profile *p, const struct profile_sample *s)
{
	const struct profile_wait *w = profile_wait(p, s->wait);

	print_head(p, s);
	if (s->waits)
		printf("%.6f ms off-cpu, %.6f ms runq: %s%s%s", s->off_cpu / 1e6, s->runq / 1e6,
		       profile_wait_state(w->state),
		       w->flags & TICKPROF_WAIT_FAULT ? ", fault" : "",
		       w->flags & TICKPROF_WAIT_IO ? ", io" : "");
	else
		printf("%s", w->flags & TICKPROF_WAIT_END ? "ended" : "runs");
	print_waker(w);
	print_context(p, w->waker_context, " in ");
	if (s->waits && w->flags & TICKPROF_WAIT_OPEN)
		printf(", still waits");
	printf("; ran %.6f ms", w->ran / 1e6);
	if (w->short_nr)
		printf(", %u short waits: %.6f ms off-cpu, %.6f ms runq", w->short_nr,
		       w->short_blocked / 1e6, w->short_queued / 1e6);
	print_context(p, s->context, "; ");
	putchar('\n');
}

static void print_sample(const struct profile *p, const struct profile_sample *s,
			 const uint32_t *stack, size_t depth)
{
	size_t i;

	if (s->wait) {
		print_wait(p, s);
	} else {
		print_head(p, s);
		printf("%10" PRIu64 " cpu-clock:", p->period);
		print_context(p, s->context, " ");
		putchar('\n');
	}
	for (i = 0; i < depth; i++)
		print_location(p, stack[i]);
	putchar('\n');
}

static struct json_object *frame_json(const struct profile *p, const struct profile_location *l,
				      uint32_t line)
{
	struct json_object *o = json_object_new_object();

	json_set_u64(o, "address", l->address);
	if (l->mapping)
		json_set_text(o, "object", profile_mapping(p, l->mapping)->file);
	if (line < l->nr_lines) {
		const struct profile_line *at = &p->lines[l->first_line + line];
		const struct profile_function *f = profile_function(p, at->function);

		json_set_text(o, "function", f->name);
		if (*f->file)
			json_set_text(o, "file", f->file);
		if (at->line)
			json_set_u64(o, "line", at->line);
	}
	return o;
}

static void set_context(struct json_object *o, const struct profile *p, uint32_t context)
{
	struct json_object *attributes;
	const struct profile_context *c;
	uint32_t i;

	if (!context)
		return;
	c = profile_context(p, context);
	trace_json_id(o, "trace_id", c->trace_id, TRACE_ID_SIZE);
	trace_json_id(o, "span_id", c->span_id, SPAN_ID_SIZE);
	json_set_u64(o, "trace_flags", c->trace_flags);
	if (*c->span_name)
		json_set_text(o, "span_name", c->span_name);
	if (c->by_thread)
		json_object_object_add(o, "by_thread", json_object_new_boolean(true));
	if (!c->nr_attributes)
		return;
	attributes = json_object_new_object();
	for (i = c->first_attribute; i < c->first_attribute + c->nr_attributes; i++)
		json_set_text(attributes, p->attributes[i].key, p->attributes[i].value);
	json_object_object_add(o, "attributes", attributes);
}

static void set_wait(struct json_object *o, const struct profile *p, const struct profile_sample *s)
{
	const struct profile_wait *w = profile_wait(p, s->wait);

	json_set_text(o, "state", profile_wait_state(w->state));
	json_set_u64(o, "off_cpu_ns", s->off_cpu);
	json_set_u64(o, "runq_ns", s->runq);
	json_set_u64(o, "ran_ns", w->ran);
	json_set_u64(o, "short_waits", w->short_nr);
	json_set_u64(o, "short_off_cpu_ns", w->short_blocked);
	json_set_u64(o, "short_runq_ns", w->short_queued);
	json_object_object_add(o, "fault", json_object_new_boolean(w->flags & TICKPROF_WAIT_FAULT));
	json_object_object_add(o, "io", json_object_new_boolean(w->flags & TICKPROF_WAIT_IO));
	json_object_object_add(o, "interrupt", json_object_new_boolean(w->flags & TICKPROF_WAIT_IRQ));
	json_object_object_add(o, "open", json_object_new_boolean(w->flags & TICKPROF_WAIT_OPEN));
	json_object_object_add(o, "end", json_object_new_boolean(w->flags & TICKPROF_WAIT_END));
	if (*w->waker) {
		json_set_text(o, "waker", w->waker);
		json_set_u64(o, "waker_tid", w->waker_tid);
		json_set_u64(o, "waker_pid", w->waker_pid);
	}
	if (w->waker_context) {
		const struct profile_context *c = profile_context(p, w->waker_context);

		trace_json_id(o, "waker_trace_id", c->trace_id, TRACE_ID_SIZE);
		trace_json_id(o, "waker_span_id", c->span_id, SPAN_ID_SIZE);
	}
}

static void print_sample_json(const struct profile *p, const struct profile_sample *s,
			      const uint32_t *stack, size_t depth)
{
	const struct profile_task *t = &p->tasks[s->task - 1];
	struct json_object *o = json_object_new_object(), *frames = json_object_new_array();
	size_t i;
	uint32_t n;

	json_set_u64(o, "time_ns", s->time);
	json_set_u64(o, "cpu", s->cpu);
	json_set_u64(o, "pid", t->pid);
	json_set_u64(o, "tid", t->tid);
	json_set_text(o, "process", t->process);
	json_set_text(o, "thread", t->thread);
	if (*t->cgroup)
		json_set_text(o, "cgroup", t->cgroup);
	if (*t->service)
		json_set_text(o, "service", t->service);
	set_context(o, p, s->context);
	if (s->wait)
		set_wait(o, p, s);
	for (i = 0; i < depth; i++) {
		const struct profile_location *l = profile_location(p, stack[i]);

		for (n = 0; n < (l->nr_lines ? l->nr_lines : 1); n++)
			json_object_array_add(frames, frame_json(p, l, n));
	}
	json_object_object_add(o, "stack", frames);
	fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
	json_object_put(o);
}

static void script_json_list(const struct profile *p, const char *key, bool waits)
{
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	const char *comma = "";
	size_t i;

	printf(",\"%s\":[", key);
	for (i = 0; i < p->nr_samples; i++) {
		const struct profile_sample *s = &p->samples[i];

		if (waits != !!s->wait)
			continue;
		printf("%s\n", comma);
		print_sample_json(p, s, stack, profile_stack(p, s, stack));
		comma = ",";
	}
	printf("\n]");
}

/* Printed piece by piece: the object as a whole may be large. */
static void script_json(const struct view *v)
{
	const struct profile *p = v->profile;

	printf("{\"schema\":%d,\"rate\":%" PRIu64 ",\"lost\":%" PRIu64, JSON_SCHEMA, p->rate,
	       p->stats.lost_samples);
	if (p->waited)
		printf(",\"lost_waits\":%" PRIu64, p->stats.lost_waits);
	script_json_list(p, "samples", false);
	if (p->waited)
		script_json_list(p, "waits", true);
	puts("}");
}

static void script_text(const struct view *v)
{
	const struct profile *p = v->profile;
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	size_t i;

	for (i = 0; i < p->nr_samples; i++) {
		const struct profile_sample *s = &p->samples[i];

		print_sample(p, s, stack, profile_stack(p, s, stack));
	}
}

static int script_run(const struct command *cmd, int argc, char **argv)
{
	struct view v;
	int status = view_open(&v, &view_options);

	if (status == EXIT_OK && v.idle.waits)
		warn("%" PRIu64 " waits of idle kernel threads (%.3f s) are left out; --idle shows them",
		     v.idle.waits, v.idle.off_cpu / 1e9);
	if (status == EXIT_OK && folded) {
		status = exit_status(profile_write_folded(v.profile, v.value, stdout));
	} else if (status == EXIT_OK && json) {
		script_json(&v);
	} else if (status == EXIT_OK) {
		script_text(&v);
	}
	view_close(&v);
	view_options_deinit(&view_options);
	return status;
}

const struct command cmd_script = {
	.name = "script",
	.summary = "Print every sample and wait with its stack",
	.usage = "[OPTION]... [FILE]",
	.options = options,
	.notes = "Samples are in the order of time, stacks leaf first, addresses as the object's\n"
		 "symbol table counts them. A wait stands where it ended: how long it was blocked\n"
		 "and then queued for a CPU, why, who woke it, and how long the thread ran before.\n"
		 "--folded is what flamegraph.pl reads.",
	.parse = script_parse,
	.run = script_run,
};
