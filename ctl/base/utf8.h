/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that others wrote, before it reaches a terminal or a file that must be UTF-8. */
#ifndef TICKPROF_UTF8_H
#define TICKPROF_UTF8_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the character at s if it is UTF-8, else 0; encodings of surrogates pass.
 * At most "left" bytes are looked at.
 */
static inline size_t utf8_length(const uint8_t *s, size_t left)
{
	size_t n = !left ? 0 : *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
		   *s < 0xf5 ? 4 : 0, i;

	if (n > left || (n == 3 && s[0] == 0xe0 && s[1] < 0xa0) ||
	    (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))))
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* What a terminal obeys: C0 and DEL, and C1 (U+0080 to U+009F) in UTF-8. */
static inline int utf8_is_control(const uint8_t *s, size_t n)
{
	return n == 1 ? iscntrl(*s) : n == 2 && s[0] == 0xc2 && s[1] < 0xa0;
}

/*
 * Puts '?' where a byte is no UTF-8 or of a control character, in place. How many
 * bytes were no UTF-8.
 */
static inline size_t utf8_clean(char *text, size_t len)
{
	uint8_t *s = (uint8_t *)text, *end = s + len;
	size_t bad = 0, n;

	for (; s < end; s += n) {
		n = utf8_length(s, end - s);
		if (!n) {
			bad++;
			*s = '?';
			n = 1;
		} else if (utf8_is_control(s, n)) {
			*s = '?';
			if (n == 2)
				s[1] = '?';
		}
	}
	return bad;
}

#endif
