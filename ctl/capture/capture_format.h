/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a capture file, for its writer and its reader alone.
 *
 * What is covered: the file header by its own crc, each chunk header by its
 * own, each payload by the crc in its header; padding must be zero; END carries a
 * crc over all chunk headers, so that a chunk taken out or moved shows.
 */
#ifndef TICKPROF_CAPTURE_FORMAT_H
#define TICKPROF_CAPTURE_FORMAT_H

#include <libdeflate.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_MAGIC	"TICKPROF"
#define CAPTURE_VERSION	1
#define CAPTURE_ORDER	0x01020304u
#define CAPTURE_ALIGN	8

struct file_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t abi;			/* of the records inside */
	uint32_t reserved[2];
	uint32_t crc;			/* of all above */
};

struct chunk_header {
	uint32_t type;
	uint32_t cpu;
	uint64_t size;
	uint64_t position;
	uint32_t payload_crc;
	uint32_t crc;			/* of all above */
};

struct end_payload {
	uint64_t chunks;		/* before END */
	uint64_t bytes;			/* before END */
	uint32_t headers_crc;		/* over their chunk headers in order */
	uint32_t reserved;
};

static inline uint32_t crc_of(const void *p, size_t size)
{
	return libdeflate_crc32(0, p, size);
}

static inline size_t padding(uint64_t size)
{
	return -size & (CAPTURE_ALIGN - 1);
}

#endif
