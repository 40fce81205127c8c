// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of OTLP profiles. Functions, locations and mappings have the numbers that the
 * profile gives them, for index 0 is none there, too; the others are made as samples ask
 * for them, each once.
 */
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "otlp_write.h"
#include "span/span.h"

#define VARINT_MAX	10

void otlp_dictionary_init(struct otlp_dictionary *d, const struct profile *p)
{
	*d = (struct otlp_dictionary) { .p = p, .strings = intern_create() };
	GROW(d->table, d->cap_table, 1);
	d->table[d->nr_table++] = "";
	GROW(d->attributes, d->cap_attributes, 1);
	d->attributes[d->nr_attributes++] = (struct otlp_attribute) { .text = "" };
	GROW(d->links, d->cap_links, 1);
	d->links[d->nr_links++] = 0;
	GROW(d->stacks, d->cap_stacks, 1);
	d->stacks[d->nr_stacks++] = (struct otlp_stack) { 0 };
}

void otlp_dictionary_deinit(struct otlp_dictionary *d)
{
	intern_destroy(d->strings);
	free(d->table);
	free(d->attributes);
	free(d->links);
	free(d->stacks);
	hash_deinit(&d->attribute_index);
	hash_deinit(&d->link_index);
	hash_deinit(&d->stack_index);
}

char *otlp_clean(struct otlp_dictionary *d, const char *text)
{
	const size_t size = strlen(text);
	char *copy = intern_alloc(d->strings, size + 1);

	memcpy(copy, text, size);
	utf8_clean(copy, size);
	return copy;
}

int32_t otlp_string(struct otlp_dictionary *d, const char *text)
{
	struct intern_entry *e;

	if (!*text)
		return 0;
	e = intern_get(d->strings, text, strlen(text));
	if (!e->value) {
		GROW(d->table, d->cap_table, d->nr_table + 1);
		d->table[d->nr_table] = otlp_clean(d, text);
		e->value = (void *)d->nr_table++;
	}
	return (intptr_t)e->value;
}

static int32_t attribute(struct otlp_dictionary *d, const struct otlp_attribute *a)
{
	uint64_t h = hash_u64(hash_u64(a->key, (uintptr_t)a->text), a->number);
	const struct otlp_attribute *g;
	struct hash_slot *slot;

	slot = hash_find(&d->attribute_index, h, id, ({
		g = &d->attributes[id];
		g->key == a->key && g->text == a->text && g->number == a->number; }));
	if (!slot->id) {
		GROW(d->attributes, d->cap_attributes, d->nr_attributes + 1);
		d->attributes[d->nr_attributes] = *a;
		slot->id = d->nr_attributes++;
	}
	return slot->id;
}

int32_t otlp_text(struct otlp_dictionary *d, const char *key, const char *text)
{
	const int32_t key_index = otlp_string(d, key), value = otlp_string(d, text);

	if (!value)
		return 0;
	return attribute(d, &(struct otlp_attribute) { .key = key_index, .text = d->table[value] });
}

int32_t otlp_number(struct otlp_dictionary *d, const char *key, int64_t number)
{
	return attribute(d, &(struct otlp_attribute) {
		.key = otlp_string(d, key), .number = number,
	});
}

/* Contexts that differ in their attributes alone have one link. */
int32_t otlp_link(struct otlp_dictionary *d, uint32_t context)
{
	static const uint8_t zeros[SPAN_ID_SIZE];
	const struct profile_context *c, *g;
	struct hash_slot *slot;
	uint64_t h;

	if (!context)
		return 0;
	c = profile_context(d->p, context);
	if (!memcmp(c->span_id, zeros, SPAN_ID_SIZE))
		return 0;
	h = hash_bytes(hash_bytes(hash_seed(), c->trace_id, TRACE_ID_SIZE), c->span_id,
		       SPAN_ID_SIZE);
	slot = hash_find(&d->link_index, h, id, ({
		g = profile_context(d->p, d->links[id]);
		!memcmp(g->trace_id, c->trace_id, TRACE_ID_SIZE) &&
		!memcmp(g->span_id, c->span_id, SPAN_ID_SIZE); }));
	if (!slot->id) {
		GROW(d->links, d->cap_links, d->nr_links + 1);
		d->links[d->nr_links] = context;
		slot->id = d->nr_links++;
	}
	return slot->id;
}

