// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long marked spans ran, as their programs measured it: see ledger.h. It replaces what
 * samples estimate; what waits tell exactly stays, for that adds up to the wall.
 */
#include <stdlib.h>

#include "base/util.h"
#include "ledger_make.h"

enum { ANCESTORS_MAX = 1000 };

const char *ledger_basis_name(enum ledger_basis basis)
{
	static const char *const names[LEDGER_BASES] = { "samples", "waits", "marks" };

	return names[basis];
}

/* What a marked span ran is part of what the nearest marked one around it did in its thread. */
static uint32_t around(const struct ledger *l, uint32_t n)
{
	const struct span *s = &l->m->spans[n], *above;
	unsigned int tries;
	uint32_t a = s->parent;

	for (tries = 0; a && tries < ANCESTORS_MAX; a = above->parent, tries++) {
		above = &l->m->spans[a];
		if (above->flags & SPAN_HAS_CPU && above->thread_id == s->thread_id &&
		    above->start <= s->start && above->end >= s->end &&
		    span_pid(l->m, above) == span_pid(l->m, s))
			return a;
	}
	return 0;
}

/* The records tell of all its time; waits that were lost, or a context found late, leave gaps. */
static bool waits_tell(const struct ledger *l, uint32_t n)
{
	const uint64_t wall = span_duration(&l->m->spans[n]);

	return l->p->waited && ledger_unseen(l, n) <= wall / 100 && l->spans[n].about <= wall / 100;
}

void ledger_marks(struct ledger *l)
{
	uint64_t *own __free = xcalloc(l->m->nr_spans, sizeof(*own));
	uint32_t n, above;

	for (n = 1; n < l->m->nr_spans; n++)
		own[n] = l->m->spans[n].cpu;
	for (n = 1; n < l->m->nr_spans; n++) {
		if (!(l->m->spans[n].flags & SPAN_HAS_CPU))
			continue;
		above = around(l, n);
		own[above] -= own[above] < l->m->spans[n].cpu ? own[above] : l->m->spans[n].cpu;
	}
	for (n = 1; n < l->m->nr_spans; n++) {
		struct ledger_span *s = &l->spans[n];

		s->basis = l->p->waited ? LEDGER_BY_WAITS : LEDGER_BY_SAMPLES;
		/* The mark knows one thread's time; other threads' may come to it. */
		if (!(l->m->spans[n].flags & SPAN_HAS_CPU) || s->threads > 1 || waits_tell(l, n))
			continue;
		s->basis = LEDGER_BY_MARKS;
		s->total.running = l->m->spans[n].cpu;
		s->self.running = own[n];
	}
}
