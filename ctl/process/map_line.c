// SPDX-License-Identifier: GPL-2.0-only
/* A line of /proc/PID/maps: see map_line.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

bool map_line_parse(char *line, struct map_line *out)
{
	char perm;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*c%*c%c%*c %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &out->start, &out->end, &perm, &out->offset, &out->dev_major, &out->dev_minor,
		   &out->inode, &at) != 7)
		return false;
	out->exec = perm == 'x';
	out->path = line + at;
	out->deleted = out->inode && strip_suffix(out->path, " (deleted)");
	if (out->inode)
		unescape(out->path);
	return true;
}
