// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file of spans is written in, by its first bytes. JSON begins with a brace
 * or bracket. A TracesData begins with the tag of resource_spans, 0x0a; behind a
 * length of 4 bytes it begins with zeros, for nothing longer than 256 MiB is read.
 */
#include <errno.h>
#include <string.h>

#include "source.h"

static size_t skip_space(const uint8_t *b, size_t at, size_t n)
{
	while (at < n && strchr(" \t\r\n", b[at]) && b[at])
		at++;
	return at;
}

/*
 * A newline in front of a brace may also be a tag and a length of 123. Then no
 * key follows: "\n{\n\"" is a resource of 34 bytes, but behind that stands another tag.
 */
static bool is_json(const uint8_t *b, size_t n)
{
	size_t at = n >= 3 && !memcmp(b, "\xef\xbb\xbf", 3) ? 3 : 0;

	at = skip_space(b, at, n);
	if (at == n || (b[at] != '{' && b[at] != '['))
		return false;
	if (b[0] != '\n')
		return true;
	at = skip_space(b, at + 1, n);
	return at == n || strchr("{}[]", b[at]) || (b[at] == '"' && at + 1 < n && b[at + 1] >= ' ');
}

static bool is_text(const uint8_t *b, size_t n)
{
	while (n && (*b >= ' ' || strchr("\t\r\n", *b)) && *b)
		b++, n--;
	return !n;
}

int span_read(struct span_source *s, struct span_model *m)
{
	const uint8_t *b;
	ssize_t n = span_source_peek(s, &b);

	if (n < 0)
		return n;
	if (!n)
		return span_source_fail(s, NULL, "empty: no spans");
	if (is_json(b, n))
		return span_read_json(s, m);
	if (n >= 4 && !memcmp(b, "\x28\xb5\x2f\xfd", 4))
		return span_source_fail(s, NULL, "packed by zstd: unpack it first with `zstd -d`");
	if (!is_text(b, n) && b[0] == 0x0a)
		return span_read_proto(s, m);
	if (!is_text(b, n) && n >= 4 && b[0] < 0x10)
		return span_read_proto_frames(s, m);
	return span_source_fail(s, NULL, "neither JSON nor OTLP's protobuf: "
				"what OTLP, Tempo or Jaeger export is read");
}
