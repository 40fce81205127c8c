// SPDX-License-Identifier: GPL-2.0-only
/* A line of /proc/PID/maps: see map_line.h. */
#include <string.h>

#include "base/digits.h"
#include "map_line.h"

static bool strip_suffix(char *path, const char *suffix)
{
	size_t len = strlen(path), n = strlen(suffix);

	if (len < n || strcmp(path + len - n, suffix))
		return false;
	path[len - n] = '\0';
	return true;
}

/* maps writes a line end inside a name as \012. */
static void unescape(char *path)
{
	char *out = path;

	for (; *path; path++) {
		if (!strncmp(path, "\\012", 4)) {
			*out++ = '\n';
			path += 3;
		} else {
			*out++ = *path;
		}
	}
	*out = '\0';
}

static bool skip(const char **at, char c)
{
	return *(*at)++ == c;
}

/* "start-end perm offset major:minor inode   path" (the kernel's fs/proc/task_mmu.c). */
bool map_line_parse(char *line, struct map_line *out)
{
	const char *at = line, *perm;

	line[strcspn(line, "\n")] = '\0';
	out->start = digits_hex(&at);
	if (at == line || !skip(&at, '-'))
		return false;
	out->end = digits_hex(&at);
	if (!skip(&at, ' '))
		return false;
	perm = at;
	if (strnlen(perm, 5) < 5 || perm[4] != ' ')
		return false;
	at += 5;
	out->offset = digits_hex(&at);
	if (!skip(&at, ' '))
		return false;
	out->dev_major = digits_hex(&at);
	if (!skip(&at, ':'))
		return false;
	out->dev_minor = digits_hex(&at);
	if (!skip(&at, ' ') || (unsigned int)(*at - '0') > 9)
		return false;
	out->inode = digits_decimal(&at);
	out->exec = perm[2] == 'x';
	out->path = line + (at - line);
	out->path += strspn(out->path, " ");
	out->deleted = out->inode && strip_suffix(out->path, " (deleted)");
	if (out->inode && strchr(out->path, '\\'))
		unescape(out->path);
	return true;
}
