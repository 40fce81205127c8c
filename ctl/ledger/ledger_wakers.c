// SPDX-License-Identifier: GPL-2.0-only
/* Who ended the waits of a span: see ledger.h. Of an interrupt it is not told whose. */
#include "base/util.h"
#include "ledger_make.h"

static int by_waker(const void *a, const void *b)
{
	const struct ledger_waker *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->context == y->context ? 0 : x->context < y->context ? -1 : 1;
}

static int by_time(const void *a, const void *b)
{
	const struct ledger_waker *x = a, *y = b;

	return x->blocked == y->blocked ? by_waker(a, b) : x->blocked > y->blocked ? -1 : 1;
}

struct ledger_waker *ledger_wakers(const struct ledger *l, uint32_t span, size_t *nr)
{
	const struct ledger_span *s = &l->spans[span];
	struct ledger_waker *wakers = xcalloc(s->nr, sizeof(*wakers));
	size_t i, n = 0, last;

	for (i = s->first; i < s->first + s->nr; i++) {
		const struct ledger_segment *g = &l->segments[i];
		const struct profile_wait *w;

		if (!g->entry || g->flags & LEDGER_SAMPLE || !g->blocked)
			continue;
		w = profile_wait(l->p, l->p->samples[g->entry - 1].wait);
		if (w->flags & TICKPROF_WAIT_IRQ)
			wakers[n] = (struct ledger_waker) { .name = "" };
		else if (w->waker_tid)
			wakers[n] = (struct ledger_waker) {
				.pid = w->waker_pid, .tid = w->waker_tid, .name = w->waker,
				.context = w->waker_context,
			};
		else
			continue;
		wakers[n].blocked = g->blocked;
		wakers[n++].waits = 1;
	}
	if (n)
		qsort(wakers, n, sizeof(*wakers), by_waker);
	for (last = 0, i = 1; i < n; i++)
		if (!by_waker(&wakers[last], &wakers[i])) {
			wakers[last].blocked += wakers[i].blocked;
			wakers[last].waits++;
		} else {
			wakers[++last] = wakers[i];
		}
	*nr = n ? last + 1 : 0;
	if (n)
		qsort(wakers, *nr, sizeof(*wakers), by_time);
	return wakers;
}
