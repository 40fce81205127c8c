// SPDX-License-Identifier: GPL-2.0-only
/* Captures of slow traces alone: see view_keep.h. */
#include <json_object.h>
#include <stdlib.h>

#include "base/json.h"
#include "span/span.h"
#include "view_keep.h"

void view_keep_print(const struct profile *p)
{
	char *lines[CAPTURE_KEEP_LINES];
	size_t nr, i;

	if (!p->keep)
		return;
	nr = capture_keep_text(p->keep, lines);
	for (i = 0; i < nr; i++) {
		printf("# %s\n", lines[i]);
		free(lines[i]);
	}
}

static struct json_object *fates(const uint64_t f[KEEP_FATES])
{
	struct json_object *o = json_object_new_object();

	json_set_u64(o, "kept", f[KEEP_SLOW]);
	json_set_u64(o, "kept_beside", f[KEEP_BESIDE]);
	json_set_u64(o, "kept_untraced", f[KEEP_UNTRACED]);
	json_set_u64(o, "dropped", f[KEEP_DROP_FAST]);
	json_set_u64(o, "dropped_undecided", f[KEEP_DROP_UNDECIDED]);
	json_set_u64(o, "dropped_untraced", f[KEEP_DROP_UNTRACED]);
	return o;
}

void view_keep_json(const struct profile *p, struct json_object *doc)
{
	const struct capture_keep *k = p->keep;
	struct json_object *o, *traces;

	if (!k)
		return;
	o = json_object_new_object();
	json_object_object_add(doc, "keep", o);
	json_set_text(o, "slower_than", k->limit);
	if (!k->complete)
		return;
	json_set_u64(o, "threshold_ns", k->threshold);
	traces = json_object_new_object();
	json_set_u64(traces, "kept", k->traces_kept);
	json_set_u64(traces, "kept_cut", k->traces_cut);
	json_set_u64(traces, "kept_learning", k->traces_learning);
	json_set_u64(traces, "dropped", k->traces_dropped);
	json_set_u64(traces, "undecided", k->traces_undecided);
	json_set_u64(traces, "missed", k->traces_missed);
	json_set_u64(traces, "forgotten", k->traces_forgotten);
	json_object_object_add(o, "traces", traces);
	json_set_u64(o, "threads_forgotten", k->threads_forgotten);
	json_object_object_add(o, "samples", fates(k->samples));
	json_object_object_add(o, "waits", fates(k->waits));
}

bool *view_keep_traces(const struct view *v, const struct span_model *m)
{
	const struct capture_chunk *chunks;
	size_t nr, i, at;
	bool *kept;

	if (!v->profile->keep)
		return NULL;
	kept = xcalloc(m->nr_traces + 1, sizeof(*kept));
	chunks = capture_chunks(v->capture, &nr);
	for (i = 0; i < nr; i++)
		for (at = 0; chunks[i].type == CAPTURE_KEPT && at + TRACE_ID_SIZE <= chunks[i].size;
		     at += TRACE_ID_SIZE)
			kept[span_model_find_trace(m, (const uint8_t *)chunks[i].payload + at)] = true;
	kept[0] = false;
	return kept;
}
