// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples and waits of all CPUs into the profile: each is named by small numbers (labels,
 * leaf location, kernel chain, user chain) and added up under them.
 *
 * A sample costs three look-ups in hash tables; addresses are looked at only
 * when a stack is new for the mappings ("space") it is seen under. Tables grow
 * with distinct stacks and places, never with samples.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/decode.h"
#include "build.h"

static struct object *place_object(struct build *b, const struct place *place)
{
	struct profile_private *priv = b->p->private;

	switch (place->kind) {
	case PLACE_FILE:
		return profile_file_object(b->p, place->file);
	case PLACE_ANON:
	case PLACE_NONE:
		return objects_get_anon(priv->objects, place->pid);
	case PLACE_VDSO:
		return objects_vdso(priv->objects);
	}
	return NULL;
}

/* Code that a just-in-time compiler put into a memory file is known by address only. */
static bool may_be_jit(const struct build *b, const struct place *place)
{
	const char *path;

	if (place->kind != PLACE_FILE)
		return place->kind == PLACE_NONE;
	path = processes_file(b->p->private->processes, place->file)->id.path;
	return !strncmp(path, "/memfd:", 7) || !strncmp(path, "/dev/zero", 9);
}

static uint32_t resolve_place(struct build *b, const struct place *place, uint64_t address,
			      bool caller)
{
	struct profile *p = b->p;
	struct object *object = place_object(b, place);

	if (may_be_jit(b, place)) {
		struct object *jit = objects_get_anon(p->private->objects, place->pid);
		struct symbol_location loc = { 0 };

		if (symbolizer_resolve(p->private->symbolizer, jit, address, caller, &loc))
			return profile_add_location(p, jit, address, caller);
		if (place->kind == PLACE_NONE)
			object = NULL;
	}
	return profile_add_location(p, object, place->offset, caller);
}

/* image NULL: a kernel address. */
static uint32_t locate(struct build *b, const struct image *image, uint32_t space,
		       uint64_t time, uint64_t address, bool caller)
{
	uint64_t h = hash_u64(hash_u64(space * 2 + caller, address), 0);
	const struct place_row *g;
	struct hash_slot *slot;
	struct place place;
	uint32_t location;

	slot = hash_find(&b->place_index, h, id, ({
		g = &b->places[id - 1];
		g->address == address && g->space == space && g->caller == caller; }));
	if (slot->id)
		return b->places[slot->id - 1].location;
	if (image) {
		processes_lookup(image, time, address, &place);
		location = resolve_place(b, &place, address, caller);
	} else {
		location = profile_add_location(b->p, objects_kernel(b->p->private->objects),
						address, caller);
	}
	GROW(b->places, b->cap_places, b->nr_places + 1);
	b->places[b->nr_places++] = (struct place_row) {
		.address = address, .space = space, .location = location, .caller = caller,
	};
	slot->id = b->nr_places;
	return location;
}

static bool is_return(uint64_t frame)
{
	enum tickprof_how how = frame >> TICKPROF_FRAME_SHIFT;

	return how == TICKPROF_HOW_FP || how == TICKPROF_HOW_CFI;
}

/* What a signal handler returns to was never called: its first instruction counts. */
static bool is_trampoline(const struct decode_stack *stack, uint32_t i)
{
	return i + 1 < stack->nr &&
	       stack->ip[i + 1] >> TICKPROF_FRAME_SHIFT == TICKPROF_HOW_SIGNAL;
}

static uint32_t make_chain(struct build *b, const struct image *image, uint32_t space,
			   uint64_t time, const struct decode_stack *stack, bool first_caller)
{
	uint32_t i, nr = stack->nr;
	uint64_t address;
	bool caller;

	GROW(b->scratch, b->cap_scratch, stack->nr);
	GROW(b->scratch_how, b->cap_scratch_how, stack->nr);
	for (i = 0; i < stack->nr; i++) {
		address = stack->ip[i];
		caller = i || first_caller;
		b->scratch_how[i] = TICKPROF_HOW_CFI;
		if (image) {
			b->scratch_how[i] = address >> TICKPROF_FRAME_SHIFT;
			caller &= is_return(address) && !is_trampoline(stack, i);
			address &= TICKPROF_FRAME_ADDRESS;
		}
		b->scratch[i] = locate(b, image, space, time, address, caller);
	}
	/* What a broken chain read last is no return address if nothing was ever mapped there. */
	while (stack->flags & TICKPROF_STACK_BROKEN && nr > !first_caller &&
	       !profile_location(b->p, b->scratch[nr - 1])->mapping) {
		b->p->stats.trimmed++;
		nr--;
	}
	return profile_add_chain(b->p, b->scratch, b->scratch_how, nr);
}

