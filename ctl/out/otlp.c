// SPDX-License-Identifier: GPL-2.0-only
/*
 * The profile as OTLP profiles (proto/otlp_profiles.proto), gzipped, as the format has it
 * for files: one ProfilesData, which is also the body of an export request.
 *
 * A resource is a service: as the process called itself, else as its spans do, else
 * "unknown_service:" and the program's name, which is what OpenTelemetry says for those. It has
 * a profile for each column in which it has anything. Labels are attributes, the span is the
 * sample's link.
 *
 * Memory: 16 bytes an entry, the packed samples of one profile, the dictionary's tables.
 */
#include <string.h>

#include "base/util.h"
#include "otlp_write.h"
#include "span/span.h"

struct otlp {
	const struct profile *p;
	struct gzip *out;
	struct otlp_dictionary d;
	struct row {
		const char *service;	/* unique */
		uint32_t sample;
	} *rows;
	uint8_t *samples;		/* packed, of the profile at hand */
	size_t nr_samples, cap_samples;
	int32_t *attributes;		/* of the sample at hand */
	size_t nr_attributes, cap_attributes;
};

static const char *service_of(struct otlp *w, const struct profile_sample *s)
{
	const struct profile_task *t = &w->p->tasks[s->task - 1];
	const char *service = s->context ? profile_context(w->p, s->context)->service : "";
	char *unknown __free = NULL;

	if (*t->service)
		service = t->service;
	if (!*service)
		service = unknown = xasprintf("unknown_service:%s", t->process);
	return intern_string(w->d.strings, service);
}

static int by_service(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const int order = x->service == y->service ? 0 : strcmp(x->service, y->service);

	return order ? order : x->sample < y->sample ? -1 : x->sample > y->sample;
}

static void add(struct otlp *w, int32_t attribute)
{
	if (!attribute)
		return;
	GROW(w->attributes, w->cap_attributes, w->nr_attributes + 1);
	w->attributes[w->nr_attributes++] = attribute;
}

static void add_wait(struct otlp *w, const struct profile_wait *wait)
{
	const bool fault = wait->flags & TICKPROF_WAIT_FAULT, io = wait->flags & TICKPROF_WAIT_IO;

	add(w, otlp_text(&w->d, "state", profile_wait_state(wait->state)));
	add(w, otlp_text(&w->d, "reason", fault ? io ? "fault,io" : "fault" : io ? "io" : ""));
	add(w, otlp_text(&w->d, "waker", wait->waker));
	if (wait->waker_tid)
		add(w, otlp_number(&w->d, "waker_tid", wait->waker_tid));
}

static void add_context(struct otlp *w, const struct profile_context *c)
{
	uint32_t i;

	add(w, otlp_text(&w->d, "span_name", c->span_name));
	add(w, otlp_text(&w->d, "span_join", c->by_thread ? "thread" : ""));
	for (i = 0; i < c->nr_attributes; i++) {
		const struct profile_attribute *a = &w->p->attributes[c->first_attribute + i];

		add(w, otlp_text(&w->d, a->key, a->value));
	}
}

static void collect_attributes(struct otlp *w, const struct profile_sample *s)
{
	const struct profile_task *t = &w->p->tasks[s->task - 1];

	w->nr_attributes = 0;
	if (t->pid)
		add(w, otlp_number(&w->d, "process.pid", t->pid));
	if (t->tid)
		add(w, otlp_number(&w->d, "thread.id", t->tid));
	add(w, otlp_text(&w->d, "thread.name", t->thread));
	add(w, otlp_text(&w->d, "process.executable.name", t->process));
	add(w, otlp_text(&w->d, "cgroup", t->cgroup));
	if (w->p->label_cpu)
		add(w, otlp_number(&w->d, "cpu.logical_number", s->cpu));
	if (s->wait)
		add_wait(w, profile_wait(w->p, s->wait));
	if (s->context)
		add_context(w, profile_context(w->p, s->context));
}

