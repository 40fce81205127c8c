// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a profile says of its own making: rate, host, and each thing that is
 * missing from it by cause, as lines for people (pprof comments, report header).
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

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

static void read_meta(struct profile *p, const struct capture *c)
{
	uint64_t end = capture_meta_number(c, CAPTURE_META_END_MONO);
	size_t i;

	p->rate = capture_meta_number(c, CAPTURE_META_RATE);
	if (!p->rate)
		p->rate = TICKPROF_RATE_DEFAULT;
	p->period = 1000000000ull / p->rate;
	p->time = capture_meta_number(c, CAPTURE_META_START_REAL);
	p->start = capture_meta_number(c, CAPTURE_META_START_MONO);
	p->cpus = capture_meta_number(c, CAPTURE_META_CPUS);
	for (i = 0; !end && i < p->nr_samples; i++)
		if (p->samples[i].time > p->start + p->duration)
			p->duration = p->samples[i].time - p->start;
	if (end > p->start)
		p->duration = end - p->start;
	p->kernel = meta_string(p, c, CAPTURE_META_KERNEL);
	p->host = meta_string(p, c, CAPTURE_META_HOST);
	p->machine = meta_string(p, c, CAPTURE_META_MACHINE);
	p->command = meta_string(p, c, CAPTURE_META_COMMAND);
	p->complete = capture_complete(c);
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
	merge_counter(&p->stats.lost_samples, n[TICKPROF_COUNTER_LOST_SAMPLES]);
	merge_counter(&p->stats.lost_events, n[TICKPROF_COUNTER_LOST_EVENTS]);
	merge_counter(&p->stats.lost_stacks, n[TICKPROF_COUNTER_LOST_STACKS]);
	merge_counter(&p->stats.missed, n[TICKPROF_COUNTER_MISSED]);
	p->stats.throttled = n[TICKPROF_COUNTER_THROTTLED];
}

static void describe_source(struct profile *p)
{
	profile_add_note(p, "tickprof " TICKPROF_VERSION ": %" PRIu64 " Hz a CPU, "
			 "CPU time = samples x %" PRIu64 " ns", p->rate, p->period);
	if (*p->kernel || *p->host)
		profile_add_note(p, "host %s, Linux %s %s", p->host, p->kernel, p->machine);
	if (p->cpus)
		profile_add_note(p, "%" PRIu64 " CPUs", p->cpus);
	if (*p->command)
		profile_add_note(p, "command: %s", p->command);
}

static void describe_quality(struct profile *p)
{
	const struct profile_stats *s = &p->stats;
	const struct {
		uint64_t n;
		const char *what;
	} rows[] = {
		{ s->lost_samples, "samples lost: the ring was full" },
		{ s->lost_events, "process events lost: the ring was full" },
		{ s->lost_stacks, "stacks or tasks lost: the ring was full" },
		{ s->throttled, "ticks given up: the sampler's CPU-time bound" },
		{ s->missed, "ticks passed unserved: interrupts were off, or a virtual CPU did not run" },
		{ s->user_depth, "user stacks cut at the depth limit" },
		{ s->trimmed, "frames left out that broken chains had made up" },
		{ s->user_fault, "user stacks cut at a page not resident" },
		{ s->user_broken, "user stacks cut where the frame chain broke" },
		{ s->user_fallback, "user stacks with frames found by frame pointer, for want of a table" },
		{ s->kernel_depth, "kernel stacks cut at the depth limit" },
		{ s->kernel_broken, "kernel stacks cut where the unwinder gave up" },
		{ s->nostack, "samples whose stack found no room in the ring" },
		{ s->exiting, "samples of exiting tasks, whose user stack is not read" },
		{ s->compat, "samples of 32-bit tasks, whose user stack is not read" },
		{ s->no_task, "samples whose task is not known" },
		{ s->unresolved_samples, "samples whose function has no name" },
		{ s->unmapped, "places in no known mapping" },
		{ s->gaps, "gaps in the rings' positions" },
		{ s->unresolved_references, "references to records that are not there" },
		{ s->decode_errors, "records that made no sense" },
		{ s->unknown_records, "records of an unknown type" },
	};
	size_t i;

	profile_add_note(p, "%" PRIu64 " samples, %" PRIu64 " in the kernel, %" PRIu64 " idle; "
			 "%" PRIu64 " lost, %" PRIu64 " truncated", s->samples, s->kernel,
			 s->idle, s->lost_samples, s->truncated);
	profile_add_note(p, "%" PRIu64 " of %" PRIu64 " places have no name", s->unresolved,
			 s->locations);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].n)
			profile_add_note(p, "%" PRIu64 " %s", rows[i].n, rows[i].what);
}

void profile_describe(struct profile *p, const struct capture *c)
{
	read_meta(p, c);
	read_counters(p, capture_counters(c));
	describe_source(p);
	if (!p->complete)
		profile_add_note(p, "the capture %s", capture_problem(c));
	describe_quality(p);
}
