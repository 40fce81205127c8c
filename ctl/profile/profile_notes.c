// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a profile says of its own making: rate, host, and each thing that is
 * missing from it by cause, as lines for people (pprof comments, report header).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profile_build.h"

void profile_add_note(struct profile *p, const char *fmt, ...)
{
	char *line;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = xstrdup("");
	va_end(ap);
	GROW(p->notes, p->private->cap_notes, p->nr_notes + 1);
	p->notes[p->nr_notes++] = line;
}

static const char *meta_string(struct profile *p, const struct capture *c, const char *key)
{
	return profile_string(p, capture_meta(c, key));
}

/* A capture that does not say what was recorded is judged by what is in it. */
static void read_source(struct profile *p, const struct capture *c)
{
	const char *source = capture_meta(c, CAPTURE_META_SOURCE);

	p->waited = source ? strstr(source, "offcpu") != NULL : p->stats.waits || p->nr_threads;
	p->ticks = source ? strcmp(source, "offcpu") != 0 : p->stats.samples || !p->waited;
	p->wait_min = capture_meta_number(c, CAPTURE_META_WAIT_MIN);
}

static void read_meta(struct profile *p, const struct capture *c)
{
	uint64_t end = capture_meta_number(c, CAPTURE_META_END_MONO);
	uint64_t end_real = capture_meta_number(c, CAPTURE_META_END_REAL);
	size_t i;

	read_source(p, c);

	p->rate = capture_meta_number(c, CAPTURE_META_RATE);
	if (!p->rate)
		p->rate = TICKPROF_RATE_DEFAULT;
	p->period = 1000000000ull / p->rate;
	p->time = capture_meta_number(c, CAPTURE_META_START_REAL);
	p->start = capture_meta_number(c, CAPTURE_META_START_MONO);
	p->cpus = capture_meta_number(c, CAPTURE_META_CPUS);
	if (end_real)
		p->clock_set = (end_real - end) - (p->time - p->start);
	for (i = 0; !end && i < p->nr_samples; i++)
		if (p->samples[i].time > p->start + p->duration)
			p->duration = p->samples[i].time - p->start;
	if (end > p->start)
		p->duration = end - p->start;
	p->kernel = meta_string(p, c, CAPTURE_META_KERNEL);
	p->host = meta_string(p, c, CAPTURE_META_HOST);
	p->machine = meta_string(p, c, CAPTURE_META_MACHINE);
	p->command = meta_string(p, c, CAPTURE_META_COMMAND);
	p->unwind = meta_string(p, c, CAPTURE_META_UNWIND);
	p->complete = capture_complete(c);
}

static void read_no_tables(struct profile *p, const struct capture *c)
{
	const char *value, *tab;

	while (p->nr_no_tables < CAPTURE_NO_TABLES_MAX) {
		char *key __free = xasprintf(CAPTURE_META_NO_TABLE "%zu", p->nr_no_tables);

		value = capture_meta(c, key);
		tab = value ? strrchr(value, '\t') : NULL;
		if (!tab)
			return;
		char *path __free = xasprintf("%.*s", (int)(tab - value), value);

		GROW(p->no_tables, p->private->cap_no_tables, p->nr_no_tables + 1);
		p->no_tables[p->nr_no_tables++] = (struct profile_no_table) {
			.path = profile_string(p, path), .reason = profile_string(p, tab + 1),
		};
	}
}

static void merge_counter(uint64_t *value, uint64_t counter)
{
	if (counter > *value)
		*value = counter;
}

/* The module counts what LOST records could not tell, such as the last loss. */
static void read_counters(struct profile *p, const uint64_t *n)
{
	if (!n)
		return;
	/* LOST records tell of samples and waits as one. */
	p->stats.lost_waits = n[TICKPROF_COUNTER_LOST_WAITS];
	p->stats.lost_samples -= p->stats.lost_samples < p->stats.lost_waits ?
				 p->stats.lost_samples : p->stats.lost_waits;
	p->stats.unknown_waits = n[TICKPROF_COUNTER_UNKNOWN_WAITS];
	merge_counter(&p->stats.lost_samples, n[TICKPROF_COUNTER_LOST_SAMPLES]);
	merge_counter(&p->stats.lost_events, n[TICKPROF_COUNTER_LOST_EVENTS]);
	merge_counter(&p->stats.lost_stacks, n[TICKPROF_COUNTER_LOST_STACKS]);
	merge_counter(&p->stats.missed, n[TICKPROF_COUNTER_MISSED]);
	p->stats.throttled = n[TICKPROF_COUNTER_THROTTLED];
	p->stats.no_maps = n[TICKPROF_COUNTER_USER_NO_MAPS];
	p->stats.context_unknown = n[TICKPROF_COUNTER_CONTEXT_UNKNOWN];
	p->stats.context_invalid = n[TICKPROF_COUNTER_CONTEXT_INVALID];
	p->stats.context_fault = n[TICKPROF_COUNTER_CONTEXT_FAULT];
	p->stats.context_cut = n[TICKPROF_COUNTER_CONTEXT_CUT];
	p->stats.lost_later = n[TICKPROF_COUNTER_LOST_LATER];
}