/* To those of the profile at hand, as its field 2. */
static void add_sample(struct otlp *w, const struct profile_sample *s, int64_t value)
{
	Tickprof__Profiles__Profile m = TICKPROF__PROFILES__PROFILE__INIT;
	Tickprof__Profiles__Sample sample = TICKPROF__PROFILES__SAMPLE__INIT, *list = &sample;
	size_t size;

	collect_attributes(w, s);
	sample.stack_index = otlp_stack(&w->d, s);
	sample.link_index = otlp_link(&w->d, s->context);
	sample.n_attribute_indices = w->nr_attributes;
	sample.attribute_indices = w->attributes;
	sample.n_values = 1;
	sample.values = &value;
	m.n_samples = 1;
	m.samples = &list;
	size = tickprof__profiles__profile__get_packed_size(&m);
	GROW(w->samples, w->cap_samples, w->nr_samples + size);
	tickprof__profiles__profile__pack(&m, w->samples + w->nr_samples);
	w->nr_samples += size;
}

/* The same of the same input, so that a file sent twice is known to be one. */
static void make_id(const struct otlp *w, const char *service, enum profile_column column,
		    uint8_t id[16])
{
	uint64_t h[2];

	h[0] = hash_bytes(hash_bytes(w->p->time, w->p->host, strlen(w->p->host)), service,
			  strlen(service));
	h[0] = hash_u64(hash_bytes(h[0], w->samples, w->nr_samples), column) | 1;
	h[1] = hash_u64(h[0], w->p->start);
	memcpy(id, h, sizeof(h));
}

static void value_type(struct otlp *w, Tickprof__Profiles__ValueType *t, enum profile_column column)
{
	tickprof__profiles__value_type__init(t);
	t->type_strindex = otlp_string(&w->d, profile_column_names[column]);
	t->unit_strindex = otlp_string(&w->d, profile_column_units[column]);
}

/* A message's bytes in front of others that belong to the same. */
static uint8_t *joined(const ProtobufCMessage *m, const uint8_t *more, size_t *size)
{
	const size_t own = protobuf_c_message_get_packed_size(m);
	uint8_t *bytes = xmalloc(own + *size + 1);

	protobuf_c_message_pack(m, bytes);
	if (*size)
		memcpy(bytes + own, more, *size);
	*size += own;
	return bytes;
}

/* Without its length and tag. */
static uint8_t *pack_profile(struct otlp *w, const char *service, enum profile_column column,
			     size_t *size)
{
	Tickprof__Profiles__Profile m = TICKPROF__PROFILES__PROFILE__INIT;
	Tickprof__Profiles__ValueType type, period;
	uint8_t id[16];

	value_type(w, &type, column);
	m.sample_type = &type;
	m.time_unix_nano = w->p->time;
	m.duration_nano = w->p->duration;
	if (column <= PROFILE_CPU) {
		value_type(w, &period, PROFILE_CPU);
		m.period_type = &period;
		m.period = w->p->period;
	}
	make_id(w, service, column, id);
	m.profile_id = (ProtobufCBinaryData) { sizeof(id), id };
	*size = w->nr_samples;
	return joined(&m.base, w->samples, size);
}

static uint8_t *pack_scope(size_t *size)
{
	Tickprof__Profiles__ScopeProfiles m = TICKPROF__PROFILES__SCOPE_PROFILES__INIT;
	Tickprof__Profiles__Scope scope = TICKPROF__PROFILES__SCOPE__INIT;

	scope.name = "tickprof";
	scope.version = TICKPROF_VERSION;
	m.scope = &scope;
	*size = 0;
	return joined(&m.base, NULL, size);
}

