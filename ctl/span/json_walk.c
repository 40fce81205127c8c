// SPDX-License-Identifier: GPL-2.0-only
/*
 * yajl's events along a table of keys: see json_walk.h. Lines are counted up to
 * the token at hand only when somebody asks, which errors and problems do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/util.h"
#include "json_walk.h"

enum { CHUNK = 64 << 10, DEPTH_MAX = 128, TOKEN_MAX = 16 << 20, KEY_MAX = 255 };

struct level {
	const struct json_node *node;	/* NULL: skipped */
	int field;			/* arrays: of their scalars */
	bool array;
};

struct json_walk_private {
	yajl_handle yajl;
	struct json_walk *walk;
	struct level levels[DEPTH_MAX + 1];
	size_t depth;
	/* What the key before the value at hand stands for. */
	const struct json_rule *rule;
	char key[KEY_MAX];
	size_t key_len;
	/* The chunk at hand begins here. */
	uint64_t line, offset;		/* offset: in the line */
	const uint8_t *chunk;
	/* What "counted" bytes of it hold, so that none is counted twice. */
	size_t counted;
	uint64_t total, token_at;	/* bytes before the chunk; where the last token ended */
	uint8_t buffer[CHUNK];
};

static void count_lines(struct json_walk_private *p, size_t upto)
{
	const uint8_t *at = p->chunk + p->counted, *end = p->chunk + upto, *nl;

	while (at < end && (nl = memchr(at, '\n', end - at))) {
		p->line++;
		p->offset = 0;
		at = nl + 1;
	}
	if (at < end)
		p->offset += end - at;
	p->counted = upto > p->counted ? upto : p->counted;
}

struct span_place json_walk_place(const struct json_walk *w)
{
	struct json_walk_private *p = w->private;

	count_lines(p, yajl_get_bytes_consumed(p->yajl));
	return (struct span_place) { w->source->name, p->line, p->offset };
}

static int token(struct json_walk_private *p)
{
	p->token_at = p->total + yajl_get_bytes_consumed(p->yajl);
	return 1;
}

/* A value begins: what it is to be taken for. */
static struct level expected(const struct json_walk_private *p)
{
	const struct level *top = &p->levels[p->depth];

	if (top->array)
		return (struct level) { .node = top->node, .field = top->field };
	if (!p->depth)
		return (struct level) { .node = p->walk->root };
	if (!p->rule)
		return (struct level) { 0 };
	return (struct level) { .node = p->rule->node, .field = p->rule->field };
}

static int push(struct json_walk_private *p, struct level level)
{
	if (p->depth == DEPTH_MAX) {
		struct span_place at = json_walk_place(p->walk);

		at.offset--;		/* behind its bracket */
		span_source_fail(p->walk->source, &at, "nested deeper than %d: no spans", DEPTH_MAX);
		return 0;
	}
	p->levels[++p->depth] = level;
	return token(p);
}

static int on_scalar(struct json_walk_private *p, int type, const void *text, size_t len)
{
	const struct json_scalar v = { type, text, len };
	struct level e = expected(p);
	size_t depth;

	if (!e.field)
		return token(p);
	/* Told to the object that has the key, behind any arrays. */
	for (depth = p->depth; depth && p->levels[depth].array; depth--)
		;
	if (depth && p->levels[depth].node && p->levels[depth].node->value)
		p->levels[depth].node->value(p->walk->ctx, e.field, &v);
	return token(p);
}

static int on_null(void *ctx)
{
	return token(ctx);	/* as if the key were not there */
}

