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
	BUILD_BUG_ON(sizeof(struct tickprof_wait) < sizeof(struct tickprof_sample));
	return sizeof(struct tickprof_lost) + sizeof(struct tickprof_task) +
	       2 * (sizeof(struct tickprof_stack) + depth * sizeof(u64)) +
	       sizeof(struct tickprof_wait);
}

static void destroy_sampler(struct tickprof_sampler *s)
{
	if (!s)
		return;
	tickprof_ring_deinit(&s->ring);
	kvfree(s->rules);
	kvfree(s->blocked);
	kvfree(s);
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
	if (config->flags & TICKPROF_F_TABLES) {
		s->rules = kvzalloc_node(sizeof(*s->rules), GFP_KERNEL, cpu_to_node(cpu));
		if (!s->rules)
			goto error;
	}
	if (config->flags & TICKPROF_F_WAITS) {
		s->blocked = kvzalloc_node(tickprof_unwind_blocked_cache(), GFP_KERNEL,
					   cpu_to_node(cpu));
		if (!s->blocked)
			goto error;
	}
	if (tickprof_ring_init(&s->ring, cpu, config->ring_size, config->watermark,
			       burst(config->depth)))
		goto error;
	return s;
error:
	kvfree(s->rules);
	kvfree(s->blocked);
	kvfree(s);
	return NULL;
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
	size_t rules = config->flags & TICKPROF_F_TABLES ? sizeof(struct tickprof_rule_cache) : 0;

	return sampler_size(config->depth) + rules + tickprof_ring_memory(config->ring_size) +
	       (config->flags & TICKPROF_F_WAITS ? tickprof_unwind_blocked_cache() : 0);
}
