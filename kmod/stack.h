/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_STACK_H
#define TICKPROF_KMOD_STACK_H

#include <linux/tickprof.h>
#include <linux/types.h>

struct pt_regs;
struct task_struct;
struct tickprof_known;
struct tickprof_sampler;

u64 tickprof_stack_take_kernel(struct tickprof_sampler *s, struct pt_regs *regs,
			       struct tickprof_stack *stack);
u64 tickprof_stack_take_blocked(struct tickprof_sampler *s, struct task_struct *task,
				struct tickprof_stack *stack);
bool tickprof_stack_take_user(struct tickprof_sampler *s, struct pt_regs *regs,
			      struct tickprof_stack *stack, u64 *hash, u16 *sample_flags);
bool tickprof_stack_take_blocking(struct tickprof_sampler *s, struct tickprof_known *known,
				  struct tickprof_stack *stack, u64 *hash, u16 *sample_flags);
bool tickprof_stack_put_blocking(struct tickprof_sampler *s, struct tickprof_known *known,
				 struct tickprof_stack *stack, u64 hash, u64 *position);
bool tickprof_stack_put_once(struct tickprof_sampler *s, const struct tickprof_record *record,
			     u64 *slot, enum tickprof_counter written, enum tickprof_counter hit,
			     u64 *position);
void tickprof_stack_count_user(struct tickprof_sampler *s, const struct tickprof_stack *stack);
void tickprof_stack_uncount_user(struct tickprof_sampler *s, const struct tickprof_stack *stack);
bool tickprof_stack_put(struct tickprof_sampler *s, struct tickprof_stack *stack, u64 hash,
			u64 *position);

#endif
