// SPDX-License-Identifier: GPL-2.0-only
/*
 * tickprof report --threads: where each thread's time went, to the nanosecond.
 *
 *	wall = ran + queued + blocked
 *
 * holds for each thread whose records are all there; "missing" tells what is not.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "report.h"

enum column {
	WALL, RAN, QUEUED, BLOCKED,
	STATES,					/* of blocked, and short waits */
	IO = STATES + PROFILE_WAIT_STATES,	/* of blocked */
	FAULT,
	MISSING,
	WAITS,
	SHORT_WAITS,
	COLUMNS,
};

#define MS_TABLE_MAX	1000000000000ull

struct row {
	const struct profile_thread *thread;
	uint64_t values[COLUMNS];	/* MISSING: a signed number */
};

struct table {
	const struct profile *p;
	struct row *rows;
	size_t nr;
	uint64_t total[COLUMNS], most;	/* most: largest wall */
};

static enum column sort_by = WALL;

static const char *column_name(enum column c)
{
	static const char *const names[COLUMNS] = {
		[WALL] = "wall", [RAN] = "ran", [QUEUED] = "queued", [BLOCKED] = "blocked",
		[IO] = "io", [FAULT] = "fault", [MISSING] = "missing", [WAITS] = "waits",
		[SHORT_WAITS] = "short-waits",
	};

	return c >= STATES && c < IO ? profile_wait_state(c - STATES) : names[c];
}

bool report_threads_sort(const char *sort)
{
	enum column c;

	for (c = 0; sort && c < COLUMNS; c++)
		if (!strcmp(sort, column_name(c))) {
			sort_by = c;
			return true;
		}
	return !sort;
}

static void fill(struct row *row, const struct profile_thread *t)
{
	uint64_t *v = row->values;
	unsigned int state;

	row->thread = t;
	v[WALL] = t->last - t->first;
	v[RAN] = t->ran;
	v[QUEUED] = t->queued + t->short_queued;
	v[BLOCKED] = t->short_blocked;
	for (state = 0; state < PROFILE_WAIT_STATES; state++) {
		v[STATES + state] = t->blocked[state];
		v[BLOCKED] += t->blocked[state];
	}
	v[STATES + PROFILE_WAIT_SHORT] = t->short_blocked + t->short_queued;
	v[IO] = t->io;
	v[FAULT] = t->fault;
	v[MISSING] = v[WALL] - v[RAN] - v[QUEUED] - v[BLOCKED];
	v[WAITS] = t->waits;
	v[SHORT_WAITS] = t->short_waits;
}

static int descending(uint64_t x, uint64_t y)
{
	return x == y ? 0 : x > y ? -1 : 1;
}

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = descending(x->values[sort_by], y->values[sort_by]);

	/* Of many threads that lived for as long, those that did something first. */
	if (!order)
		order = descending(x->values[RAN], y->values[RAN]);
	return order ? order : x->thread < y->thread ? -1 : 1;
}

static void collect(struct table *t, const struct view_options *o)
{
	const struct profile *p = t->p;
	enum column c;
	size_t i;

	t->rows = xcalloc(p->nr_threads, sizeof(*t->rows));
	for (i = 0; i < p->nr_threads; i++) {
		if (!view_shows_task(o, &p->tasks[p->threads[i].task - 1]))
			continue;
		fill(&t->rows[t->nr], &p->threads[i]);
		for (c = 0; c < COLUMNS; c++)
			t->total[c] += t->rows[t->nr].values[c];
		if (t->rows[t->nr].values[WALL] > t->most)
			t->most = t->rows[t->nr].values[WALL];
		t->nr++;
	}
	if (t->nr)
		qsort(t->rows, t->nr, sizeof(*t->rows), row_compare);
}

/* Columns with nothing in them are left out. */
static bool column_shown(const struct table *t, enum column c)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->rows[i].values[c])
			return true;
	return c < STATES;
}

static double scaled(const struct table *t, int64_t ns)
{
	return ns / (t->most < MS_TABLE_MAX ? 1e6 : 1e9);
}

static void print_cell(const struct table *t, enum column c, uint64_t value)
{
	if (!value)
		printf(" %11s", "-");
	else if (c >= WAITS)
		printf(" %11" PRIu64, value);
	else
		printf(" %11.3f", scaled(t, value));
}

