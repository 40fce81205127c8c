/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address ranges that may overlap, flattened into ones that do not, so that a
 * look-up is one binary search. 16 bytes a range; n ranges become 2n at most.
 */
#ifndef TICKPROF_RANGES_H
#define TICKPROF_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start;
	uint32_t size;
	uint32_t value;
};

struct range_in {
	uint64_t start, end;
	uint32_t prio;		/* the highest wins where ranges overlap */
	uint32_t value;
};

struct ranges {
	struct range *r;
	size_t nr;
};

/* Sorts in[]. Empty ranges are dropped, longer ones than 4 GiB cut. */
void ranges_init(struct ranges *out, struct range_in *in, size_t nr);
void ranges_deinit(struct ranges *r);
const struct range *ranges_find(const struct ranges *r, uint64_t addr);

#endif
