// SPDX-License-Identifier: GPL-2.0-only
/* What was kept of a recording: see capture_keep.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture_keep.h"

static const struct {
	const char *key;
	size_t at;
} numbers[] = {
#define NUMBER(key, field)	{ "keep." key, offsetof(struct capture_keep, field) }
#define FATES(key, field)						\
	NUMBER(key ".kept", field[KEEP_SLOW]),				\
	NUMBER(key ".kept.beside", field[KEEP_BESIDE]),			\
	NUMBER(key ".kept.untraced", field[KEEP_UNTRACED]),		\
	NUMBER(key ".dropped", field[KEEP_DROP_FAST]),			\
	NUMBER(key ".dropped.undecided", field[KEEP_DROP_UNDECIDED]),	\
	NUMBER(key ".dropped.untraced", field[KEEP_DROP_UNTRACED])
	NUMBER("threshold", threshold),
	NUMBER("traces.kept", traces_kept),
	NUMBER("traces.cut", traces_cut),
	NUMBER("traces.learning", traces_learning),
	NUMBER("traces.dropped", traces_dropped),
	NUMBER("traces.undecided", traces_undecided),
	NUMBER("traces.missed", traces_missed),
	NUMBER("traces.forgotten", traces_forgotten),
	NUMBER("threads.forgotten", threads_forgotten),
	FATES("samples", samples),
	FATES("waits", waits),
};

static uint64_t sum(const uint64_t fates[KEEP_FATES], enum keep_fate from, enum keep_fate to)
{
	uint64_t n = 0;

	for (; from < to; from++)
		n += fates[from];
	return n;
}

uint64_t capture_keep_kept(const uint64_t fates[KEEP_FATES])
{
	return sum(fates, KEEP_SLOW, KEEP_DROP_FAST);
}

uint64_t capture_keep_dropped(const uint64_t fates[KEEP_FATES])
{
	return sum(fates, KEEP_DROP_FAST, KEEP_FATES);
}

int capture_write_keep(struct capture_writer *w, const struct capture_keep *k)
{
	char text[24];
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(numbers) && !ret; i++) {
		snprintf(text, sizeof(text), "%" PRIu64,
			 *(const uint64_t *)((const char *)k + numbers[i].at));
		ret = capture_write_meta(w, numbers[i].key, text);
	}
	return ret;
}

bool capture_read_keep(const struct capture *c, struct capture_keep *out)
{
	const char *limit = capture_meta(c, CAPTURE_META_KEEP);
	char *p;
	size_t i;

	*out = (struct capture_keep) { 0 };
	if (!limit)
		return false;
	snprintf(out->limit, sizeof(out->limit), "%s", limit);
	for (p = out->limit; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			*p = '?';	/* it is printed, and anybody may have written it */
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		*(uint64_t *)((char *)out + numbers[i].at) =
			capture_meta_number(c, numbers[i].key);
	out->complete = capture_meta(c, numbers[ARRAY_SIZE(numbers) - 1].key);
	return true;
}

static char *traces_text(const struct capture_keep *k)
{
	if (!k->complete)
		return xasprintf("only traces slower than %s were kept; how many others there were is not told",
				 k->limit);
	return xasprintf("only traces slower than %s were kept: %" PRIu64 "; dropped: %" PRIu64
			 " others, and %" PRIu64 " undecided", k->limit, k->traces_kept,
			 k->traces_dropped, k->traces_undecided);
}

static char *records_text(const struct capture_keep *k)
{
	const uint64_t *s = k->samples, *w = k->waits;

	return xasprintf("kept %" PRIu64 " samples and %" PRIu64 " waits, %" PRIu64 " of them beside slow "
			 "traces' own and %" PRIu64 " of no trace; dropped %" PRIu64 " and %" PRIu64
			 " of other traces, %" PRIu64 " and %" PRIu64 " of none, %" PRIu64 " and %"
			 PRIu64 " undecided", capture_keep_kept(s), capture_keep_kept(w),
			 s[KEEP_BESIDE] + w[KEEP_BESIDE], s[KEEP_UNTRACED] + w[KEEP_UNTRACED],
			 s[KEEP_DROP_FAST], w[KEEP_DROP_FAST], s[KEEP_DROP_UNTRACED],
			 w[KEEP_DROP_UNTRACED], s[KEEP_DROP_UNDECIDED], w[KEEP_DROP_UNDECIDED]);
}

static char *learning_text(const struct capture_keep *k)
{
	if (!k->threshold)
		return xasprintf("%s was not known: too few traces ended, so all were kept", k->limit);
	return xasprintf("%s was %.6g ms at the end; %" PRIu64 " were kept before it was known",
			 k->limit, k->threshold / 1e6, k->traces_learning);
}

size_t capture_keep_text(const struct capture_keep *k, char *lines[CAPTURE_KEEP_LINES])
{
	const uint64_t forgotten = k->traces_forgotten + k->threads_forgotten;
	size_t n = 0;

	lines[n++] = traces_text(k);
	if (!k->complete)
		return n;
	lines[n++] = records_text(k);
	if (*k->limit == 'p')
		lines[n++] = learning_text(k);
	if (k->traces_cut || k->traces_missed || forgotten)
		lines[n++] = xasprintf("turned out slow too late: %" PRIu64 " kept without their "
				       "beginning, %" PRIu64 " missed; %" PRIu64 " forgotten for want "
				       "of memory", k->traces_cut, k->traces_missed, forgotten);
	return n;
}
