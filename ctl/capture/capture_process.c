// SPDX-License-Identifier: GPL-2.0-only
/* PROCESS chunks: see capture_process.h. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "capture_process.h"

/* The text at *at, which moves behind it; NULL: none ends before the end. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at, *zero = text < end ? memchr(text, '\0', end - text) : NULL;

	if (zero)
		*at = zero + 1;
	return zero ? text : NULL;
}

int capture_process_parse(const struct capture_chunk *chunk, struct capture_process_text *out)
{
	const char *at = chunk->payload, *end = at + chunk->size;
	uint32_t i;

	if (chunk->size < sizeof(out->image))
		return -EBADMSG;
	memcpy(&out->image, at, sizeof(out->image));
	at += sizeof(out->image);
	if (out->image.nr_keys > CAPTURE_PROCESS_KEYS_MAX)
		return -EBADMSG;
	out->service = next_text(&at, end);
	if (!out->service)
		return -EBADMSG;
	for (i = 0; i < out->image.nr_keys; i++) {
		out->keys[i] = next_text(&at, end);
		if (!out->keys[i])
			return -EBADMSG;
	}
	return at == end ? 0 : -EBADMSG;
}

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text) + 1;
}

void *capture_process_pack(const struct capture_process_text *texts, size_t *size)
{
	struct capture_process image = texts->image;
	char *payload, *at;
	uint32_t i;

	if (image.nr_keys > CAPTURE_PROCESS_KEYS_MAX)
		image.nr_keys = CAPTURE_PROCESS_KEYS_MAX;
	*size = sizeof(image) + strlen(texts->service) + 1;
	for (i = 0; i < image.nr_keys; i++)
		*size += strlen(texts->keys[i]) + 1;
	payload = xmalloc(*size);
	memcpy(payload, &image, sizeof(image));
	at = put_text(payload + sizeof(image), texts->service);
	for (i = 0; i < image.nr_keys; i++)
		at = put_text(at, texts->keys[i]);
	return payload;
}

int capture_write_process(struct capture_writer *w, const struct capture_process_text *texts)
{
	size_t size;
	void *payload __free = capture_process_pack(texts, &size);

	return capture_write_chunk(w, CAPTURE_PROCESS, payload, size);
}
