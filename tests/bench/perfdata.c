// SPDX-License-Identifier: GPL-2.0-only
/*
 * perfdata FILE: what perf recorded, counted where it lies: samples, their
 * bytes, and how many the kernel said were lost. perf's own reports would take
 * minutes in an emulated machine.
 */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* tools/perf/Documentation/perf.data-file-format.txt in the kernel's sources. */
struct file_header {
	char magic[8];
	uint64_t size;
	uint64_t attr_size;
	uint64_t attrs[2];
	struct {
		uint64_t offset;
		uint64_t size;
	} data;
};

struct lost {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

int main(int argc, char **argv)
{
	uint64_t samples = 0, bytes = 0, lost = 0, at, end;
	const struct file_header *file;
	const uint8_t *map;
	struct stat st;
	int fd;

	if (argc != 2)
		return 2;
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size < sizeof(*file))
		return 1;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED || memcmp(map, "PERFILE2", 8))
		return 1;
	file = (const void *)map;
	at = file->data.offset;
	end = at + file->data.size;
	while (at + sizeof(struct perf_event_header) <= end) {
		const struct perf_event_header *header = (const void *)(map + at);

		if (header->size < sizeof(*header) || at + header->size > end)
			return 1;
		if (header->type == PERF_RECORD_SAMPLE) {
			samples++;
			bytes += header->size;
		}
		if (header->type == PERF_RECORD_LOST)
			lost += ((const struct lost *)header)->lost;
		at += header->size;
	}
	printf("samples=%lu bytes=%lu lost=%lu\n", samples, bytes, lost);
	return 0;
}
