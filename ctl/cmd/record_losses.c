// SPDX-License-Identifier: GPL-2.0-only
/* What a recording lacks, from the module's counters, and what to do about it. */
#include <inttypes.h>

#include "base/util.h"
#include "record_losses.h"

void record_explain_empty(const uint64_t *c)
{
	const char *why = "nothing ran on a CPU while it was recorded";

	if (c[TICKPROF_COUNTER_LOST_SAMPLES])
		why = "every sample found its ring full: enlarge the rings with -m";
	else if (c[TICKPROF_COUNTER_THROTTLED])
		why = "every tick was given up to hold the bound: lower -F or raise --throttle";
	else if (c[TICKPROF_COUNTER_NO_REGS])
		why = "the timer found no interrupted registers: see `tickprof check`";
	else if (c[TICKPROF_COUNTER_FILTERED])
		why = "the timer fired, but never while a target was on a CPU: raise -F, record for longer, or look at the targets";
	err("nothing was sampled: %s", why);
}

void record_warn_losses(const struct control_session *s)
{
	const uint64_t *c = s->counters;

	if (c[TICKPROF_COUNTER_LOST_SAMPLES])
		warn("%" PRIu64 " of %" PRIu64 " samples found the ring full: enlarge it with -m %uK or lower -F",
		     c[TICKPROF_COUNTER_LOST_SAMPLES],
		     c[TICKPROF_COUNTER_LOST_SAMPLES] + c[TICKPROF_COUNTER_SAMPLES],
		     s->config.ring_size / 256);
	if (c[TICKPROF_COUNTER_LOST_EVENTS])
		warn("%" PRIu64 " process events were lost, so some functions may stay without a name: enlarge the ring with -m %uK",
		     c[TICKPROF_COUNTER_LOST_EVENTS], s->config.ring_size / 256);
	if (c[TICKPROF_COUNTER_LOST_STACKS])
		warn("%" PRIu64 " stacks were lost: enlarge the ring with -m %uK",
		     c[TICKPROF_COUNTER_LOST_STACKS], s->config.ring_size / 256);
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
