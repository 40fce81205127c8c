/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_SAMPLER_H
#define TICKPROF_KMOD_SAMPLER_H

#include <linux/types.h>

struct tickprof_config;
struct tickprof_sampler;
struct tickprof_stream;

struct tickprof_sampler **tickprof_sampler_create_all(struct tickprof_stream *stream);
void tickprof_sampler_destroy_all(struct tickprof_sampler **samplers);
u64 tickprof_sampler_memory(const struct tickprof_config *config);

#endif
