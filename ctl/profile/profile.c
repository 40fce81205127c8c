// SPDX-License-Identifier: GPL-2.0-only
/*
 * The profile model: storage of functions, mappings, locations and chains, each
 * once, and the making of a profile from a capture in its order of steps.
 *
 * A location costs 48 bytes and its lines, a chain 8 bytes and 4 a frame, an
 * aggregated sample 72 bytes. Symbolization happens when a location is first
 * met, so it runs once for each place in a file whatever number of processes
 * have it mapped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture/decode.h"
#include "profile_build.h"

#define KERNEL_START	0xff00000000000000ull
#define ANY_LIMIT	(UINT64_MAX >> 1)

const char *const profile_column_names[PROFILE_COLUMNS] = {
	[PROFILE_SAMPLES] = "samples", [PROFILE_CPU] = "cpu",
	[PROFILE_OFF_CPU] = "off_cpu", [PROFILE_RUNQ] = "runq",
};

const char *const profile_column_units[PROFILE_COLUMNS] = {
	[PROFILE_SAMPLES] = "count", [PROFILE_CPU] = "nanoseconds",
	[PROFILE_OFF_CPU] = "nanoseconds", [PROFILE_RUNQ] = "nanoseconds",
};

const char *profile_string(struct profile *p, const char *s)
{
	return intern_string(p->private->strings, s ? s : "");
}

struct object *profile_file_object(struct profile *p, uint32_t file)
{
	struct profile_private *priv = p->private;
	struct object **o = &priv->file_objects[file - 1];
	const struct mapped_file *f;

	if (!*o) {
		f = processes_file(priv->processes, file);
		*o = objects_get(priv->objects, &f->id, f->pid, f->addr, f->len, priv->live);
	}
	return *o;
}

static uint32_t add_function(struct profile *p, const struct symbol_frame *frame)
{
	struct profile_private *priv = p->private;
	struct profile_function f = {
		.name = profile_string(p, frame->function),
		.system_name = profile_string(p, frame->system_name ? frame->system_name :
					      frame->function),
		.file = profile_string(p, frame->file),
		.start_line = frame->start_line,
	};
	uint64_t h = hash_u64((uintptr_t)f.name, (uintptr_t)f.system_name);
	struct hash_slot *slot;
	const struct profile_function *g;

	h = hash_u64(hash_u64(h, (uintptr_t)f.file), f.start_line);
	slot = hash_find(&priv->function_index, h, id, ({
		g = &p->functions[id - 1];
		g->name == f.name && g->system_name == f.system_name && g->file == f.file &&
		g->start_line == f.start_line; }));
	if (!slot->id) {
		GROW(p->functions, priv->cap_functions, p->nr_functions + 1);
		p->functions[p->nr_functions++] = f;
		slot->id = p->nr_functions;
	}
	return slot->id;
}

static const char *build_id_hex(struct profile *p, const struct object_id *id)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * TICKPROF_BUILD_ID_MAX + 1], *at = hex;
	size_t i;

	for (i = 0; i < id->build_id_size && i < TICKPROF_BUILD_ID_MAX; i++) {
		*at++ = digits[id->build_id[i] >> 4];
		*at++ = digits[id->build_id[i] & 15];
	}
	*at = '\0';
	return profile_string(p, hex);
}

static struct profile_mapping describe_mapping(struct profile *p, const struct object *object,
					       const struct symbol_location *loc)
{
	struct profile_mapping m = {
		.kind = object->kind, .start = loc->start, .limit = loc->limit,
		.offset = loc->offset,
	};

	switch (object->kind) {
	case OBJECT_KERNEL:
		m.start = KERNEL_START;
		m.limit = UINT64_MAX;
		m.offset = 0;
		m.file = profile_string(p, "[kernel.kallsyms]");
		break;
	case OBJECT_VDSO:
		m.file = profile_string(p, "[vdso]");
		break;
	case OBJECT_ANON:
		m.start = m.offset = 0;
		m.limit = ANY_LIMIT;
		m.file = profile_string(p, "[anon]");
		break;
	case OBJECT_FILE:
		m.file = profile_string(p, object->id.path);
		break;
	}
	m.build_id = build_id_hex(p, &object->id);
	return m;
}

static uint32_t add_mapping(struct profile *p, const struct object *object,
			    const struct symbol_location *loc)
{
	struct profile_private *priv = p->private;
	struct profile_mapping m = describe_mapping(p, object, loc);
	uint64_t h = hash_u64((uintptr_t)m.file, (uintptr_t)m.build_id);
	const struct profile_mapping *g;
	struct hash_slot *slot;

	h = hash_u64(hash_u64(hash_u64(h, m.start), m.limit), m.offset);
	slot = hash_find(&priv->mapping_index, h, id, ({
		g = &p->mappings[id - 1];
		g->file == m.file && g->build_id == m.build_id && g->start == m.start &&
		g->limit == m.limit && g->offset == m.offset; }));
	if (!slot->id) {
		GROW(p->mappings, priv->cap_mappings, p->nr_mappings + 1);
		p->mappings[p->nr_mappings++] = m;
		slot->id = p->nr_mappings;
	}
	return slot->id;
}

static void add_lines(struct profile *p, struct profile_location *l,
		      const struct symbol_location *loc)
{
	struct profile_mapping *m = &p->mappings[l->mapping - 1];
	uint32_t i;

	l->first_line = p->nr_lines;
	l->nr_lines = loc->nr_frames;
	GROW(p->lines, p->private->cap_lines, p->nr_lines + loc->nr_frames);
	for (i = 0; i < loc->nr_frames; i++) {
		const struct symbol_frame *frame = &loc->frames[i];

		p->lines[p->nr_lines++] = (struct profile_line) {
			.function = add_function(p, frame), .line = frame->line,
		};
		m->has_functions = true;
		m->has_files |= frame->file && *frame->file;
		m->has_lines |= frame->line;
	}
	m->has_inlines |= loc->nr_frames > 1;
}

static void resolve_location(struct profile *p, struct profile_location *l)
{
	struct symbol_location loc = { 0 };

	p->stats.locations++;
	if (!l->object) {
		l->address = l->offset;
		p->stats.unmapped++;
		p->stats.unresolved++;
		return;
	}
	if (!symbolizer_resolve(p->private->symbolizer, l->object, l->offset, l->caller, &loc)) {
		loc.nr_frames = 0;
		p->stats.unresolved++;
	}
	if (!loc.limit)		/* not filled in: the file could not be read */
		loc = (struct symbol_location) { .address = l->offset, .limit = ANY_LIMIT };
	l->address = loc.address;
	l->mapping = add_mapping(p, l->object, &loc);
	add_lines(p, l, &loc);
}