static void print_rows(const struct table *t, uint64_t limit)
{
	enum column c;
	size_t i;

	putchar('#');
	for (c = 0; c < COLUMNS; c++)
		if (column_shown(t, c))
			printf(" %*s", c ? 11 : 10, column_name(c));
	printf(" %7s %7s  thread\n", "pid", "tid");
	for (i = 0; i < t->nr && (!limit || i < limit); i++) {
		const struct profile_task *task = &t->p->tasks[t->rows[i].thread->task - 1];

		for (c = 0; c < COLUMNS; c++)
			if (column_shown(t, c))
				print_cell(t, c, t->rows[i].values[c]);
		printf(" %7u %7u  %s\n", task->pid, task->tid, task->thread);
	}
	if (i < t->nr)
		printf("# %zu more threads; see -n\n", t->nr - i);
}

static void print_table(const struct view *v, const struct table *t, uint64_t limit)
{
	const char *unit = t->most < MS_TABLE_MAX ? "ms" : "s";

	report_print_header(v, PROFILE_SAMPLES, v->profile->stats.samples);
	printf("# %zu threads, in %s: wall %.3f = ran %.3f + queued %.3f + blocked %.3f", t->nr, unit,
	       scaled(t, t->total[WALL]), scaled(t, t->total[RAN]), scaled(t, t->total[QUEUED]),
	       scaled(t, t->total[BLOCKED]));
	if (t->total[MISSING])
		printf("; missing %.3f", scaled(t, t->total[MISSING]));
	puts("\n# exact; states, io and fault: of blocked; short: waits without a stack, of queued and blocked\n#");
	print_rows(t, limit);
}

static struct json_object *row_json(const struct table *t, const struct row *row)
{
	const struct profile_thread *thread = row->thread;
	const struct profile_task *task = &t->p->tasks[thread->task - 1];
	struct json_object *o = json_object_new_object(), *states = json_object_new_object();
	unsigned int state;

	json_set_u64(o, "pid", task->pid);
	json_set_u64(o, "tid", task->tid);
	json_set_text(o, "process", task->process);
	json_set_text(o, "thread", task->thread);
	json_object_object_add(o, "kernel_thread", json_object_new_boolean(thread->kthread));
	json_set_u64(o, "first_ns", thread->first);
	json_set_u64(o, "last_ns", thread->last);
	json_set_u64(o, "wall_ns", row->values[WALL]);
	json_set_u64(o, "ran_ns", row->values[RAN]);
	json_set_u64(o, "queued_ns", row->values[QUEUED]);
	json_set_u64(o, "blocked_ns", row->values[BLOCKED]);
	for (state = 0; state < PROFILE_WAIT_SHORT; state++)
		if (thread->blocked[state])
			json_set_u64(states, profile_wait_state(state), thread->blocked[state]);
	json_object_object_add(o, "blocked_by_state_ns", states);
	json_set_u64(o, "io_ns", thread->io);
	json_set_u64(o, "fault_ns", thread->fault);
	json_set_u64(o, "short_blocked_ns", thread->short_blocked);
	json_set_u64(o, "short_queued_ns", thread->short_queued);
	json_object_object_add(o, "missing_ns", json_object_new_int64(row->values[MISSING]));
	json_set_u64(o, "waits", thread->waits);
	json_set_u64(o, "short_waits", thread->short_waits);
	return o;
}

static void print_json(const struct view *v, const struct table *t, uint64_t limit)
{
	struct json_object *o = report_header_json(v, PROFILE_SAMPLES, v->profile->stats.samples);
	struct json_object *rows = json_object_new_array();
	size_t i;

	json_set_u64(o, "threads", t->nr);
	for (i = 0; i < t->nr && (!limit || i < limit); i++)
		json_object_array_add(rows, row_json(t, &t->rows[i]));
	json_object_object_add(o, "rows", rows);
	json_finish(o);
}

int report_threads(const struct view *v, const struct view_options *o, uint64_t limit, bool json)
{
	struct table t = { .p = v->profile };

	if (!v->profile->nr_threads) {
		err("%s holds no waits: record with --source offcpu", v->path);
		return EXIT_EMPTY;
	}
	collect(&t, o);
	if (json)
		print_json(v, &t, limit);
	else
		print_table(v, &t, limit);
	free(t.rows);
	return EXIT_OK;
}
