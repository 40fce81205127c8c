// SPDX-License-Identifier: GPL-2.0-only
/* What a recording says of marked spans at its end: see marks.h. */
#include <inttypes.h>

#include "base/util.h"
#include "marks.h"

static void report(uint64_t nr, const char *what)
{
	if (nr)
		fprintf(stderr, ", %" PRIu64 " %s", nr, what);
}

void marks_report(struct marks *m)
{
	struct marks_stats s;

	marks_stats(m, &s);
	if (!m || verbosity < 0 || !(s.rings || s.gone || s.broken || s.too_many))
		return;
	fprintf(stderr, "[ tickprof record: %" PRIu64 " spans marked in %" PRIu64 " ring%s",
		s.taken, s.rings, s.rings == 1 ? "" : "s");
	report(s.overwritten, "overwritten before they were read");
	report(s.unfinished, "never finished");
	report(s.refused, "refused for what they say");
	report(s.left_out, "left out for want of memory");
	report(s.gone, "times a process ended before what it marked last was read");
	report(s.broken, "rings that are none");
	report(s.too_many, "rings beyond the limit");
	fprintf(stderr, " ]\n");
	verbose("marked spans: %.1f ms of CPU", s.cpu_ns / 1e6);
}