uint32_t profile_add_location(struct profile *p, struct object *object, uint64_t offset,
			      bool caller)
{
	struct profile_private *priv = p->private;
	uint64_t h = hash_u64(hash_u64((uintptr_t)object, offset), caller);
	const struct profile_location *g;
	struct hash_slot *slot;

	slot = hash_find(&priv->location_index, h, id, ({
		g = &p->locations[id - 1];
		g->object == object && g->offset == offset && g->caller == caller; }));
	if (!slot->id) {
		GROW(p->locations, priv->cap_locations, p->nr_locations + 1);
		p->locations[p->nr_locations] = (struct profile_location) {
			.object = object, .offset = offset, .caller = caller,
		};
		resolve_location(p, &p->locations[p->nr_locations]);
		slot->id = ++p->nr_locations;
	}
	return slot->id;
}

uint32_t profile_add_marker(struct profile *p, const char *function)
{
	const struct symbol_frame frame = { .function = function };
	uint32_t mapping;

	for (mapping = 1; mapping <= p->nr_mappings; mapping++)
		if (p->mappings[mapping - 1].file == profile_string(p, "[waits]"))
			break;
	if (mapping > p->nr_mappings) {
		GROW(p->mappings, p->private->cap_mappings, mapping);
		p->mappings[p->nr_mappings++] = (struct profile_mapping) {
			.kind = OBJECT_ANON, .limit = ANY_LIMIT, .has_functions = true,
			.file = profile_string(p, "[waits]"), .build_id = profile_string(p, ""),
		};
	}
	GROW(p->lines, p->private->cap_lines, p->nr_lines + 1);
	p->lines[p->nr_lines++] = (struct profile_line) { .function = add_function(p, &frame) };
	GROW(p->locations, p->private->cap_locations, p->nr_locations + 1);
	p->locations[p->nr_locations++] = (struct profile_location) {
		.mapping = mapping, .first_line = p->nr_lines - 1, .nr_lines = 1,
	};
	return p->nr_locations;
}

static void add_how(struct profile *p, const uint8_t *how, uint32_t nr)
{
	GROW(p->chain_how, p->private->cap_chain_how, p->nr_chain_locations + nr);
	memcpy(p->chain_how + p->nr_chain_locations, how, nr);
}

uint32_t profile_add_chain(struct profile *p, const uint32_t *locations, const uint8_t *how,
			   uint32_t nr)
{
	struct profile_private *priv = p->private;
	const bool walks = priv->walks;
	uint64_t h = nr;
	const struct profile_chain *g;
	struct hash_slot *slot;
	uint32_t i;

	if (!nr)
		return 0;
	for (i = 0; i < nr; i++)
		h = hash_u64(h, (uint64_t)(walks ? how[i] : 0) << 32 | locations[i]);
	slot = hash_find(&priv->chain_index, h, id, ({
		g = &p->chains[id - 1];
		g->nr == nr && !memcmp(p->chain_locations + g->first, locations,
				       nr * sizeof(*locations)) &&
		(!walks || !memcmp(p->chain_how + g->first, how, nr)); }));
	if (!slot->id) {
		GROW(p->chains, priv->cap_chains, p->nr_chains + 1);
		p->chains[p->nr_chains++] = (struct profile_chain) {
			.first = p->nr_chain_locations, .nr = nr,
			.rooted = profile_root_reached(p, locations, nr),
		};
		slot->id = p->nr_chains;
		if (walks)
			add_how(p, how, nr);
		GROW(p->chain_locations, priv->cap_chain_locations, p->nr_chain_locations + nr);
		memcpy(p->chain_locations + p->nr_chain_locations, locations,
		       nr * sizeof(*locations));
		p->nr_chain_locations += nr;
	}
	return slot->id;
}

