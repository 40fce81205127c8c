// SPDX-License-Identifier: GPL-2.0-only
/* What stands above every table of `tickprof report`, and the numbers in them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "report.h"
#include "view_keep.h"

/* Below this a table is in milliseconds. */
#define MS_TABLE_MAX	10000000000ull

static const char *time_unit(uint64_t total)
{
	return total < MS_TABLE_MAX ? "ms" : "s";
}

static double time_in(uint64_t ns, uint64_t total)
{
	return ns / (total < MS_TABLE_MAX ? 1e6 : 1e9);
}

const char *report_unit(enum profile_column column, uint64_t total)
{
	return column == PROFILE_SAMPLES ? "samples" : time_unit(total);
}

void report_print_value(enum profile_column column, uint64_t value, uint64_t total)
{
	if (column == PROFILE_SAMPLES)
		printf("%8" PRIu64, value);
	else
		printf("%8.3f", time_in(value, total));
}

static void print_counts(const struct profile *p)
{
	if (p->ticks)
		printf("%" PRIu64 " samples at %" PRIu64 " Hz", p->stats.samples, p->rate);
	if (p->ticks && p->waited)
		printf(" and ");
	if (p->waited)
		printf("%" PRIu64 " waits", p->stats.waits + p->stats.short_waits);
}

/* Of waits nothing is estimated; of idle threads nothing is hidden in silence. */
static void print_shown(const struct view *v, enum profile_column column, uint64_t total)
{
	static const char *const what[PROFILE_COLUMNS] = {
		[PROFILE_CPU] = "on a CPU, samples x period",
		[PROFILE_OFF_CPU] = "blocked, exact",
		[PROFILE_RUNQ] = "queued for a CPU, exact",
	};
	const uint64_t idle = column == PROFILE_RUNQ ? v->idle.runq : v->idle.off_cpu;

	if (column == PROFILE_SAMPLES)
		return;
	printf("# %s: %.3f %s %s\n", profile_column_names[column], time_in(total, total),
	       time_unit(total), what[column]);
	if (idle && column != PROFILE_CPU)
		printf("# left out: %.3f %s of idle kernel threads; --idle shows them\n",
		       time_in(idle, idle), time_unit(idle));
}

void report_print_header(const struct view *v, enum profile_column column, uint64_t total)
{
	const struct profile *p = v->profile;
	size_t i;

	printf("# %s: ", v->path);
	print_counts(p);
	printf(" in %.1f s", p->duration / 1e9);
	if (*p->host)
		printf(" on %s", p->host);
	if (*p->kernel)
		printf(", Linux %s", p->kernel);
	printf("\n# %" PRIu64 " lost, %" PRIu64 " truncated (-v: why, --unwind: where)",
	       p->stats.lost_samples + p->stats.lost_waits, p->stats.truncated);
	if (p->ticks)
		printf(", %.1f%% without a name",
		       report_percent(p->stats.unresolved_samples, p->stats.samples));
	if (column == PROFILE_SAMPLES && total != p->stats.samples)
		printf("; %" PRIu64 " samples shown here", total);
	putchar('\n');
	if (verbosity <= 0)
		view_keep_print(p);	/* else it is among the notes */
	print_shown(v, column, total);
	if (p->stats.unresolved_samples > p->stats.samples / 10)
		puts("# more names: record again with debug packages (-dbgsym) installed, or DEBUGINFOD_URLS set");
	for (i = 0; verbosity > 0 && i < p->nr_notes; i++)
		printf("# %s\n", p->notes[i]);
	puts("#");
}

static void waits_json(struct json_object *o, const struct view *v)
{
	const struct profile_stats *s = &v->profile->stats;

	json_set_u64(o, "waits", s->waits);
	json_set_u64(o, "short_waits", s->short_waits);
	json_set_u64(o, "off_cpu_ns", s->off_cpu);
	json_set_u64(o, "runq_ns", s->runq);
	json_set_u64(o, "lost_waits", s->lost_waits);
	json_set_u64(o, "unknown_waits", s->unknown_waits);
	json_set_u64(o, "idle_waits_left_out", v->idle.waits);
	json_set_u64(o, "idle_off_cpu_ns_left_out", v->idle.off_cpu);
	json_set_u64(o, "idle_runq_ns_left_out", v->idle.runq);
}

struct json_object *report_header_json(const struct view *v, enum profile_column column,
				       uint64_t total)
{
	const struct profile *p = v->profile;
	struct json_object *o = json_document();

	json_set_text(o, "value", profile_column_names[column]);
	json_set_text(o, "unit", profile_column_units[column]);
	json_set_u64(o, "total", total);
	json_set_u64(o, "samples", p->stats.samples);
	if (column == PROFILE_SAMPLES)
		json_set_u64(o, "samples_shown", total);
	json_set_u64(o, "lost", p->stats.lost_samples);
	json_set_u64(o, "truncated", p->stats.truncated);
	json_set_u64(o, "unresolved", p->stats.unresolved_samples);
	if (p->waited)
		waits_json(o, v);
	json_set_u64(o, "rate", p->rate);
	json_set_u64(o, "period_ns", p->period);
	json_set_u64(o, "duration_ns", p->duration);
	view_keep_json(p, o);
	json_set_text(o, "host", p->host);
	json_set_text(o, "kernel", p->kernel);
	json_object_object_add(o, "complete", json_object_new_boolean(p->complete));
	return o;
}
