/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the second pass share: samples, waits and threads into the profile. */
#ifndef TICKPROF_BUILD_H
#define TICKPROF_BUILD_H

#include "capture/decode.h"
#include "profile_build.h"

/* The location of an address under a space; space 0 is the kernel. */
struct place_row {
	uint64_t address;
	uint32_t space;
	uint32_t location;
	bool caller;
};

/* The chain of a user stack under a space. */
struct chain_row {
	uint32_t space, stack;
	uint32_t chain;
	bool first_caller;
};

/* What a process said about itself. */
struct speaker {
	struct capture_process image;
	const char *service;
	const char **keys;
};

/* The context that a record names, as the profile has it. */
struct context_row {
	uint32_t context, speaker;	/* the latter for its keys */
	uint32_t number;		/* in profile contexts */
};

struct task_row {
	struct image *image;
	uint32_t speaker;	/* 0: none */
	uint32_t labels;	/* number in profile tasks; 0: not looked at yet */
};

struct build {
	struct profile *p;
	const struct capture *capture;
	struct decode *decode;
	const struct profile_options *options;
	struct task_row *tasks;		/* by interned task; [0] has none */
	uint32_t *kernel_chains;	/* by interned stack: chain + 1 */
	size_t cap_task_rows, cap_kernel_chains;
	struct place_row *places;
	size_t nr_places, cap_places;
	struct chain_row *chains;
	size_t nr_chains, cap_chains;
	struct span_threads *by_thread;	/* options.join_by_thread; else NULL */
	uint32_t *carriers;		/* options.profile_ids: by span; else NULL */
	uint64_t offset;		/* a span's time - CLOCK_MONOTONIC */
	struct speaker *speakers;
	size_t nr_speakers, cap_speakers;
	struct context_row *contexts;
	size_t nr_contexts, cap_contexts;
	struct hash place_index, chain_index, sample_index, label_index, wait_index, thread_index,
		    speaker_index, context_index, context_row_index;
	uint32_t short_marker, stackless_marker;	/* locations; 0: not needed yet */
	uint32_t *scratch;		/* locations of the stack being read */
	uint8_t *scratch_how;
	size_t cap_scratch, cap_scratch_how;
};

/* Each takes interned numbers of the decoder; 0: none. */
uint32_t build_kernel_chain(struct build *b, uint32_t stack);
/* time: when the stack was taken; first_caller: its first address is a return address. */
uint32_t build_user_chain(struct build *b, const struct image *image, uint32_t space,
			  uint64_t time, uint32_t stack, bool first_caller);
/* Valid until the next one. */
const struct task_row *build_task(struct build *b, uint32_t task);
const char *build_comm(struct build *b, const char comm[TICKPROF_COMM_LEN]);
/* Added to an equal one unless options.each. */
void build_add(struct build *b, const struct profile_sample *s);

/* All PROCESS chunks, before anything else; and the one of a task's process, or 0. */
void build_speakers(struct build *b);
uint32_t build_speaker(struct build *b, const struct tickprof_task *task);
/* The profile's context for a decoder's. speaker: whose it is; 0: without attributes. */
uint32_t build_context(struct build *b, uint32_t context, uint32_t speaker);
/* The same for a task that was in none at a time, if options.join_by_thread finds one. */
uint32_t build_joined(struct build *b, const struct profile_task *t, uint64_t time);
/* When all is in: processes that did not say what service they are have their spans'. */
void build_services(struct build *b);
void build_contexts_deinit(struct build *b);

void build_wait(void *ctx, const struct decode_wait *wait);
/* To the sums of its thread. task: the thread's labels. */
void build_thread(struct build *b, const struct decode_wait *wait, uint32_t task);

#endif