uint32_t build_kernel_chain(struct build *b, uint32_t stack)
{
	const struct decode_stack *s;
	size_t had = b->cap_kernel_chains;

	if (!stack)
		return 0;
	s = decode_stack(b->decode, stack);
	if (!(s->flags & TICKPROF_STACK_KERNEL)) {
		b->p->stats.decode_errors++;
		return 0;
	}
	GROW(b->kernel_chains, b->cap_kernel_chains, (size_t)stack + 1);
	memset(b->kernel_chains + had, 0,
	       (b->cap_kernel_chains - had) * sizeof(*b->kernel_chains));
	if (!b->kernel_chains[stack])
		b->kernel_chains[stack] = make_chain(b, NULL, 0, 0, s, true) + 1;
	return b->kernel_chains[stack] - 1;
}

uint32_t build_user_chain(struct build *b, const struct image *image, uint32_t space,
			  uint64_t time, uint32_t stack, bool first_caller)
{
	const struct decode_stack *s;
	const struct chain_row *g;
	struct hash_slot *slot;
	uint32_t chain;

	if (!stack)
		return 0;
	s = decode_stack(b->decode, stack);
	if (s->flags & TICKPROF_STACK_KERNEL) {
		b->p->stats.decode_errors++;
		return 0;
	}
	slot = hash_find(&b->chain_index, hash_u64(hash_u64(space * 2 + first_caller, stack), 0),
			 id, ({
		g = &b->chains[id - 1];
		g->space == space && g->stack == stack && g->first_caller == first_caller; }));
	if (slot->id)
		return b->chains[slot->id - 1].chain;
	chain = make_chain(b, image, space, time, s, first_caller);
	GROW(b->chains, b->cap_chains, b->nr_chains + 1);
	b->chains[b->nr_chains++] = (struct chain_row) {
		.space = space, .stack = stack, .chain = chain, .first_caller = first_caller,
	};
	slot->id = b->nr_chains;
	return chain;
}

static const char *cgroup_name(struct build *b, uint64_t id)
{
	char key[40];
	const char *path;

	if (!id)
		return profile_string(b->p, "");
	snprintf(key, sizeof(key), CAPTURE_META_CGROUP "%" PRIu64, id);
	path = capture_meta(b->capture, key);
	return profile_string(b->p, path ? path : key + strlen(CAPTURE_META_CGROUP));
}

const char *build_comm(struct build *b, const char comm[TICKPROF_COMM_LEN])
{
	char text[TICKPROF_COMM_LEN + 1] = "";

	memcpy(text, comm, TICKPROF_COMM_LEN);
	return profile_string(b->p, text);
}

static uint32_t add_labels(struct build *b, const struct tickprof_task *r, uint32_t speaker)
{
	struct profile *p = b->p;
	struct profile_task t = {
		.pid = r->pid, .tid = r->tid, .process = build_comm(b, r->process),
		.thread = build_comm(b, r->comm), .cgroup = cgroup_name(b, r->cgroup),
		.service = profile_string(b->p, speaker ? b->speakers[speaker - 1].service : ""),
	};
	uint64_t h = hash_u64(hash_u64(t.pid, t.tid), (uintptr_t)t.process);
	const struct profile_task *g;
	struct hash_slot *slot;

	h = hash_u64(hash_u64(h, (uintptr_t)t.thread), (uintptr_t)t.cgroup ^ (uintptr_t)t.service);
	slot = hash_find(&b->label_index, h, id, ({
		g = &p->tasks[id - 1];
		g->pid == t.pid && g->tid == t.tid && g->process == t.process &&
		g->thread == t.thread && g->cgroup == t.cgroup && g->service == t.service; }));
	if (!slot->id) {
		GROW(p->tasks, p->private->cap_tasks, p->nr_tasks + 1);
		p->tasks[p->nr_tasks++] = t;
		slot->id = p->nr_tasks;
	}
	return slot->id;
}

const struct task_row *build_task(struct build *b, uint32_t task)
{
	static const struct tickprof_task nobody = {
		.process = "[unknown]", .comm = "[unknown]",
	};
	const struct tickprof_task *r = task ? decode_task(b->decode, task) : &nobody;
	size_t had = b->cap_task_rows;
	struct task_row *row;

	GROW(b->tasks, b->cap_task_rows, (size_t)task + 1);
	memset(b->tasks + had, 0, (b->cap_task_rows - had) * sizeof(*b->tasks));
	row = &b->tasks[task];
	if (!row->labels) {
		row->speaker = build_speaker(b, r);
		row->labels = add_labels(b, r, row->speaker);
		row->image = processes_image(b->p->private->processes, r->pid, r->start_time,
					     r->exec_id);
	}
	return row;
}

