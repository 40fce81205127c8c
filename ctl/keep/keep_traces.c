// SPDX-License-Identifier: GPL-2.0-only
/* Which traces are slow: see keep_traces.h. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "keep_durations.h"
#include "keep_pool.h"
#include "keep_traces.h"

enum { ID_SIZE = 16, UPDATE_EACH = 32 };

/* Lists of the pool: held, or free to be forgotten. */
enum { HELD, FAST, SLOW };

enum { IS_SLOW = 1 << 0, IS_OPEN = 1 << 1, IS_EARLY = 1 << 2, IS_CUT = 1 << 3, IS_KEPT = 1 << 4,
	IS_LEARNT = 1 << 5 };

enum fate { FATE_NONE, FATE_KEPT, FATE_DROPPED, FATE_UNDECIDED, FATE_MISSED, FATES };

struct trace {
	uint8_t id[ID_SIZE];
	uint64_t first, last;
	uint32_t turn;			/* rises when the place changes hands */
	uint32_t refs;
	uint8_t flags, fate;
};

struct keep_traces {
	struct keep_pool pool;
	struct trace *all;
	uint32_t cap;
	uint64_t seed;			/* of the hash: ids are others' */
	uint64_t threshold;
	double percentile;
	uint64_t ended;
	bool by_percentile;
	uint8_t *news;
	size_t nr_news, cap_news;
	struct capture_keep *counts;
	struct keep_durations durations;
};

struct keep_traces *keep_traces_create(uint32_t max, uint64_t threshold, double percentile,
				       struct capture_keep *counts)
{
	struct keep_traces *t = xcalloc(1, sizeof(*t));

	keep_pool_init(&t->pool, max);
	t->seed = hash_seed();
	t->threshold = threshold;
	t->percentile = percentile;
	t->by_percentile = !threshold;
	t->counts = counts;
	return t;
}

void keep_traces_destroy(struct keep_traces *t)
{
	if (!t)
		return;
	keep_pool_deinit(&t->pool);
	free(t->all);
	free(t->news);
	free(t);
}

static bool forget_one(struct keep_traces *t)
{
	const unsigned int list = t->pool.lists[FAST].oldest ? FAST : SLOW;
	const uint32_t n = t->pool.lists[list].oldest;

	if (!n)
		return false;
	t->counts->traces_forgotten += list == SLOW;
	t->all[n].turn++;
	keep_pool_remove(&t->pool, n);
	return true;
}

static uint32_t add(struct keep_traces *t, const uint8_t *id, uint64_t hash)
{
	uint32_t n, turn;

	if (keep_pool_full(&t->pool) && !forget_one(t))
		return 0;
	n = keep_pool_add(&t->pool, hash, FAST);
	if (t->cap < t->pool.cap) {
		t->all = xrealloc(t->all, t->pool.cap * sizeof(*t->all));
		memset(t->all + t->cap, 0, (t->pool.cap - t->cap) * sizeof(*t->all));
		t->cap = t->pool.cap;
	}
	turn = t->all[n].turn;
	t->all[n] = (struct trace) { .turn = turn, .first = UINT64_MAX };
	memcpy(t->all[n].id, id, ID_SIZE);
	return n;
}

uint32_t keep_traces_get(struct keep_traces *t, const uint8_t *id)
{
	uint64_t parts[2], hash;
	uint32_t n;

	memcpy(parts, id, sizeof(parts));
	hash = hash_u64(hash_u64(t->seed, parts[0]), parts[1]);
	for (n = keep_pool_first(&t->pool, hash); n; n = keep_pool_next(&t->pool, n))
		if (!memcmp(t->all[n].id, id, ID_SIZE))
			return n;
	return add(t, id, hash);
}

struct keep_trace_ref keep_traces_ref(const struct keep_traces *t, uint32_t n)
{
	return (struct keep_trace_ref) { .n = n, .turn = n ? t->all[n].turn : 0 };
}

static uint64_t *count_of(struct keep_traces *t, enum fate fate)
{
	uint64_t *const counts[FATES] = {
		[FATE_KEPT] = &t->counts->traces_kept,
		[FATE_DROPPED] = &t->counts->traces_dropped,
		[FATE_UNDECIDED] = &t->counts->traces_undecided,
		[FATE_MISSED] = &t->counts->traces_missed,
	};

	return counts[fate];
}