static uint8_t *pack_resource(struct otlp *w, const char *service, size_t *size)
{
	Tickprof__Profiles__ResourceProfiles m = TICKPROF__PROFILES__RESOURCE_PROFILES__INIT;
	Tickprof__Profiles__Resource resource = TICKPROF__PROFILES__RESOURCE__INIT;
	char *const values[] = { (char *)service, (char *)w->p->host };
	static char *const keys[] = { "service.name", "host.name" };
	Tickprof__Profiles__KeyValue kv[2], *list[2];
	Tickprof__Profiles__AnyValue any[2];
	size_t i;

	for (i = 0; i < 2 && *values[i]; i++) {
		tickprof__profiles__key_value__init(&kv[i]);
		tickprof__profiles__any_value__init(&any[i]);
		any[i].value_case = TICKPROF__PROFILES__ANY_VALUE__VALUE_STRING_VALUE;
		any[i].string_value = otlp_clean(&w->d, values[i]);
		kv[i].key = keys[i];
		kv[i].value = &any[i];
		list[i] = &kv[i];
	}
	resource.n_attributes = i;
	resource.attributes = list;
	m.resource = &resource;
	*size = 0;
	return joined(&m.base, NULL, size);
}

/* Puts bytes as a field of a message into the growing one. */
static void put_field(uint8_t **to, size_t *nr, size_t *cap, uint32_t field, const uint8_t *bytes,
		      size_t size)
{
	uint8_t head[11] = { field << 3 | 2 }, *at = head + 1;
	uint64_t left = size;

	for (; left >= 0x80; left >>= 7)
		*at++ = left | 0x80;
	*at++ = left;
	GROW(*to, *cap, *nr + (at - head) + size);
	memcpy(*to + *nr, head, at - head);
	memcpy(*to + *nr + (at - head), bytes, size);
	*nr += (at - head) + size;
}

/* One service: rows from first on, nr of them. */
static void emit_service(struct otlp *w, const struct row *first, size_t nr)
{
	uint8_t *resource, *scope, *bytes;
	size_t resource_size, scope_size, size, cap, i;
	enum profile_column column;

	scope = pack_scope(&scope_size);
	cap = scope_size + 1;
	for (column = 0; column < PROFILE_COLUMNS; column++) {
		w->nr_samples = 0;
		for (i = 0; i < nr; i++) {
			const struct profile_sample *s = &w->p->samples[first[i].sample];
			const uint64_t value = profile_value(w->p, s, column);

			if (value)
				add_sample(w, s, value);
		}
		if (!w->nr_samples)
			continue;
		bytes = pack_profile(w, first->service, column, &size);
		put_field(&scope, &scope_size, &cap, 2, bytes, size);
		free(bytes);
	}
	resource = pack_resource(w, first->service, &resource_size);
	cap = resource_size + 1;
	put_field(&resource, &resource_size, &cap, 2, scope, scope_size);
	otlp_write_field(w->out, 1, resource, resource_size);
	free(scope);
	free(resource);
}

int profile_write_otlp(const struct profile *p, int fd)
{
	struct otlp w = { .p = p, .out = gzip_create(fd) };
	size_t i, first;
	int ret;

	otlp_dictionary_init(&w.d, p);
	w.rows = xcalloc(p->nr_samples, sizeof(*w.rows));
	for (i = 0; i < p->nr_samples; i++)
		w.rows[i] = (struct row) { service_of(&w, &p->samples[i]), i };
	if (p->nr_samples)
		qsort(w.rows, p->nr_samples, sizeof(*w.rows), by_service);
	for (first = 0; first < p->nr_samples && !gzip_error(w.out); first = i) {
		for (i = first; i < p->nr_samples && w.rows[i].service == w.rows[first].service;
		     i++)
			;
		emit_service(&w, &w.rows[first], i - first);
	}
	otlp_write_dictionary(&w.d, w.out);
	ret = gzip_finish(w.out);
	otlp_dictionary_deinit(&w.d);
	free(w.rows);
	free(w.samples);
	free(w.attributes);
	return ret;
}