static void add_values(struct profile_sample *to, const struct profile_sample *from)
{
	to->count += from->count;
	to->waits += from->waits;
	to->off_cpu += from->off_cpu;
	to->runq += from->runq;
}

/* How its user stack fared. */
static uint32_t walk_of(const struct profile_sample *s)
{
	return s->end << 2 | s->fallback << 1 | s->later;
}

void build_add(struct build *b, const struct profile_sample *s)
{
	const struct profile_options *o = b->options;
	struct profile *p = b->p;
	const struct profile_sample *g;
	struct hash_slot *slot;
	uint64_t h;

	if (!o->each) {
		h = hash_u64((uint64_t)s->task << 32 | s->leaf, (uint64_t)s->kernel << 32 | s->user);
		h = hash_u64(h, (uint64_t)s->wait << 32 | s->cpu << 16 | s->flags);
		h = hash_u64(h, (uint64_t)s->context << 32 | (o->walks ? walk_of(s) : 0));
		slot = hash_find(&b->sample_index, h, id, ({
			g = &p->samples[id - 1];
			g->task == s->task && g->leaf == s->leaf && g->kernel == s->kernel &&
			g->user == s->user && g->cpu == s->cpu && g->flags == s->flags &&
			g->wait == s->wait && g->context == s->context &&
			(!o->walks || walk_of(g) == walk_of(s)); }));
		if (slot->id) {
			add_values(&p->samples[slot->id - 1], s);
			return;
		}
		slot->id = p->nr_samples + 1;
	}
	GROW(p->samples, p->private->cap_samples, p->nr_samples + 1);
	p->samples[p->nr_samples++] = *s;
}

static void build_sample(void *ctx, const struct decode_sample *sample)
{
	struct build *b = ctx;
	const struct profile_options *o = b->options;
	const struct tickprof_sample *r = sample->record;
	struct profile_sample s = { .flags = r->hdr.flags, .time = r->time, .count = 1 };
	const struct image *image = NULL;
	const struct task_row *row;
	uint32_t space = 0;

	if ((o->from && r->time < o->from) || (o->until && r->time >= o->until))
		return;
	row = build_task(b, sample->task);
	s.task = row->labels;
	s.context = build_context(b, sample->context, row->speaker);
	if (!sample->context)
		s.context = build_joined(b, &b->p->tasks[s.task - 1], r->time);
	s.cpu = o->label_cpu || o->each ? sample->cpu : 0;
	if (sample->ustack || r->hdr.flags & TICKPROF_SAMPLE_USER) {
		image = row->image;
		space = processes_space(b->p->private->processes, row->image, r->time);
	}
	if (r->ip && r->hdr.flags & TICKPROF_SAMPLE_USER)
		s.leaf = locate(b, image, space, r->time, r->ip, false);
	else if (r->ip)
		s.leaf = locate(b, NULL, 0, 0, r->ip, false);
	s.kernel = build_kernel_chain(b, sample->kstack);
	s.user = build_user_chain(b, image, space, r->time, sample->ustack,
				  r->hdr.flags & TICKPROF_SAMPLE_USER);
	profile_count(b->p, b->decode, sample, &s);
	build_add(b, &s);
}

static int sample_compare(const void *a, const void *b)
{
	const struct profile_sample *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static void note_decoding(struct profile_stats *stats, const struct decode_stats *ds)
{
	stats->decode_errors += ds->errors;
	stats->unknown_records = ds->unknown;
	stats->gaps = ds->gaps;
	stats->unresolved_references = ds->unresolved;
	stats->lost_samples = ds->lost_samples;
	stats->lost_events = ds->lost_events;
	stats->lost_stacks = ds->lost_stacks;
}

void profile_build(struct profile *p, const struct capture *c, struct decode *d,
		   const struct profile_options *options)
{
	struct build b = { .p = p, .capture = c, .decode = d, .options = options };

	p->label_cpu = options->label_cpu;
	build_speakers(&b);
	decode_samples(d, build_sample, build_wait, &b);
	if (options->each && p->nr_samples)
		qsort(p->samples, p->nr_samples, sizeof(*p->samples), sample_compare);
	note_decoding(&p->stats, decode_stats(d));
	free(b.tasks);
	free(b.kernel_chains);
	free(b.places);
	free(b.chains);
	free(b.scratch);
	free(b.scratch_how);
	build_services(&b);
	build_contexts_deinit(&b);
	hash_deinit(&b.place_index);
	hash_deinit(&b.chain_index);
	hash_deinit(&b.sample_index);
	hash_deinit(&b.label_index);
	hash_deinit(&b.wait_index);
	hash_deinit(&b.thread_index);
}
