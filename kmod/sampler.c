// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samplers come and go: one a possible CPU and session, with timer, ring and
 * caches, allocated on the CPU's own node.
 *
 * Context: process. Destroyed when no tick and no probe knows them any more; see
 * the order in session.c. Memory: told there.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "context.h"
#include "sampler.h"
#include "stream.h"
#include "timer.h"
#include "unwind.h"

static void wake_reader(struct irq_work *work)
{
	struct tickprof_sampler *s = container_of(work, struct tickprof_sampler, wake);

	wake_up_interruptible(&s->stream->wait);
}

/*
 * The most that is written between two commits, of a tick or of a wait, which is
 * the larger record: what the ring must be able to hold at once.
 */
static u32 burst(u32 depth)
{
	BUILD_BUG_ON(sizeof(struct tickprof_wait) < sizeof(struct tickprof_sample_context));
	return sizeof(struct tickprof_lost) + sizeof(struct tickprof_task) +
	       2 * (sizeof(struct tickprof_stack) + depth * sizeof(u64)) +
	       sizeof(struct tickprof_context_record) + sizeof(struct tickprof_thread_context) +
	       sizeof(struct tickprof_wait);
}

static void free_sampler(struct tickprof_sampler *s)
{
	kvfree(s->rules);
	kvfree(s->blocked);
	kvfree(s->context);
	kvfree(s);
}

static void destroy_sampler(struct tickprof_sampler *s)
{
	if (!s)
		return;
	tickprof_ring_deinit(&s->ring);
	free_sampler(s);
}

static size_t rules_size(u32 flags)
{
	return flags & TICKPROF_F_TABLES ? sizeof(struct tickprof_rule_cache) : 0;
}

static size_t blocked_size(u32 flags)
{
	return flags & TICKPROF_F_WAITS ? tickprof_unwind_blocked_cache() : 0;
}

static size_t context_size(u32 flags)
{
	return flags & TICKPROF_F_CONTEXT ? sizeof(struct tickprof_context_cache) : 0;
}

/* What a session does not want has no size. False: no memory. */
static bool create_cache(void *cache, size_t size, u32 cpu)
{
	void **to = cache;

	*to = size ? kvzalloc_node(size, GFP_KERNEL, cpu_to_node(cpu)) : NULL;
	return !size || *to;
}

static size_t sampler_size(u32 depth)
{
	return sizeof(struct tickprof_sampler) + depth * sizeof(u64);
}

static struct tickprof_sampler *create_sampler(struct tickprof_stream *stream, u32 cpu)
{
	const struct tickprof_config *config = &stream->config;
	struct tickprof_sampler *s;

	s = kvzalloc_node(sampler_size(config->depth), GFP_KERNEL, cpu_to_node(cpu));
	if (!s)
		return NULL;
	s->stream = stream;
	s->config = config;
	s->cpu = cpu;
	s->random = get_random_u32() | 1;
	init_irq_work(&s->wake, wake_reader);
	tickprof_timer_init(s);
	if (!create_cache(&s->rules, rules_size(config->flags), cpu) ||
	    !create_cache(&s->blocked, blocked_size(config->flags), cpu) ||
	    !create_cache(&s->context, context_size(config->flags), cpu) ||
	    tickprof_ring_init(&s->ring, cpu, config->ring_size, config->watermark,
			       burst(config->depth))) {
		free_sampler(s);
		return NULL;
	}
	return s;
}

/* Takes NULL, too. */
void tickprof_sampler_destroy_all(struct tickprof_sampler **samplers)
{
	unsigned int cpu;

	if (!samplers)
		return;
	for_each_possible_cpu(cpu)
		destroy_sampler(samplers[cpu]);
	kfree(samplers);
}

/* One for each possible CPU, by its number; NULL: no memory. */
struct tickprof_sampler **tickprof_sampler_create_all(struct tickprof_stream *stream)
{
	struct tickprof_sampler **samplers;
	unsigned int cpu;

	samplers = kcalloc(nr_cpu_ids, sizeof(*samplers), GFP_KERNEL);
	if (!samplers)
		return NULL;
	for_each_possible_cpu(cpu) {
		samplers[cpu] = create_sampler(stream, cpu);
		if (!samplers[cpu]) {
			tickprof_sampler_destroy_all(samplers);
			return NULL;
		}
	}
	return samplers;
}

/* Bytes that one takes, its ring included. */
u64 tickprof_sampler_memory(const struct tickprof_config *config)
{
	return sampler_size(config->depth) + tickprof_ring_memory(config->ring_size) +
	       rules_size(config->flags) + blocked_size(config->flags) +
	       context_size(config->flags);
}
