// SPDX-License-Identifier: GPL-2.0-only
/* A ledger as text: see ledger_view.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ledger_view.h"
#include "span/span_id.h"
#include "trace_view.h"

enum { INDENT_MAX = 40, THREADS_MAX = 8, WAKERS_MAX = 3, NAME_COLUMN = 75 };

static const char *time_text(uint64_t ns, char out[SPAN_TIME_MAX])
{
	const char *text = span_time_text(ns, out);

	return text + strspn(text, " ");
}

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100.0 * part / of : 0;
}

void ledger_view_list(const struct ledger *l, const struct span_selection *s, FILE *f)
{
	char time[SPAN_TIME_MAX], id[SPAN_ID_TEXT_MAX];
	struct ledger_shares shares;
	size_t i;

	fprintf(f,
		"#\n# duration  running   queued  blocked   unseen  spans  threads  %-32s  first span\n",
		"trace");
	for (i = 0; i < s->nr; i++) {
		const struct span_trace *t = &l->m->traces[s->traces[i]];
		const uint64_t wall = t->end - t->start;

		ledger_shares(l, s->traces[i], &shares);
		fprintf(f, "%s %7.2f%% %7.2f%% %7.2f%% %7.2f%% %6u %8u  %s  ",
			span_time_text(wall, time), percent(shares.running, wall),
			percent(shares.queued, wall), percent(shares.blocked, wall),
			percent(shares.unseen, wall), t->nr_spans, shares.threads,
			span_id_print(t->id, TRACE_ID_SIZE, id));
		trace_view_name(l->m, &l->m->spans[t->root], f);
		fprintf(f, "%s%s\n", ledger_is_sight(l, t->root) ? " (by ids alone)" : "",
			t->nr_orphans ? " (incomplete)" : "");
	}
	if (s->nr < s->nr_fit)
		fprintf(f, "# %zu more traces; see --slowest\n", s->nr_fit - s->nr);
}

static void print_thread(const struct ledger *l, uint32_t thread, FILE *f)
{
	const struct profile_task *t = &l->p->tasks[l->threads[thread].task - 1];

	fprintf(f, "%s[%u/%u]", t->thread, t->pid, t->tid);
}

/* The beginning of a line about a span. */
static void line(const struct span *s, FILE *f)
{
	fprintf(f, "%*s",
		NAME_COLUMN + 2 + 2 * (int)(s->depth < INDENT_MAX ? s->depth : INDENT_MAX), "");
}

static void print_threads(const struct ledger *l, uint32_t n, FILE *f)
{
	char running[SPAN_TIME_MAX], queued[SPAN_TIME_MAX], blocked[SPAN_TIME_MAX];
	size_t nr, i;
	struct ledger_part *parts = ledger_parts(l, n, &nr);

	for (i = 0; nr > 1 && i < nr && i < THREADS_MAX; i++) {
		const struct ledger_time *t = &parts[i].time;

		line(&l->m->spans[n], f);
		fprintf(f, "thread ");
		print_thread(l, parts[i].thread, f);
		fprintf(f, ": running %s, runnable %s, blocked %s\n",
			time_text(t->running, running), time_text(t->queued, queued),
			time_text(ledger_blocked(t), blocked));
	}
	if (nr > THREADS_MAX) {
		line(&l->m->spans[n], f);
		fprintf(f, "and %zu threads more\n", nr - THREADS_MAX);
	}
	free(parts);
}

/* By state, where that says more than the lines below. */
static void print_states(const struct ledger *l, uint32_t n, FILE *f)
{
	const struct ledger_time *t = &l->spans[n].self;
	char time[SPAN_TIME_MAX];
	const char *comma = "";
	size_t i, states = 0;

	for (i = 0; i < PROFILE_WAIT_STATES; i++)
		states += t->blocked[i] != 0;
	if (!ledger_blocked(t) ||
	    (states == 1 && !t->io && !t->faults && !t->blocked[PROFILE_WAIT_SHORT]))
		return;
	line(&l->m->spans[n], f);
	fprintf(f, "blocked itself: ");
	for (i = 0; i < PROFILE_WAIT_STATES; i++)
		if (t->blocked[i]) {
			fprintf(f, "%s%s %s", comma, profile_wait_state(i),
				time_text(t->blocked[i], time));
			comma = ", ";
		}
	if (t->io)
		fprintf(f, "; %s of it for I/O", time_text(t->io, time));
	if (t->faults)
		fprintf(f, "; %" PRIu64 " page fault%s, %s", t->faults, t->faults == 1 ? "" : "s",
			time_text(t->fault, time));
	fputc('\n', f);
}