static int on_boolean(void *ctx, int value)
{
	return on_scalar(ctx, JSON_BOOLEAN, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return on_scalar(ctx, JSON_NUMBER, text, len);
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	return on_scalar(ctx, JSON_TEXT, text, len);
}

static int on_start_map(void *ctx)
{
	struct json_walk_private *p = ctx;
	struct level e = expected(p);

	if (!push(p, e))
		return 0;
	if (e.node && e.node->enter)
		e.node->enter(p->walk->ctx, p->key, p->key_len);
	return 1;
}

static int on_key(void *ctx, const unsigned char *key, size_t len)
{
	struct json_walk_private *p = ctx;
	const struct json_node *node = p->levels[p->depth].node;
	const struct json_rule *rule;

	p->rule = NULL;
	if (!node)
		return token(p);
	for (rule = node->rules; rule->node || rule->field; rule++)
		if (!rule->key || (strlen(rule->key) == len && !memcmp(rule->key, key, len)))
			break;
	if (rule->node || rule->field) {
		p->rule = rule;
		p->walk->met++;
	}
	p->key_len = len < sizeof(p->key) ? len : sizeof(p->key);
	memcpy(p->key, key, p->key_len);
	return token(p);
}

static int on_end_map(void *ctx)
{
	struct json_walk_private *p = ctx;
	const struct json_node *node = p->levels[p->depth--].node;

	if (node && node->leave)
		node->leave(p->walk->ctx);
	return token(p);
}

static int on_start_array(void *ctx)
{
	struct level e = expected(ctx);

	e.array = true;
	return push(ctx, e);
}

static int on_end_array(void *ctx)
{
	struct json_walk_private *p = ctx;

	p->depth--;
	return token(p);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

static int parse_error(struct json_walk_private *p)
{
	struct span_place at = json_walk_place(p->walk);
	unsigned char *text = yajl_get_error(p->yajl, 0, NULL, 0);
	int ret;

	text[strcspn((char *)text, "\n")] = '\0';
	ret = span_source_fail(p->walk->source, &at, "not JSON: %s", text);
	yajl_free_error(p->yajl, text);
	return ret;
}

static int feed(struct json_walk_private *p, const uint8_t *chunk, size_t size)
{
	struct span_place at;

	p->chunk = chunk;
	p->counted = 0;
	if (yajl_parse(p->yajl, chunk, size) != yajl_status_ok)
		return parse_error(p);
	count_lines(p, size);
	p->total += size;
	if (p->total - p->token_at <= TOKEN_MAX)
		return 0;
	at = json_walk_place(p->walk);
	return span_source_fail(p->walk->source, &at, "a value of more than %d bytes", TOKEN_MAX);
}

static int finish(struct json_walk_private *p)
{
	struct span_place at = { .line = p->line, .offset = p->offset };

	if (!p->depth && yajl_complete_parse(p->yajl) == yajl_status_ok)
		return 0;
	return span_source_fail(p->walk->source, &at,
				"ends in the middle of a value: was it copied whole, is it still being written?");
}

static int run(struct json_walk_private *p)
{
	struct span_source *s = p->walk->source;
	size_t skip = 0;
	ssize_t n;
	int ret;

	n = span_source_read(s, p->buffer, sizeof(p->buffer));
	if (n >= 3 && !memcmp(p->buffer, "\xef\xbb\xbf", 3))	/* a byte order mark */
		skip = 3;
	for (; n > 0; n = span_source_read(s, p->buffer, sizeof(p->buffer)), skip = 0) {
		ret = feed(p, p->buffer + skip, n - skip);
		if (ret)
			return ret;
	}
	return n < 0 ? (int)n : finish(p);
}

int json_walk_run(struct json_walk *w)
{
	struct json_walk_private *p = xcalloc(1, sizeof(*p));
	int ret;

	w->private = p;
	p->walk = w;
	p->line = 1;
	p->yajl = yajl_alloc(&callbacks, NULL, p);
	if (!p->yajl) {
		free(p);
		return span_source_fail(w->source, NULL, "out of memory");
	}
	yajl_config(p->yajl, yajl_allow_multiple_values, 1);
	/* What is no UTF-8 costs the text, not the file: span_model_text() counts it. */
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	ret = run(p);
	yajl_free(p->yajl);
	free(p);
	w->private = NULL;
	return ret;
}

bool json_scalar_u64(const struct json_scalar *v, uint64_t *out)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < v->len; i++) {
		unsigned int digit = (unsigned char)v->text[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return v->len && v->type != JSON_BOOLEAN;
}

bool json_scalar_i64(const struct json_scalar *v, int64_t *out)
{
	struct json_scalar digits = *v;
	bool negative = v->len && *v->text == '-';
	uint64_t value;

	digits.text += negative;
	digits.len -= negative;
	if (!json_scalar_u64(&digits, &value) || value > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool json_scalar_is(const struct json_scalar *v, const char *text)
{
	return strlen(text) == v->len && !memcmp(text, v->text, v->len);
}
