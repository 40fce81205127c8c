/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_SAMPLE_H
#define TICKPROF_KMOD_SAMPLE_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct tickprof_held;
struct tickprof_sampler;

bool tickprof_sample_take(struct tickprof_sampler *s, u64 now);
void tickprof_sample_write_held(struct tickprof_sampler *s, struct tickprof_held *held);

#endif
