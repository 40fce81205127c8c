// SPDX-License-Identifier: GPL-2.0-only
/*
 * The profile as gzipped pprof (proto/profile.proto).
 *
 * Messages are packed and compressed in batches: joined protobuf messages are
 * one message whose repeated fields are joined, so the file is never whole in
 * memory. What is held is the string table, the packed labels of each task and span
 * and one batch of bytes. Samples go out as they stand in the profile, all columns,
 * in the fixed order of enum profile_column.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "pprof_write.h"

#define VARINT_MAX	10
#define SAMPLE_TAG	0x12		/* Profile.sample: field 2, length-delimited */

static void emit(struct writer *w, const Tickprof__Profile *message)
{
	size_t size = tickprof__profile__get_packed_size(message);

	tickprof__profile__pack(message, gzip_reserve(w->out, size));
}

static void emit_head(struct writer *w)
{
	const struct profile *p = w->p;
	Tickprof__Profile m = TICKPROF__PROFILE__INIT;
	Tickprof__ValueType types[PROFILE_COLUMNS], *list[PROFILE_COLUMNS];
	Tickprof__ValueType period = TICKPROF__VALUE_TYPE__INIT;
	int64_t *comments __free = xcalloc(p->nr_notes, sizeof(*comments));
	size_t i;

	for (i = 0; i < PROFILE_COLUMNS; i++) {
		tickprof__value_type__init(&types[i]);
		types[i].type = pprof_string(w, profile_column_names[i]);
		types[i].unit = pprof_string(w, profile_column_units[i]);
		list[i] = &types[i];
	}
	for (i = 0; i < p->nr_notes; i++)
		comments[i] = pprof_string(w, p->notes[i]);
	period.type = pprof_string(w, "cpu");
	period.unit = pprof_string(w, "nanoseconds");
	m.n_sample_type = PROFILE_COLUMNS;
	m.sample_type = list;
	m.time_nanos = p->time;
	m.duration_nanos = p->duration;
	m.period_type = &period;
	m.period = p->period;
	m.n_comment = p->nr_notes;
	m.comment = comments;
	m.default_sample_type = pprof_string(w, profile_column_names[profile_default_column(p)]);
	emit(w, &m);
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = value | 0x80;
	*at++ = value;
	return at;
}

/* No fewer bytes than it can take: 16 stand for a field's tag and length and what is in no list. */
static size_t sample_bound(const Tickprof__Sample *m)
{
	return 16 + (m->n_location_id + m->n_value) * VARINT_MAX +
	       m->n_label * (16 + 4 * (1 + VARINT_MAX)) + 2 * 16;
}

/*
 * A Sample is its own fields followed by the packed labels of its task and its span: joined
 * messages are one message. Packed before its size is known, which is cheaper than to ask.
 */
static void emit_sample(struct writer *w, const Tickprof__Sample *m,
			const struct packed_labels *task, const struct packed_labels *context)
{
	uint8_t head[1 + VARINT_MAX] = { SAMPLE_TAG }, *at;
	size_t own, size, head_size;

	GROW(w->sample, w->cap_sample, sample_bound(m));
	own = tickprof__sample__pack(m, w->sample);
	size = own + task->size + context->size;
	head_size = put_varint(head + 1, size) - head;
	at = gzip_reserve(w->out, head_size + size);
	memcpy(at, head, head_size);
	at += head_size;
	memcpy(at, w->sample, own);
	at += own;
	memcpy(at, task->bytes, task->size);
	if (context->size)
		memcpy(at + task->size, context->bytes, context->size);
}

static void emit_samples(struct writer *w)
{
	const struct profile *p = w->p;
	size_t depth = profile_depth_max(p), i, n;
	uint64_t *locations __free = xmalloc(depth * sizeof(*locations));
	uint32_t *stack __free = xmalloc(depth * sizeof(*stack));
	int64_t values[PROFILE_COLUMNS];
	static const struct packed_labels none;
	Tickprof__Label labels[LABELS_MAX], *list[LABELS_MAX];
	Tickprof__Sample m = TICKPROF__SAMPLE__INIT;
	size_t column;

	m.location_id = locations;
	m.value = values;
	m.n_value = PROFILE_COLUMNS;
	m.label = list;
	for (i = 0; i < p->nr_samples && !gzip_error(w->out); i++) {
		const struct profile_sample *s = &p->samples[i];

		m.n_location_id = profile_stack(p, s, stack);
		for (n = 0; n < m.n_location_id; n++)
			locations[n] = stack[n];
		for (column = 0; column < PROFILE_COLUMNS; column++)
			values[column] = profile_value(p, s, column);
		pprof_own_labels(w, labels, &m, s);
		emit_sample(w, &m, &w->tasks[s->task - 1],
			    s->context ? &w->contexts[s->context - 1] : &none);
	}
}

static bool is_command(const struct profile *p, uint32_t mapping)
{
	size_t word = strcspn(p->command, " "), dir = word;
	const char *name = profile_mapping_name(p, mapping);

	while (dir && p->command[dir - 1] != '/')
		dir--;
	return word > dir && strlen(name) == word - dir &&
	       !strncmp(name, p->command + dir, word - dir);
}