static int load_symbols(struct profile *p, const struct capture *c)
{
	const struct capture_chunk *chunks;
	size_t i, nr;

	chunks = capture_chunks(c, &nr);
	for (i = 0; i < nr; i++) {
		int ret;

		if (chunks[i].type != CAPTURE_SYMBOLS)
			continue;
		ret = profile_symbols_load(p, chunks[i].payload, chunks[i].size);
		if (ret) {
			err("the capture's symbols make no sense");
			return ret;
		}
	}
	return 0;
}

int profile_create(struct capture *c, struct objects *objects, struct symbolizer *s,
		   const struct profile_options *options, struct profile **out)
{
	struct profile *p = xcalloc(1, sizeof(*p));
	struct profile_private *priv = xcalloc(1, sizeof(*priv));
	struct decode *d;
	int ret;

	p->private = priv;
	priv->objects = objects;
	priv->symbolizer = s;
	priv->live = options->live;
	priv->walks = options->walks;
	priv->strings = intern_create();
	priv->processes = processes_create();
	d = decode_create(c);
	decode_events(d, processes_event, priv->processes);
	processes_seal(priv->processes);
	priv->file_objects = xcalloc(processes_nr_files(priv->processes),
				     sizeof(*priv->file_objects));
	ret = load_symbols(p, c);
	if (!ret) {
		profile_build(p, c, d, options);
		profile_describe(p, c);
	}
	decode_destroy(d);
	if (ret)
		profile_destroy(p);
	else
		*out = p;
	return ret;
}

void profile_destroy(struct profile *p)
{
	struct profile_private *priv;
	size_t i;

	if (!p)
		return;
	priv = p->private;
	processes_destroy(priv->processes);
	free(priv->file_objects);
	hash_deinit(&priv->function_index);
	hash_deinit(&priv->mapping_index);
	hash_deinit(&priv->location_index);
	hash_deinit(&priv->chain_index);
	intern_destroy(priv->strings);
	free(priv);
	for (i = 0; i < p->nr_notes; i++)
		free(p->notes[i]);
	free(p->notes);
	free(p->functions);
	free(p->lines);
	free(p->mappings);
	free(p->locations);
	free(p->tasks);
	free(p->chains);
	free(p->chain_locations);
	free(p->chain_how);
	free(p->no_tables);
	free(p->samples);
	free(p->waits);
	free(p->contexts);
	free(p->attributes);
	free(p->threads);
	free(p);
}

uint64_t profile_nr_samples(const struct profile *p)
{
	return p->stats.samples;
}

enum profile_column profile_default_column(const struct profile *p)
{
	return p->ticks ? PROFILE_CPU : PROFILE_OFF_CPU;
}

static size_t chain_copy(const struct profile *p, uint32_t chain, uint32_t *locations)
{
	const struct profile_chain *c = &p->chains[chain - 1];

	if (!chain)
		return 0;
	memcpy(locations, p->chain_locations + c->first, c->nr * sizeof(*locations));
	return c->nr;
}

size_t profile_stack(const struct profile *p, const struct profile_sample *sample,
		     uint32_t *locations)
{
	size_t n = 0;

	if (sample->leaf)
		locations[n++] = sample->leaf;
	n += chain_copy(p, sample->kernel, locations + n);
	return n + chain_copy(p, sample->user, locations + n);
}

size_t profile_depth_max(const struct profile *p)
{
	uint32_t max = 0;
	size_t i;

	for (i = 0; i < p->nr_chains; i++)
		if (p->chains[i].nr > max)
			max = p->chains[i].nr;
	return 2 * (size_t)max + 1;
}

const char *profile_mapping_name(const struct profile *p, uint32_t mapping)
{
	const char *file, *slash;

	if (!mapping)
		return "[unknown]";
	file = p->mappings[mapping - 1].file;
	slash = strrchr(file, '/');
	return slash && slash[1] && *file == '/' ? slash + 1 : file;
}

bool profile_location_is_kernel(const struct profile *p, uint32_t location)
{
	uint32_t mapping = p->locations[location - 1].mapping;

	return mapping && p->mappings[mapping - 1].kind == OBJECT_KERNEL;
}
