// SPDX-License-Identifier: GPL-2.0-only
/* Records that others refer to: see keep_refs.h. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keep_refs.h"

void keep_refs_init(struct keep_refs *r, uint64_t ring_size)
{
	*r = (struct keep_refs) { .size = ring_size };
}

void keep_refs_deinit(struct keep_refs *r)
{
	free(r->data);
	free(r->all);
}

void keep_refs_add(struct keep_refs *r, uint64_t position, const struct tickprof_record *record)
{
	const uint64_t at = position & (r->size - 1);

	if (record->size > r->size - at)
		return;
	if (!r->data)
		r->data = xcalloc(r->size, 1);
	/* Whose bytes are written over. */
	while (r->first < r->nr && r->all[r->first].position + r->size < position + record->size)
		r->first++;
	if (r->first > 64 && r->first > r->nr / 2) {
		r->nr -= r->first;
		memmove(r->all, r->all + r->first, r->nr * sizeof(*r->all));
		r->first = 0;
	}
	memcpy(r->data + at, record, record->size);
	GROW(r->all, r->cap, r->nr + 1);
	r->all[r->nr++] = (struct keep_ref) { .position = position, .out = KEEP_REF_NOWHERE };
}

const struct tickprof_record *keep_refs_record(const struct keep_refs *r, const struct keep_ref *ref)
{
	return (const void *)(r->data + (ref->position & (r->size - 1)));
}

struct keep_ref *keep_refs_find(const struct keep_refs *r, uint64_t position, uint16_t type)
{
	size_t low = r->first, high = r->nr;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (r->all[mid].position < position)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == r->nr || r->all[low].position != position ||
	    keep_refs_record(r, &r->all[low])->type != type)
		return NULL;
	return &r->all[low];
}
