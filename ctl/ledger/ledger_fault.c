// SPDX-License-Identifier: GPL-2.0-only
/* What most of a trace's time went to: see ledger.h. */
#include <stdlib.h>

#include "ledger.h"

static void take(struct ledger_fault *f, uint32_t span, const char *what, uint64_t ns)
{
	if (ns > f->ns)
		*f = (struct ledger_fault) { .span = span, .what = what, .ns = ns };
}

static uint64_t ends(const struct ledger *l, uint32_t span)
{
	size_t nr, i;
	struct ledger_stack *stacks = ledger_stacks(l, span, LEDGER_ENDS, &nr);
	uint64_t ns = 0;

	for (i = 0; i < nr; i++)
		ns += stacks[i].weight;
	free(stacks);
	return ns;
}

void ledger_fault(const struct ledger *l, uint32_t trace, struct ledger_fault *out)
{
	const struct span_trace *t = &l->m->traces[trace];
	struct ledger_stack *stacks;
	size_t nr, i;

	*out = (struct ledger_fault) { 0 };
	for (i = t->first; i < t->first + t->nr_spans; i++) {
		const uint32_t n = l->m->by_start[i];
		const struct ledger_time *self = &l->spans[n].self;

		take(out, n, "blocked", ends(l, n));
		take(out, n, "running", self->running);
		take(out, n, "queued", self->queued);
	}
	if (!out->span)
		return;
	stacks = ledger_stacks(l, out->span, *out->what == 'b' ? LEDGER_ENDS : LEDGER_SAMPLES, &nr);
	ledger_blame(l, stacks, nr, &out->blame);
	free(stacks);
}