static void describe_source(struct profile *p)
{
	if (p->ticks)
		profile_add_note(p, "tickprof " TICKPROF_VERSION ": %" PRIu64 " Hz a CPU, "
				 "CPU time = samples x %" PRIu64 " ns", p->rate, p->period);
	else
		profile_add_note(p, "tickprof " TICKPROF_VERSION ": waits, no samples");
	if (p->waited)
		profile_add_note(p, "waits are exact: off_cpu = time blocked, runq = time queued "
				 "for a CPU; shorter than %" PRIu64 " ns: [short waits]",
				 p->wait_min);
	if (*p->kernel || *p->host)
		profile_add_note(p, "host %s, Linux %s %s", p->host, p->kernel, p->machine);
	if (p->cpus)
		profile_add_note(p, "%" PRIu64 " CPUs", p->cpus);
	if (*p->command)
		profile_add_note(p, "command: %s", p->command);
}

uint64_t profile_walks_total(const struct profile_walks *w)
{
	uint64_t n = 0;
	size_t i;

	for (i = PROFILE_END_ROOT; i < PROFILE_ENDS; i++)
		n += w->ended[i];
	return n;
}

/* Takes both over. */
static char *join(char *text, char *more)
{
	char *joined = xasprintf("%s%s", text, more);

	free(text);
	free(more);
	return joined;
}

char *profile_walks_text(const struct profile *p, const struct profile_walks *w)
{
	static const char *const ends[PROFILE_ENDS] = {
		[PROFILE_END_DEPTH] = "cut at the depth limit",
		[PROFILE_END_FAULT] = "cut at a page not resident",
		[PROFILE_END_BROKEN] = "cut where no caller was found",
	};
	const bool fp = !strcmp(p->unwind, "fp");
	char *text = xasprintf("%" PRIu64 " user stacks%s: %" PRIu64 " complete",
			       profile_walks_total(w), fp ? " by frame pointer alone" : "",
			       w->ended[PROFILE_END_ROOT]);
	size_t i;

	for (i = PROFILE_END_DEPTH; i < PROFILE_ENDS; i++)
		if (w->ended[i])
			text = join(text, xasprintf(", %" PRIu64 " %s", w->ended[i], ends[i]));
	if (w->fallback && !fp)
		text = join(text, xasprintf("; in %" PRIu64 " some frame was found by "
					    "frame pointer alone", w->fallback));
	if (w->later)
		text = join(text, xasprintf("; %" PRIu64 " finished once a page had been read",
					    w->later));
	return text;
}

char *profile_tables_text(const struct profile *p, const struct capture *c)
{
	uint64_t waiting = capture_meta_number(c, CAPTURE_META_WAITING);
	char *text;

	if (!capture_meta(c, CAPTURE_META_TABLES))
		return NULL;
	text = xasprintf("unwind tables of %" PRIu64 " files, %" PRIu64 " of them compiled now",
			 capture_meta_number(c, CAPTURE_META_TABLES),
			 capture_meta_number(c, CAPTURE_META_COMPILED));
	if (p->nr_no_tables)
		text = join(text, xasprintf("; %zu files have none", p->nr_no_tables));
	if (waiting)
		text = join(text, xasprintf("; %" PRIu64 " were not reached before the end",
					    waiting));
	return text;
}

static void describe_walks(struct profile *p, const struct capture *c)
{
	char *tables __free = profile_tables_text(p, c);
	char *walks __free = NULL;

	if (profile_walks_total(&p->stats.walks)) {
		walks = profile_walks_text(p, &p->stats.walks);
		profile_add_note(p, "%s", walks);
	}
	if (tables)
		profile_add_note(p, "%s", tables);
}

