// SPDX-License-Identifier: GPL-2.0-only
/* What a recording got and lacks, from the module's counters, and what to do about it. */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "record_losses.h"

static void explain_no_waits(const uint64_t *c)
{
	const char *why = "no target came to a CPU or left one while it was recorded";

	if (c[TICKPROF_COUNTER_LOST_WAITS])
		why = "every wait found its ring full: enlarge the rings with -m";
	else if (c[TICKPROF_COUNTER_UNKNOWN_WAITS])
		why = "the threads found no place in the module's table: raise --wait-tasks";
	err("no waits were recorded: %s", why);
}

void record_explain_empty(const struct control_session *s)
{
	const char *why = "nothing ran on a CPU while it was recorded";
	const uint64_t *c = s->counters;

	if (s->config.flags & TICKPROF_F_NO_TICKS)
		return explain_no_waits(c);
	if (c[TICKPROF_COUNTER_LOST_SAMPLES])
		why = "every sample found its ring full: enlarge the rings with -m";
	else if (c[TICKPROF_COUNTER_THROTTLED])
		why = "every tick was given up to hold the bound: lower -F or raise --throttle";
	else if (c[TICKPROF_COUNTER_NO_REGS])
		why = "the timer found no interrupted registers: see `tickprof check`";
	else if (c[TICKPROF_COUNTER_FILTERED])
		why = "the timer fired, but never while a target was on a CPU: raise -F, record for longer, "
		      "see with --source offcpu what they wait for, or look at the targets";
	err("nothing was sampled: %s", why);
}

static void warn_waits(const struct control_session *s)
{
	const uint64_t *c = s->counters;

	if (c[TICKPROF_COUNTER_LOST_WAITS])
		warn("%" PRIu64 " of %" PRIu64 " waits found the ring full, so their time is kept but not their stacks: enlarge it with -m %uK or raise --min-wait",
		     c[TICKPROF_COUNTER_LOST_WAITS],
		     c[TICKPROF_COUNTER_LOST_WAITS] + c[TICKPROF_COUNTER_WAITS],
		     s->config.ring_size / 256);
	if (c[TICKPROF_COUNTER_UNKNOWN_WAITS])
		warn("%" PRIu64 " switches were of threads beyond --wait-tasks %u, of whose time nothing is known: give a larger one",
		     c[TICKPROF_COUNTER_UNKNOWN_WAITS], s->config.wait_tasks);
}

void record_warn_losses(const struct control_session *s)
{
	const uint64_t *c = s->counters;

	if (c[TICKPROF_COUNTER_LOST_SAMPLES])
		warn("%" PRIu64 " of %" PRIu64 " samples found the ring full: enlarge it with -m %uK or lower -F",
		     c[TICKPROF_COUNTER_LOST_SAMPLES],
		     c[TICKPROF_COUNTER_LOST_SAMPLES] + c[TICKPROF_COUNTER_SAMPLES],
		     s->config.ring_size / 256);
	warn_waits(s);
	if (c[TICKPROF_COUNTER_LOST_EVENTS])
		warn("%" PRIu64 " process events were lost, so some functions may stay without a name: enlarge the ring with -m %uK",
		     c[TICKPROF_COUNTER_LOST_EVENTS], s->config.ring_size / 256);
	if (c[TICKPROF_COUNTER_LOST_STACKS])
		warn("%" PRIu64 " stacks were lost: enlarge the ring with -m %uK",
		     c[TICKPROF_COUNTER_LOST_STACKS], s->config.ring_size / 256);
	if (c[TICKPROF_COUNTER_LOST_LATER])
		warn("%" PRIu64 " samples were lost: a page of their stack had not been read when the recording ended",
		     c[TICKPROF_COUNTER_LOST_LATER]);
	/* Less moves no figure; status and profile tell of every one. */
	if (c[TICKPROF_COUNTER_THROTTLED] > c[TICKPROF_COUNTER_TICKS] / 100)
		warn("%" PRIu64 " of %" PRIu64 " ticks were given up to keep sampling below %g %% of a CPU: lower -F or raise --throttle",
		     c[TICKPROF_COUNTER_THROTTLED],
		     c[TICKPROF_COUNTER_TICKS],
		     s->config.throttle / 10.0);
	if (c[TICKPROF_COUNTER_BAD_TAIL])
		warn("%" PRIu64 " records were refused for a bad reader position",
		     c[TICKPROF_COUNTER_BAD_TAIL]);
}

void record_closing_line(const struct control_session *s, uint64_t bytes, uint64_t truncated,
			 const char *path)
{
	const uint32_t flags = s->config.flags;
	const uint64_t *c = s->counters;
	const double mb = bytes / 1e6;

	if (verbosity < 0)
		return;
	fprintf(stderr, "[ tickprof record: captured ");
	if (!(flags & TICKPROF_F_NO_TICKS))
		fprintf(stderr, "%" PRIu64 " samples%s", c[TICKPROF_COUNTER_SAMPLES],
			flags & TICKPROF_F_WAITS ? ", " : "");
	if (flags & TICKPROF_F_WAITS)
		fprintf(stderr, "%" PRIu64 " waits", c[TICKPROF_COUNTER_WAITS]);
	fprintf(stderr, " (%" PRIu64 " lost, %" PRIu64 " truncated) in %.*f MB, wrote %s ]\n",
		c[TICKPROF_COUNTER_LOST_SAMPLES] + c[TICKPROF_COUNTER_LOST_WAITS], truncated,
		mb < 1 ? 3 : 1, mb, strcmp(path, "-") ? path : "standard output");
}
