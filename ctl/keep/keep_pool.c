// SPDX-License-Identifier: GPL-2.0-only
/* A bounded table: see keep_pool.h. Nodes and buckets double as they fill, up to the bound. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keep_pool.h"

enum { FIRST_CAP = 64 };

static void free_places(struct keep_pool *p, uint32_t from)
{
	uint32_t n;

	for (n = p->cap - 1; n >= from && n; n--) {
		p->nodes[n].chain = p->free;
		p->free = n;
	}
}

static void unlink_bucket(struct keep_pool *p, uint32_t n)
{
	uint32_t *at = &p->buckets[p->nodes[n].hash & p->mask];

	while (*at != n)
		at = &p->nodes[*at].chain;
	*at = p->nodes[n].chain;
}

static void link_bucket(struct keep_pool *p, uint32_t n)
{
	uint32_t *at = &p->buckets[p->nodes[n].hash & p->mask];

	p->nodes[n].chain = *at;
	*at = n;
}

static void unlink_list(struct keep_pool *p, uint32_t n)
{
	struct keep_pool_node *node = &p->nodes[n];

	if (node->older)
		p->nodes[node->older].newer = node->newer;
	else
		p->lists[node->list].oldest = node->newer;
	if (node->newer)
		p->nodes[node->newer].older = node->older;
	else
		p->lists[node->list].newest = node->older;
}

static void link_list(struct keep_pool *p, uint32_t n, unsigned int list)
{
	struct keep_pool_node *node = &p->nodes[n];

	node->list = list;
	node->newer = 0;
	node->older = p->lists[list].newest;
	if (node->older)
		p->nodes[node->older].newer = n;
	else
		p->lists[list].oldest = n;
	p->lists[list].newest = n;
}

/* Called when no place is free, so that every one is in a bucket. */
static void grow(struct keep_pool *p)
{
	const uint32_t had = p->cap;
	uint32_t n;

	p->cap = had < p->max / 2 ? 2 * had : p->max;
	p->nodes = xrealloc(p->nodes, p->cap * sizeof(*p->nodes));
	if (p->mask + 1 < p->cap) {
		free(p->buckets);
		p->mask = 2 * p->mask + 1;
		p->buckets = xcalloc((size_t)p->mask + 1, sizeof(*p->buckets));
		for (n = 1; n < had; n++)
			link_bucket(p, n);
	}
	free_places(p, had);
}

void keep_pool_init(struct keep_pool *p, uint32_t max)
{
	*p = (struct keep_pool) { .max = max + 1, .mask = FIRST_CAP - 1 };
	p->cap = p->max < FIRST_CAP ? p->max : FIRST_CAP;
	p->nodes = xcalloc(p->cap, sizeof(*p->nodes));
	p->buckets = xcalloc(FIRST_CAP, sizeof(*p->buckets));
	free_places(p, 1);
}

void keep_pool_deinit(struct keep_pool *p)
{
	free(p->nodes);
	free(p->buckets);
}

bool keep_pool_full(const struct keep_pool *p)
{
	return !p->free && p->cap == p->max;
}

uint32_t keep_pool_add(struct keep_pool *p, uint64_t hash, unsigned int list)
{
	uint32_t n;

	if (keep_pool_full(p))
		return 0;
	if (!p->free)
		grow(p);
	n = p->free;
	p->free = p->nodes[n].chain;
	p->nodes[n].hash = hash;
	link_bucket(p, n);
	link_list(p, n, list);
	return n;
}

void keep_pool_remove(struct keep_pool *p, uint32_t n)
{
	unlink_bucket(p, n);
	unlink_list(p, n);
	p->nodes[n].chain = p->free;
	p->free = n;
}

void keep_pool_move(struct keep_pool *p, uint32_t n, unsigned int list)
{
	unlink_list(p, n);
	link_list(p, n, list);
}

static uint32_t same_hash(const struct keep_pool *p, uint32_t n, uint32_t hash)
{
	while (n && p->nodes[n].hash != hash)
		n = p->nodes[n].chain;
	return n;
}

uint32_t keep_pool_first(const struct keep_pool *p, uint64_t hash)
{
	return same_hash(p, p->buckets[(uint32_t)hash & p->mask], hash);
}

uint32_t keep_pool_next(const struct keep_pool *p, uint32_t n)
{
	return same_hash(p, p->nodes[n].chain, p->nodes[n].hash);
}