int32_t otlp_stack(struct otlp_dictionary *d, const struct profile_sample *s)
{
	const struct otlp_stack *g;
	struct hash_slot *slot;

	if (!s->leaf && !s->kernel && !s->user)
		return 0;
	slot = hash_find(&d->stack_index, hash_u64((uint64_t)s->leaf << 32 | s->kernel, s->user),
			 id, ({
				 g = &d->stacks[id];
				 g->leaf == s->leaf && g->kernel == s->kernel && g->user == s->user;
			 }));
	if (!slot->id) {
		GROW(d->stacks, d->cap_stacks, d->nr_stacks + 1);
		d->stacks[d->nr_stacks] = (struct otlp_stack) { s->leaf, s->kernel, s->user };
		slot->id = d->nr_stacks++;
	}
	return slot->id;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = value | 0x80;
	*at++ = value;
	return at;
}

void otlp_write_field(struct gzip *out, uint32_t field, const void *bytes, size_t size)
{
	uint8_t head[1 + VARINT_MAX] = { field << 3 | 2 };
	const size_t head_size = put_varint(head + 1, size) - head;
	uint8_t *at = gzip_reserve(out, head_size + size);

	memcpy(at, head, head_size);
	if (size)
		memcpy(at + head_size, bytes, size);
}

/* One entry of one table: joined dictionaries are one. */
static void emit(struct gzip *out, const Tickprof__Profiles__Dictionary *m)
{
	const size_t size = tickprof__profiles__dictionary__get_packed_size(m);
	uint8_t *bytes __free = xmalloc(size + 1);

	tickprof__profiles__dictionary__pack(m, bytes);
	otlp_write_field(out, 2, bytes, size);
}

static void emit_mapping(struct otlp_dictionary *d, struct gzip *out, uint32_t id)
{
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__Mapping mapping = TICKPROF__PROFILES__MAPPING__INIT, *list = &mapping;
	int32_t build_id;

	if (id) {
		const struct profile_mapping *from = profile_mapping(d->p, id);

		mapping.memory_start = from->start;
		mapping.memory_limit = from->limit;
		mapping.file_offset = from->offset;
		mapping.filename_strindex = otlp_string(d, from->file);
		build_id = otlp_text(d, "process.executable.build_id.gnu", from->build_id);
		mapping.n_attribute_indices = !!build_id;
		mapping.attribute_indices = &build_id;
	}
	m.n_mapping_table = 1;
	m.mapping_table = &list;
	emit(out, &m);
}

static void emit_location(struct otlp_dictionary *d, struct gzip *out, uint32_t id)
{
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__Location location = TICKPROF__PROFILES__LOCATION__INIT,
				     *entry = &location;
	const struct profile_location *from = id ? profile_location(d->p, id) : NULL;
	const uint32_t nr = from ? from->nr_lines : 0;
	Tickprof__Profiles__Line *lines __free = xcalloc(nr, sizeof(*lines));
	Tickprof__Profiles__Line **list __free = xcalloc(nr, sizeof(*list));
	int32_t type;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		const struct profile_line *line = &d->p->lines[from->first_line + i];

		tickprof__profiles__line__init(&lines[i]);
		lines[i].function_index = line->function;
		lines[i].line = line->line;
		list[i] = &lines[i];
	}
	if (from) {
		type = otlp_text(d, "profile.frame.type",
				 profile_location_is_kernel(d->p, id) ? "kernel" : "native");
		location.mapping_index = from->mapping;
		location.address = from->address;
		location.n_lines = nr;
		location.lines = list;
		location.n_attribute_indices = 1;
		location.attribute_indices = &type;
	}
	m.n_location_table = 1;
	m.location_table = &entry;
	emit(out, &m);
}