/*
 * pprof calls the first mapping the profile's file: the command that was
 * recorded, else the program most samples started in. Libraries come last: where
 * stacks are cut short, it is in them that they seem to start.
 */
static uint32_t main_mapping(const struct profile *p)
{
	uint64_t *weight __free = xcalloc(p->nr_mappings + 1, sizeof(*weight));
	uint32_t *stack __free = xmalloc(profile_depth_max(p) * sizeof(*stack));
	uint64_t heaviest = 0;
	uint32_t best = 0;
	size_t i;

	for (i = 0; i < p->nr_samples; i++) {
		size_t depth = profile_stack(p, &p->samples[i], stack);

		if (depth)
			weight[profile_location(p, stack[depth - 1])->mapping] +=
				p->samples[i].count + p->samples[i].waits;
	}
	for (i = 1; i <= p->nr_mappings; i++) {
		uint64_t w = 2 * weight[i] + 1;

		if (profile_mapping(p, i)->kind != OBJECT_FILE)
			continue;
		if (is_command(p, i))
			return i;
		if (!strstr(profile_mapping_name(p, i), ".so"))
			w += UINT64_MAX / 2;
		if (w > heaviest) {
			heaviest = w;
			best = i;
		}
	}
	return best;
}

static void emit_mapping(struct writer *w, uint32_t id)
{
	const struct profile_mapping *from = profile_mapping(w->p, id);
	Tickprof__Profile m = TICKPROF__PROFILE__INIT;
	Tickprof__Mapping mapping = TICKPROF__MAPPING__INIT, *list = &mapping;

	mapping.id = id;
	mapping.memory_start = from->start;
	mapping.memory_limit = from->limit;
	mapping.file_offset = from->offset;
	mapping.filename = pprof_string(w, from->file);
	mapping.build_id = pprof_string(w, from->build_id);
	mapping.has_functions = from->has_functions;
	mapping.has_filenames = from->has_files;
	mapping.has_line_numbers = from->has_lines;
	mapping.has_inline_frames = from->has_inlines;
	m.n_mapping = 1;
	m.mapping = &list;
	emit(w, &m);
}

static void emit_mappings(struct writer *w)
{
	uint32_t first = main_mapping(w->p), i;

	if (first)
		emit_mapping(w, first);
	for (i = 1; i <= w->p->nr_mappings; i++)
		if (i != first)
			emit_mapping(w, i);
}

static void emit_location(struct writer *w, uint32_t id, Tickprof__Line *lines,
			  Tickprof__Line **list)
{
	const struct profile_location *from = profile_location(w->p, id);
	Tickprof__Profile m = TICKPROF__PROFILE__INIT;
	Tickprof__Location location = TICKPROF__LOCATION__INIT, *locations = &location;
	uint32_t i;

	location.id = id;
	location.mapping_id = from->mapping;
	location.address = from->address;
	for (i = 0; i < from->nr_lines; i++) {
		const struct profile_line *line = &w->p->lines[from->first_line + i];

		tickprof__line__init(&lines[i]);
		lines[i].function_id = line->function;
		lines[i].line = line->line;
		list[i] = &lines[i];
	}
	location.n_line = from->nr_lines;
	location.line = list;
	m.n_location = 1;
	m.location = &locations;
	emit(w, &m);
}

static void emit_locations(struct writer *w)
{
	const struct profile *p = w->p;
	Tickprof__Line *lines __free = NULL, **list __free = NULL;
	size_t most = 0, i;

	for (i = 0; i < p->nr_locations; i++)
		if (p->locations[i].nr_lines > most)
			most = p->locations[i].nr_lines;
	lines = xcalloc(most, sizeof(*lines));
	list = xcalloc(most, sizeof(*list));
	for (i = 1; i <= p->nr_locations; i++)
		emit_location(w, i, lines, list);
}

static void emit_functions(struct writer *w)
{
	uint32_t i;

	for (i = 1; i <= w->p->nr_functions; i++) {
		const struct profile_function *from = profile_function(w->p, i);
		Tickprof__Profile m = TICKPROF__PROFILE__INIT;
		Tickprof__Function function = TICKPROF__FUNCTION__INIT, *list = &function;

		function.id = i;
		function.name = pprof_string(w, from->name);
		function.system_name = pprof_string(w, from->system_name);
		function.filename = pprof_string(w, from->file);
		function.start_line = from->start_line;
		m.n_function = 1;
		m.function = &list;
		emit(w, &m);
	}
}

static void emit_strings(struct writer *w)
{
	Tickprof__Profile m = TICKPROF__PROFILE__INIT;

	m.n_string_table = w->nr_table;
	m.string_table = w->table;
	emit(w, &m);
}

int profile_write_pprof(const struct profile *p, int fd)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	int ret;

	w->p = p;
	w->out = gzip_create(fd);
	w->strings = intern_create();
	GROW(w->table, w->cap_table, 1);
	w->table[w->nr_table++] = "";
	pprof_make_labels(w);
	emit_head(w);
	emit_samples(w);
	emit_mappings(w);
	emit_locations(w);
	emit_functions(w);
	emit_strings(w);
	ret = gzip_finish(w->out);
	pprof_free_labels(w);
	free(w->table);
	free(w->sample);
	intern_destroy(w->strings);
	free(w);
	return ret;
}
