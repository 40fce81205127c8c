// SPDX-License-Identifier: GPL-2.0-only
/* Numbers as people type them: see units.h. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"
#include "util.h"

static bool parse_prefix(const char *text, uint64_t *out, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoull(text, &stop, 10);
	*end = stop;
	return !errno;
}

bool parse_u64(const char *text, uint64_t *out)
{
	const char *end;

	return parse_prefix(text, out, &end) && !*end;
}

bool parse_decimal(const char *text, double *out)
{
	char *end;

	if (text[0] == '\0' || text[strspn(text, "0123456789.")])
		return false;
	*out = strtod(text, &end);
	return !*end && isfinite(*out);
}

bool parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "BKMG";
	const char *end, *unit;
	unsigned int shift;

	if (!parse_prefix(text, out, &end))
		return false;
	if (!*end)
		return true;
	unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || (end[1] && (end[2] || toupper((unsigned char)end[1]) != 'B')))
		return false;
	shift = 10 * (unit - units);
	if (*out > UINT64_MAX >> shift)
		return false;
	*out <<= shift;
	return true;
}

bool parse_duration(const char *text, uint64_t *out)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	size_t digits = strspn(text, "0123456789."), i;
	char number[32];
	double value;

	if (digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!parse_decimal(number, &value))
		return false;
	*out = 0;
	if (!value && !text[digits])
		return true;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].unit))
			continue;
		value *= units[i].ns;
		*out = value < 9e18 ? (uint64_t)(value + 0.5) : 0;
		return value < 9e18;
	}
	return false;
}

uint32_t round_up_pow2(uint64_t value)
{
	uint32_t size = 1;

	while (size < value && size < 1u << 31)
		size *= 2;
	return size;
}