static void print_path(const struct ledger_blame_row *row, FILE *f)
{
	size_t i;

	if (!row->nr_path)
		fprintf(f, "under a function without a name");
	for (i = 0; i < row->nr_path; i++)
		fprintf(f, "%s%s", i ? " ← " : "under ", row->path[i]);
}

/* In the end it was this. */
static void print_fault(const struct ledger *l, uint32_t trace, FILE *f)
{
	char time[SPAN_TIME_MAX];
	struct ledger_fault fault;

	ledger_fault(l, trace, &fault);
	if (!fault.span)
		return;
	fprintf(f, "# most of it: %s %s in ", fault.what, time_text(fault.ns, time));
	trace_view_name(l->m, &l->m->spans[fault.span], f);
	if (fault.blame.nr) {
		const struct ledger_blame_row *row = &fault.blame.rows[0];

		fprintf(f, ", %.0f%% of it ", percent(row->weight, fault.blame.total));
		print_path(row, f);
		if (*fault.what == 'b')
			fprintf(f, " (%s%s%s)", profile_wait_state(row->state),
				*row->site ? ", " : "", row->site);
	}
	fputc('\n', f);
}

static void print_blame(const struct ledger *l, uint32_t n, bool samples, FILE *f)
{
	char part[SPAN_TIME_MAX], all[SPAN_TIME_MAX];
	struct ledger_blame blame;
	size_t nr, i;
	struct ledger_stack *stacks =
		ledger_stacks(l, n, samples ? LEDGER_SAMPLES : LEDGER_WAITS, &nr);

	ledger_blame(l, stacks, nr, &blame);
	for (i = 0; i < blame.nr; i++) {
		const struct ledger_blame_row *row = &blame.rows[i];

		line(&l->m->spans[n], f);
		if (samples)
			fprintf(f, "%" PRIu64 " of %" PRIu64 " sample%s on a CPU ", row->weight,
				blame.total, blame.total == 1 ? "" : "s");
		else
			fprintf(f, "%s of %s off CPU ", time_text(row->weight, part),
				time_text(blame.total, all));
		print_path(row, f);
		if (!samples)
			fprintf(f, " (%s%s%s)", profile_wait_state(row->state),
				*row->site ? ", " : "", row->site);
		fputc('\n', f);
	}
	free(stacks);
}

/* The span that somebody was in, by name if that is known. */
static void print_context(const struct ledger *l, uint32_t of, uint32_t context, FILE *f)
{
	const struct profile_context *c;
	const uint32_t span = l->of_context[context];
	char id[SPAN_ID_TEXT_MAX];

	if (!context)
		return;
	c = profile_context(l->p, context);
	if (span == of)
		fprintf(f, " in the same span");
	else if (span && !ledger_is_sight(l, span))
		fprintf(f, " in span %s", l->m->spans[span].name);
	else
		fprintf(f, " in span %s", span_id_print(c->span_id, SPAN_ID_SIZE, id));
	if (memcmp(c->trace_id, l->m->traces[l->m->spans[of].trace].id, TRACE_ID_SIZE))
		fprintf(f, " of trace %s", span_id_print(c->trace_id, TRACE_ID_SIZE, id));
}

static void print_wakers(const struct ledger *l, uint32_t n, FILE *f)
{
	char time[SPAN_TIME_MAX];
	size_t nr, i;
	struct ledger_waker *wakers = ledger_wakers(l, n, &nr);

	for (i = 0; i < nr && i < WAKERS_MAX; i++) {
		const struct ledger_waker *w = &wakers[i];

		line(&l->m->spans[n], f);
		if (w->tid)
			fprintf(f, "woken by %s[%u/%u]", w->name, w->pid, w->tid);
		else
			fprintf(f, "woken by interrupts");
		print_context(l, n, w->context, f);
		fprintf(f, " (%s)\n", time_text(w->blocked, time));
	}
	if (nr > WAKERS_MAX) {
		line(&l->m->spans[n], f);
		fprintf(f, "and %zu others\n", nr - WAKERS_MAX);
	}
	free(wakers);
}

static void print_cell(uint64_t ns, bool known, FILE *f)
{
	char time[SPAN_TIME_MAX];

	fprintf(f, " %10s", known ? span_time_text(ns, time) : "-");
}

/* By more than a hundredth of the time that they are of. */
static bool differ(uint64_t a, uint64_t b, uint64_t wall)
{
	return (a > b ? a - b : b - a) > wall / 100;
}

/* Whose thread it was in; of one that no record names, by its own account. */
static void print_where(const struct ledger *l, uint32_t n, FILE *f)
{
	const struct span *s = &l->m->spans[n];
	const struct ledger_span *span = &l->spans[n];

	if (span->threads) {
		fprintf(f, " in ");
		print_thread(l, l->segments[span->first].thread, f);
	} else if (s->flags & SPAN_MARKED && s->flags & SPAN_HAS_THREAD) {
		fprintf(f, " in [%u/%" PRId64 "]", span_pid(l->m, s), s->thread_id);
	}
	if (span->threads > 1)
		fprintf(f, " and %u more", span->threads - 1);
}

