/* SPDX-License-Identifier: GPL-2.0-only */
/* A line of /proc/PID/maps. */
#ifndef TICKPROF_MAP_LINE_H
#define TICKPROF_MAP_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct map_line {
	uint64_t start, end, offset, inode;
	uint32_t dev_major, dev_minor;
	bool exec;
	bool deleted;	/* the file is gone; path is what it was called */
	char *path;	/* into the line; "" for anonymous memory without a name */
};

/* Takes the line apart, changing it. False: it is none. */
bool map_line_parse(char *line, struct map_line *out);

#endif
