// SPDX-License-Identifier: GPL-2.0-only
/* The OpenTelemetry process context: see process_context.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "process_context.h"
#include "proto/process_context.pb-c.h"

#define ATTEMPTS 5

struct header {
	char signature[8];
	uint32_t version, payload_size;
	uint64_t published_at, payload;
};

bool process_context_named(const char *path)
{
	return !strcmp(path, "[anon:OTEL_CTX]") || !strcmp(path, "[anon_shmem:OTEL_CTX]") ||
	       !strncmp(path, "/memfd:OTEL_CTX", 15);
}

static void take_text(char **out, const Tickprof__Otel__KeyValue *kv)
{
	free(*out);
	*out = xstrdup(kv->value ? kv->value->string_value : "");
}

static void take_keys(struct process_context *c, const Tickprof__Otel__KeyValue *kv)
{
	const Tickprof__Otel__List *list = kv->value ? kv->value->array_value : NULL;
	size_t i;

	if (c->keys || !list)
		return;
	c->nr_keys = list->n_values < PROCESS_CONTEXT_KEYS_MAX ? list->n_values
							       : PROCESS_CONTEXT_KEYS_MAX;
	c->keys = xcalloc(c->nr_keys, sizeof(*c->keys));
	for (i = 0; i < c->nr_keys; i++)
		c->keys[i] = xstrdup(list->values[i]->string_value);
}

static void take(struct process_context *c, Tickprof__Otel__KeyValue *const *kv, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(kv[i]->key, "service.name"))
			take_text(&c->service, kv[i]);
		else if (!strcmp(kv[i]->key, "threadlocal.schema_version"))
			take_text(&c->schema, kv[i]);
		else if (!strcmp(kv[i]->key, "threadlocal.attribute_key_map"))
			take_keys(c, kv[i]);
	}
}

static int decode(const uint8_t *payload, size_t size, struct process_context *out)
{
	Tickprof__Otel__ProcessContext *p;

	p = tickprof__otel__process_context__unpack(NULL, size, payload);
	if (!p)
		return -EBADMSG;
	if (p->resource)
		take(out, p->resource->attributes, p->resource->n_attributes);
	take(out, p->attributes, p->n_attributes);
	tickprof__otel__process_context__free_unpacked(p, NULL);
	return 0;
}

static int check_header(const struct header *h)
{
	if (memcmp(h->signature, "OTEL_CTX", sizeof(h->signature)))
		return -ENOENT;
	if (h->version != 1 && h->version != 2)
		return -EPROTO;
	if (!h->published_at)
		return -EAGAIN;
	return h->payload_size > PROCESS_CONTEXT_PAYLOAD_MAX ? -EBADMSG : 0;
}

static int read_once(const struct memory *m, uint64_t address, struct header *h, uint8_t *payload)
{
	uint64_t published_at;
	int ret = memory_read(m, address, h, sizeof(*h));

	if (!ret)
		ret = check_header(h);
	if (ret)
		return ret;
	ret = memory_read(m, h->payload, payload, h->payload_size);
	/* A payload that is gone may have been changed for another. */
	if (memory_read_word(m, address + offsetof(struct header, published_at), &published_at))
		return -EFAULT;
	return published_at == h->published_at ? ret : -EAGAIN;
}

int process_context_read(const struct memory *m, uint64_t address, struct process_context *out)
{
	__free uint8_t *payload = xmalloc(PROCESS_CONTEXT_PAYLOAD_MAX);
	int ret = -EAGAIN, attempt;
	struct header h;

	memset(out, 0, sizeof(*out));
	for (attempt = 0; attempt < ATTEMPTS && ret == -EAGAIN; attempt++)
		ret = read_once(m, address, &h, payload);
	if (ret)
		return ret;
	out->published_at = h.published_at;
	return decode(payload, h.payload_size, out);
}

void process_context_deinit(struct process_context *c)
{
	size_t i;

	free(c->service);
	free(c->schema);
	for (i = 0; i < c->nr_keys; i++)
		free(c->keys[i]);
	free(c->keys);
	memset(c, 0, sizeof(*c));
}

bool process_context_schema_known(const struct process_context *c)
{
	return c->schema && (!strcmp(c->schema, "tls_v1") || !strcmp(c->schema, "tlsdesc_v1_dev"));
}