static void print_notes(const struct ledger *l, uint32_t n, FILE *f)
{
	const struct ledger_span *span = &l->spans[n];
	const struct span *s = &l->m->spans[n];
	const uint64_t wall = span_duration(s);
	char time[SPAN_TIME_MAX];

	if (!span->nr && ledger_unseen(l, n) == wall && span->basis != LEDGER_BY_MARKS)
		fprintf(f, " (not seen here)");
	else if (l->p->waited && ledger_unseen(l, n) > wall / 100)
		fprintf(f, " (%s of it not seen)", time_text(ledger_unseen(l, n), time));
	if (s->flags & SPAN_MARKED && !(s->flags & SPAN_HAS_CPU))
		fprintf(f, " (marked without its CPU time)");
	else if (s->flags & SPAN_HAS_CPU && span->threads <= 1 && differ(s->cpu, span->total.running, wall))
		fprintf(f, " (%s by its own clock)", time_text(s->cpu, time));
	if (ledger_is_sight(l, n))
		fprintf(f, " (by ids alone: from first to last sight)");
	if (span->by_thread)
		fprintf(f, " (by thread)");
	if (span->about > wall / 100)
		fprintf(f, " (about: %s may be another span's)", time_text(span->about, time));
	if (span->outside > wall / 100)
		fprintf(f, " (%s more before its start or after its end)",
			time_text(span->outside, time));
}

static void print_span(const struct ledger *l, const struct span_trace *t, uint32_t n, FILE *f)
{
	const struct span *s = &l->m->spans[n];
	const struct ledger_span *span = &l->spans[n];
	const struct ledger_time *total = &span->total, *self = &span->self;
	const bool timed = !(s->flags & SPAN_BAD_TIME);
	const bool seen = span->nr || span->basis == LEDGER_BY_MARKS ||
			  total->running || total->queued || ledger_blocked(total);
	char time[SPAN_TIME_MAX];

	fprintf(f, "%10s", timed ? span_time_text(s->start - t->start, time) : "-");
	print_cell(span_duration(s), timed, f);
	print_cell(total->running, seen, f);
	fprintf(f, " %-7s", seen ? ledger_basis_name(span->basis) : "-");
	print_cell(total->queued, seen, f);
	print_cell(ledger_blocked(total), seen, f);
	print_cell(self->running + self->queued + ledger_blocked(self), seen, f);
	fprintf(f, "  %*s", 2 * (int)(s->depth < INDENT_MAX ? s->depth : INDENT_MAX), "");
	if (s->depth > INDENT_MAX)
		fprintf(f, "(%u) ", s->depth);
	trace_view_name(l->m, s, f);
	trace_view_marks(l->m, s, f);
	print_where(l, n, f);
	print_notes(l, n, f);
	fputc('\n', f);
	print_threads(l, n, f);
	print_states(l, n, f);
	print_blame(l, n, false, f);
	print_blame(l, n, true, f);
	print_wakers(l, n, f);
}

void ledger_view_tree(const struct ledger *l, uint32_t trace, FILE *f)
{
	const struct span_trace *t = &l->m->traces[trace];
	const uint64_t wall = t->end - t->start;
	char time[SPAN_TIME_MAX], id[SPAN_ID_TEXT_MAX];
	struct ledger_shares s;
	uint32_t n;

	ledger_shares(l, trace, &s);
	fprintf(f, "# trace %s\n# %s, %u span%s of %u service%s, from ",
		span_id_print(t->id, TRACE_ID_SIZE, id), time_text(wall, time), t->nr_spans,
		t->nr_spans == 1 ? "" : "s", t->nr_services, t->nr_services == 1 ? "" : "s");
	trace_view_date(t->start, f);
	fprintf(f,
		"\n# running %.2f%%, else queued for a CPU %.2f%%, else blocked %.2f%%, unseen %.2f%%; %u span%s seen "
		"here, in %u thread%s\n",
		percent(s.running, wall), percent(s.queued, wall), percent(s.blocked, wall),
		percent(s.unseen, wall), s.spans, s.spans == 1 ? "" : "s", s.threads,
		s.threads == 1 ? "" : "s");
	print_fault(l, trace, f);
	fprintf(f,
		"# wall = running + runnable + blocked, children in the same thread included; self: "
		"without them\n#\n");
	fprintf(f, "#    start       wall    running by        runnable    blocked       self  span\n");
	for (n = t->top; n; n = span_model_next(l->m, n))
		print_span(l, t, n, f);
}
