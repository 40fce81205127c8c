// SPDX-License-Identifier: GPL-2.0-only
/* Options that keep slow traces alone: see record_keep.h. */
#include <getopt.h>
#include <stdlib.h>

#include "base/units.h"
#include "record_keep.h"

#define SECOND_NS	1000000000ull
#define MEMORY_DEFAULT	(64ull << 20)
#define TIME_MAX	(24 * 3600 * SECOND_NS)

/*
 * Beyond the limit: a wait is known when it is over, and SDKs send what they have every 5 s. A
 * percentile is learnt from what has left the line, and until then all is kept.
 */
#define HOLD_MORE	(10 * SECOND_NS)
#define HOLD_PERCENTILE	(2 * SECOND_NS)
/* Beyond the limit, as long as nobody sends spans: of most traces more was seen by then. */
#define SURE_MORE	SECOND_NS

static struct keep_options keep = { .memory = MEMORY_DEFAULT };
static const char *for_keep;		/* an option that means something with a limit only */

static bool parse_limit(const char *text)
{
	double percent;

	keep.threshold = 0;
	keep.limit = text;
	if (*text == 'p') {
		keep.percentile = 0;
		if (!parse_decimal(text + 1, &percent) || percent < 50 || percent > 99.9)
			return false;
		keep.percentile = percent / 100;
		return true;
	}
	return parse_duration(text, &keep.threshold) && keep.threshold && keep.threshold <= TIME_MAX;
}

int record_keep_option(const struct command *cmd, int id)
{
	switch (id) {
	case OPT_KEEP_SLOWER:
		if (parse_limit(optarg))
			break;
		return usage_error(cmd, "--keep-slower-than takes a time such as 50ms, or p50 to p99.9, not '%s'",
				   optarg);
	case OPT_KEEP_HOLD:
		for_keep = "--keep-hold";
		if (parse_duration(optarg, &keep.hold) && keep.hold && keep.hold <= TIME_MAX)
			break;
		return usage_error(cmd, "--keep-hold takes a time such as 5s, not '%s'", optarg);
	case OPT_KEEP_MEMORY:
		for_keep = "--keep-memory";
		if (parse_size(optarg, &keep.memory) && keep.memory >= KEEP_MEMORY_MIN &&
		    keep.memory <= KEEP_MEMORY_MAX)
			break;
		return usage_error(cmd, "--keep-memory takes a size from 1M to 64G, not '%s'", optarg);
	case OPT_KEEP_UNTRACED:
		for_keep = "--keep-untraced";
		keep.untraced = true;
		break;
	}
	return COMMAND_RUN;
}

int record_keep_check(const struct command *cmd, struct recording_options *o)
{
	if (!keep.limit)
		return for_keep ? usage_error(cmd, "%s is about --keep-slower-than, which was not given", for_keep) :
				  COMMAND_RUN;
	if (!(o->config.flags & TICKPROF_F_CONTEXT))
		return usage_error(cmd, "--keep-slower-than needs to know traces, which --context off leaves out");
	if (keep.hold && keep.hold < keep.threshold)
		return usage_error(cmd, "--keep-hold is to be at least what --keep-slower-than says, %s, or the beginning of each slow trace is gone",
				   keep.limit);
	if (!keep.hold)
		keep.hold = o->otlp_listen || keep.threshold ? keep.threshold + HOLD_MORE :
							       HOLD_PERCENTILE;
	keep.sure = keep.hold;
	if (keep.threshold && !o->otlp_listen && keep.sure > keep.threshold + SURE_MORE)
		keep.sure = keep.threshold + SURE_MORE;
	o->keep = &keep;
	return COMMAND_RUN;
}

static void print_lines(const struct capture_keep *c)
{
	char *lines[CAPTURE_KEEP_LINES];
	size_t nr = capture_keep_text(c, lines), i;

	for (i = 0; i < nr; i++) {
		if (verbosity >= 0)
			fprintf(stderr, "[ tickprof record: %s ]\n", lines[i]);
		free(lines[i]);
	}
}

bool record_keep_any(struct keep *k)
{
	const struct capture_keep *c = keep_counts(k);

	if (capture_keep_kept(c->samples) || capture_keep_kept(c->waits))
		return true;
	err("no trace was slower than %s", c->limit);
	print_lines(c);
	return false;
}

void record_keep_report(struct keep *k, struct control_session *state)
{
	const struct capture_keep *c = keep_counts(k);

	print_lines(c);
	state->counters[TICKPROF_COUNTER_SAMPLES] = capture_keep_kept(c->samples);
	state->counters[TICKPROF_COUNTER_WAITS] = capture_keep_kept(c->waits);
}