static void describe_amounts(struct profile *p)
{
	const struct profile_stats *s = &p->stats;

	if (p->ticks)
		profile_add_note(p, "%" PRIu64 " samples, %" PRIu64 " in the kernel, %" PRIu64
				 " idle; %" PRIu64 " lost, %" PRIu64 " truncated", s->samples,
				 s->kernel, s->idle, s->lost_samples, s->truncated);
	if (p->waited)
		profile_add_note(p, "%" PRIu64 " waits and %" PRIu64 " short ones: %.6f s blocked, "
				 "%.6f s queued", s->waits, s->short_waits, s->off_cpu / 1e9,
				 s->runq / 1e9);
}

static void describe_quality(struct profile *p, const struct capture *c)
{
	const struct profile_stats *s = &p->stats;
	const char *entries = p->waited ? "samples and waits " : "samples ";
	const struct {
		uint64_t n;
		const char *whose, *what;
	} rows[] = {
		{ s->lost_samples, "", "samples lost: the ring was full" },
		{ s->lost_events, "", "process events lost: the ring was full" },
		{ s->lost_stacks, "", "stacks or tasks lost: the ring was full" },
		{ s->lost_later, "", "samples lost: they waited for a page of their stack at the end" },
		{ s->lost_waits, "", "waits found the ring full: their time is in [short waits]" },
		{ s->unknown_waits, "", "switches of threads that --wait-tasks had no room for" },
		{ s->throttled, "", "ticks given up: the sampler's CPU-time bound" },
		{ s->missed, "", "ticks passed unserved: interrupts were off, or a virtual CPU did not run" },
		{ s->trimmed, "", "frames left out that broken chains had made up" },
		{ s->no_maps, "", "user stacks walked before their process's mappings were known" },
		{ s->kernel_depth, "", "kernel stacks cut at the depth limit" },
		{ s->kernel_broken, "", "kernel stacks cut where the unwinder gave up" },
		{ s->nostack, entries, "whose stack found no room in the ring" },
		{ s->exiting, entries, "of exiting tasks, whose user stack is not read" },
		{ s->compat, entries, "of 32-bit tasks, whose user stack is not read" },
		{ s->no_task, entries, "whose task is not known" },
		{ s->in_span, entries, "in a span" },
		{ s->by_thread, entries, "joined to a span by thread and time" },
		{ s->with_profile_id, entries, "whose span_id is a pyroscope.profile.id" },
		{ s->context_unknown, entries, "before it was known where the process keeps its span" },
		{ s->context_invalid, entries, "of threads that were changing their span" },
		{ s->context_fault, entries, "whose span was not in memory" },
		{ s->context_cut, "", "spans with attributes left out" },
		{ s->bad_processes, "", "accounts of processes that made no sense" },
		{ s->unresolved_samples, "", "samples whose function has no name" },
		{ s->unmapped, "", "places in no known mapping" },
		{ s->unknown_states, "", "waits in a state that this version does not know" },
		{ s->gaps, "", "gaps in the rings' positions" },
		{ s->unresolved_references, "", "references to records that are not there" },
		{ s->decode_errors, "", "records that made no sense" },
		{ s->unknown_records, "", "records of an unknown type" },
	};
	size_t i;

	describe_amounts(p);
	describe_walks(p, c);
	profile_add_note(p, "%" PRIu64 " of %" PRIu64 " places have no name", s->unresolved,
			 s->locations);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].n)
			profile_add_note(p, "%" PRIu64 " %s%s", rows[i].n, rows[i].whose,
					 rows[i].what);
}

static void describe_keep(struct profile *p, const struct capture *c)
{
	struct capture_keep *keep = &p->private->keep;
	char *lines[CAPTURE_KEEP_LINES];
	size_t nr, i;

	if (!capture_read_keep(c, keep))
		return;
	p->keep = keep;
	nr = capture_keep_text(keep, lines);
	for (i = 0; i < nr; i++) {
		profile_add_note(p, "%s", lines[i]);
		free(lines[i]);
	}
}

void profile_describe(struct profile *p, const struct capture *c)
{
	read_meta(p, c);
	read_no_tables(p, c);
	read_counters(p, capture_counters(c));
	describe_source(p);
	if (!p->complete)
		profile_add_note(p, "the capture %s", capture_problem(c));
	describe_keep(p, c);
	describe_quality(p, c);
}
