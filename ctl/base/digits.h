/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers in what the kernel writes, which has neither signs nor spaces before them nor
 * a locale: a fifth of what strtoull() takes, and a tenth of sscanf(). Each moves *at
 * behind the digits, of which there may be none; what does not fit loses its upper part.
 */
#ifndef TICKPROF_DIGITS_H
#define TICKPROF_DIGITS_H

#include <stdint.h>

static inline uint64_t digits_hex(const char **at)
{
	uint64_t value = 0;
	const char *p = *at;
	unsigned int digit;

	for (;; p++) {
		if ((digit = (unsigned char)*p - '0') > 9) {
			digit = ((unsigned char)*p | 32) - 'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		value = value << 4 | digit;
	}
	*at = p;
	return value;
}

static inline uint64_t digits_decimal(const char **at)
{
	uint64_t value = 0;
	const char *p = *at;

	for (; (unsigned int)((unsigned char)*p - '0') <= 9; p++)
		value = 10 * value + (*p - '0');
	*at = p;
	return value;
}

#endif
