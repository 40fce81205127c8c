// SPDX-License-Identifier: GPL-2.0-only
/* Ids as text: see span_id.h. */
#include <string.h>

#include "span_id.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

bool span_id_parse_short(const char *text, size_t len, uint8_t *id, size_t size)
{
	size_t i, at;

	memset(id, 0, size);
	if (!len || len > 2 * size)
		return false;
	for (i = 0, at = 2 * size - len; i < len; i++, at++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return false;
		id[at / 2] |= digit << (at % 2 ? 0 : 4);
	}
	return true;
}

/* The alphabet of RFC 4648, section 4, and the one for URLs, section 5. */
static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static bool parse_base64(const char *text, size_t digits, uint8_t *id, size_t size)
{
	uint32_t bits = 0, nr_bits = 0;
	size_t i, at = 0;

	for (i = 0; i < digits; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | digit;
		nr_bits += 6;
		if (nr_bits < 8)
			continue;
		nr_bits -= 8;
		id[at++] = bits >> nr_bits;
		bits &= (1u << nr_bits) - 1;
	}
	return at == size && !bits;
}

bool span_id_parse(const char *text, size_t len, uint8_t *id, size_t size)
{
	const size_t digits = (size * 8 + 5) / 6;

	if (len == 2 * size)
		return span_id_parse_short(text, len, id, size);
	memset(id, 0, size);
	while (len > digits && text[len - 1] == '=' && len <= (digits + 3) / 4 * 4)
		len--;
	return len == digits && parse_base64(text, digits, id, size);
}

const char *span_id_print(const uint8_t *id, size_t size, char out[SPAN_ID_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		out[2 * i] = digits[id[i] >> 4];
		out[2 * i + 1] = digits[id[i] & 15];
	}
	out[2 * i] = '\0';
	return out;
}
