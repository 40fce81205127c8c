// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing capture files (drawn in capture.h). Nothing is kept but totals: each
 * chunk goes out in one writev, its payload straight from the caller's memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/util.h"
#include "capture.h"
#include "capture_format.h"

struct capture_writer {
	int fd;
	int error;
	uint64_t bytes;
	uint64_t chunks;
	uint32_t headers_crc;
	bool finished;
};

static int write_all(struct capture_writer *w, struct iovec *iov, int nr)
{
	while (!w->error && nr) {
		ssize_t n = writev(w->fd, iov, nr);

		if (n < 0) {
			if (errno != EINTR)
				w->error = -errno;
			continue;
		}
		w->bytes += n;
		while (nr && (size_t)n >= iov->iov_len) {
			n -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return w->error;
}

static int write_chunk(struct capture_writer *w, uint32_t type, uint32_t cpu,
		       uint64_t position, const void *payload, size_t size)
{
	static const uint8_t zero[CAPTURE_ALIGN];
	struct chunk_header h = {
		.type = type, .cpu = cpu, .size = size, .position = position,
	};
	struct iovec iov[] = {
		{ &h, sizeof(h) },
		{ (void *)payload, size },
		{ (void *)zero, padding(size) },
	};

	if (w->error)
		return w->error;
	if (w->finished)
		return -EINVAL;
	h.payload_crc = crc_of(payload, size);
	h.crc = crc_of(&h, offsetof(struct chunk_header, crc));
	w->headers_crc = libdeflate_crc32(w->headers_crc, &h, sizeof(h));
	w->chunks++;
	return write_all(w, iov, ARRAY_SIZE(iov));
}

int capture_writer_create(int fd, struct capture_writer **out)
{
	struct file_header h = {
		.version = CAPTURE_VERSION,
		.byte_order = CAPTURE_ORDER,
		.abi = TICKPROF_ABI_VERSION,
	};
	struct iovec iov = { &h, sizeof(h) };
	struct capture_writer *w = xcalloc(1, sizeof(*w));
	int ret;

	memcpy(h.magic, CAPTURE_MAGIC, sizeof(h.magic));
	h.crc = crc_of(&h, offsetof(struct file_header, crc));
	w->fd = fd;
	ret = write_all(w, &iov, 1);
	if (ret) {
		free(w);
		return ret;
	}
	*out = w;
	return 0;
}

void capture_writer_destroy(struct capture_writer *w)
{
	free(w);
}

/* One "key=value" line; a line feed or backslash in the value is escaped. */
int capture_write_meta(struct capture_writer *w, const char *key, const char *value)
{
	size_t len = strlen(key);
	char *line __free = xmalloc(len + 2 * strlen(value) + 3);
	char *p = line + len;

	if (strpbrk(key, "=\n"))
		return -EINVAL;
	memcpy(line, key, len);
	*p++ = '=';
	for (; *value; value++) {
		if (*value == '\n' || *value == '\\')
			*p++ = '\\';
		*p++ = *value == '\n' ? 'n' : *value;
	}
	*p++ = '\n';
	return write_chunk(w, CAPTURE_META, 0, 0, line, p - line);
}

int capture_write_ring(struct capture_writer *w, uint32_t cpu, uint64_t position,
		       const void *records, size_t size)
{
	return write_chunk(w, CAPTURE_RING, cpu, position, records, size);
}

int capture_write_events(struct capture_writer *w, const void *records, size_t size)
{
	return write_chunk(w, CAPTURE_EVENTS, 0, 0, records, size);
}

int capture_write_counters(struct capture_writer *w,
			   const uint64_t counters[TICKPROF_COUNTER_MAX + 1])
{
	return write_chunk(w, CAPTURE_COUNTERS, 0, 0, counters,
			   (TICKPROF_COUNTER_MAX + 1) * sizeof(*counters));
}

int capture_write_symbols(struct capture_writer *w, const void *blob, size_t size)
{
	return write_chunk(w, CAPTURE_SYMBOLS, 0, 0, blob, size);
}

int capture_write_chunk(struct capture_writer *w, uint32_t type, const void *payload, size_t size)
{
	return write_chunk(w, type, 0, 0, payload, size);
}

int capture_writer_finish(struct capture_writer *w)
{
	struct end_payload end = {
		.chunks = w->chunks,
		.bytes = w->bytes,
		.headers_crc = w->headers_crc,
	};
	int ret = write_chunk(w, CAPTURE_END, 0, 0, &end, sizeof(end));

	w->finished = true;
	return ret;
}

uint64_t capture_writer_bytes(const struct capture_writer *w)
{
	return w->bytes;
}