static void emit_function(struct otlp_dictionary *d, struct gzip *out, uint32_t id)
{
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__Function function = TICKPROF__PROFILES__FUNCTION__INIT,
				     *list = &function;

	if (id) {
		const struct profile_function *from = profile_function(d->p, id);

		function.name_strindex = otlp_string(d, from->name);
		function.system_name_strindex = otlp_string(d, from->system_name);
		function.filename_strindex = otlp_string(d, from->file);
		function.start_line = from->start_line;
	}
	m.n_function_table = 1;
	m.function_table = &list;
	emit(out, &m);
}

static void emit_link(struct otlp_dictionary *d, struct gzip *out, uint32_t context)
{
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__Link link = TICKPROF__PROFILES__LINK__INIT, *list = &link;

	if (context) {
		const struct profile_context *c = profile_context(d->p, context);

		link.trace_id = (ProtobufCBinaryData) { TRACE_ID_SIZE, (uint8_t *)c->trace_id };
		link.span_id = (ProtobufCBinaryData) { SPAN_ID_SIZE, (uint8_t *)c->span_id };
	}
	m.n_link_table = 1;
	m.link_table = &list;
	emit(out, &m);
}

static void emit_attribute(struct gzip *out, const struct otlp_attribute *a)
{
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__KeyValueAndUnit kv = TICKPROF__PROFILES__KEY_VALUE_AND_UNIT__INIT,
					    *list = &kv;
	Tickprof__Profiles__AnyValue value = TICKPROF__PROFILES__ANY_VALUE__INIT;

	kv.key_strindex = a->key;
	if (a->text) {
		value.value_case = TICKPROF__PROFILES__ANY_VALUE__VALUE_STRING_VALUE;
		value.string_value = (char *)a->text;
	} else {
		value.value_case = TICKPROF__PROFILES__ANY_VALUE__VALUE_INT_VALUE;
		value.int_value = a->number;
	}
	if (a->key)
		kv.value = &value;
	m.n_attribute_table = 1;
	m.attribute_table = &list;
	emit(out, &m);
}

static void emit_stack(struct otlp_dictionary *d, struct gzip *out, const struct otlp_stack *s,
		       uint32_t *locations)
{
	const struct profile_sample sample = { .leaf = s->leaf,
					       .kernel = s->kernel,
					       .user = s->user };
	Tickprof__Profiles__Dictionary m = TICKPROF__PROFILES__DICTIONARY__INIT;
	Tickprof__Profiles__Stack stack = TICKPROF__PROFILES__STACK__INIT, *list = &stack;

	stack.n_location_indices = profile_stack(d->p, &sample, locations);
	stack.location_indices = (int32_t *)locations;
	m.n_stack_table = 1;
	m.stack_table = &list;
	emit(out, &m);
}

void otlp_write_dictionary(struct otlp_dictionary *d, struct gzip *out)
{
	uint32_t *locations __free = xmalloc(profile_depth_max(d->p) * sizeof(*locations));
	Tickprof__Profiles__Dictionary strings = TICKPROF__PROFILES__DICTIONARY__INIT;
	size_t i;

	for (i = 0; i <= d->p->nr_mappings; i++)
		emit_mapping(d, out, i);
	for (i = 0; i <= d->p->nr_locations; i++)
		emit_location(d, out, i);
	for (i = 0; i <= d->p->nr_functions; i++)
		emit_function(d, out, i);
	for (i = 0; i < d->nr_links; i++)
		emit_link(d, out, d->links[i]);
	for (i = 0; i < d->nr_stacks; i++)
		emit_stack(d, out, &d->stacks[i], locations);
	/* These have grown by what the others asked for. */
	for (i = 0; i < d->nr_attributes; i++)
		emit_attribute(out, &d->attributes[i]);
	strings.n_string_table = d->nr_table;
	strings.string_table = d->table;
	emit(out, &strings);
}