/* Of a trace with records; what more comes of it may change the answer. */
static void judge(struct keep_traces *t, struct trace *trace)
{
	enum fate fate = FATE_DROPPED;

	if (trace->flags & IS_KEPT)
		fate = FATE_KEPT;
	else if (trace->flags & IS_SLOW)
		fate = FATE_MISSED;
	else if (trace->flags & (IS_EARLY | IS_OPEN))
		fate = FATE_UNDECIDED;
	if (fate == trace->fate)
		return;
	if (trace->fate)
		--*count_of(t, trace->fate);
	++*count_of(t, fate);
	trace->fate = fate;
}

static void note_slow(struct keep_traces *t, uint32_t n)
{
	struct trace *trace = &t->all[n];

	if (trace->flags & IS_SLOW || trace->last < trace->first ||
	    trace->last - trace->first < t->threshold)
		return;
	trace->flags |= IS_SLOW | (t->threshold ? 0 : IS_LEARNT);
	if (trace->refs)
		return;
	keep_pool_move(&t->pool, n, SLOW);
	if (trace->fate)
		judge(t, trace);
}

void keep_traces_sight(struct keep_traces *t, uint32_t n, uint64_t from, uint64_t to)
{
	struct trace *trace = &t->all[n];

	if (from < trace->first)
		trace->first = from;
	if (to > trace->last)
		trace->last = to;
	note_slow(t, n);
}

static bool is_known(const struct keep_traces *t, struct keep_trace_ref ref)
{
	return ref.n && t->all[ref.n].turn == ref.turn;
}

void keep_traces_sight_of(struct keep_traces *t, struct keep_trace_ref ref, uint64_t from,
			  uint64_t to)
{
	if (is_known(t, ref))
		keep_traces_sight(t, ref.n, from, to);
}

void keep_traces_hold(struct keep_traces *t, uint32_t n)
{
	if (n && !t->all[n].refs++)
		keep_pool_move(&t->pool, n, HELD);
}

static void learn(struct keep_traces *t, const struct trace *trace)
{
	keep_durations_add(&t->durations, trace->last - trace->first);
	t->ended++;
	if (t->by_percentile && t->ended >= KEEP_TRACES_LEARN &&
	    (!t->threshold || !(t->ended % UPDATE_EACH))) {
		t->threshold = keep_durations_at(&t->durations, t->percentile);
		/* 0 is "not yet". */
		t->threshold += !t->threshold;
	}
}

void keep_traces_release(struct keep_traces *t, uint32_t n)
{
	struct trace *trace = &t->all[n];

	if (!n || --trace->refs)
		return;
	if (!trace->fate)
		learn(t, trace);
	judge(t, trace);
	keep_pool_move(&t->pool, n, trace->flags & IS_SLOW ? SLOW : FAST);
}

bool keep_traces_slow(struct keep_traces *t, struct keep_trace_ref ref)
{
	if (!is_known(t, ref))
		return false;
	note_slow(t, ref.n);
	return t->all[ref.n].flags & IS_SLOW;
}

void keep_traces_open(struct keep_traces *t, uint32_t n)
{
	t->all[n].flags |= IS_OPEN;
}

bool keep_traces_is_open(const struct keep_traces *t, uint32_t n)
{
	return t->all[n].flags & IS_OPEN;
}

void keep_traces_kept(struct keep_traces *t, uint32_t n)
{
	struct trace *trace = &t->all[n];

	if (trace->flags & IS_KEPT)
		return;
	trace->flags |= IS_KEPT;
	t->counts->traces_cut += !!(trace->flags & IS_CUT);
	t->counts->traces_learning += !!(trace->flags & IS_LEARNT);
	GROW(t->news, t->cap_news, t->nr_news + ID_SIZE);
	memcpy(t->news + t->nr_news, trace->id, ID_SIZE);
	t->nr_news += ID_SIZE;
}

void keep_traces_dropped(struct keep_traces *t, uint32_t n, bool early)
{
	t->all[n].flags |= IS_CUT | (early ? IS_EARLY : 0);
}

const uint8_t *keep_traces_news(struct keep_traces *t, size_t *size)
{
	*size = t->nr_news;
	t->nr_news = 0;
	return t->news;
}

uint64_t keep_traces_threshold(const struct keep_traces *t)
{
	return t->threshold;
}
