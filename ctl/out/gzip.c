// SPDX-License-Identifier: GPL-2.0-only
/* Bytes into a gzip file (RFC 1952), in batches: see gzip.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/util.h"
#include "gzip.h"

#define BATCH		(64 << 10)	/* bytes that are compressed together */
/* Measured on 100,000 distinct samples: 6 takes 2.6 times as long and saves 7 % of bytes. */
#define LEVEL		1
#define WINDOW_GZIP	(15 + 16)	/* the largest window, and a gzip header */

struct gzip {
	int fd, error;
	z_stream z;
	uint8_t *batch;
	size_t nr, cap;
	uint8_t out[64 << 10];
};

static void write_fd(struct gzip *g, const uint8_t *p, size_t size)
{
	while (size && !g->error) {
		ssize_t n = write(g->fd, p, size);

		if (n < 0 && errno != EINTR)
			g->error = -errno;
		if (n > 0) {
			p += n;
			size -= n;
		}
	}
}

static void compress_batch(struct gzip *g, int flush)
{
	g->z.next_in = g->batch;
	g->z.avail_in = g->nr;
	g->nr = 0;
	do {
		g->z.next_out = g->out;
		g->z.avail_out = sizeof(g->out);
		if (deflate(&g->z, flush) == Z_STREAM_ERROR) {
			g->error = -EIO;
			return;
		}
		write_fd(g, g->out, sizeof(g->out) - g->z.avail_out);
	} while (!g->z.avail_out && !g->error);
}

struct gzip *gzip_create(int fd)
{
	struct gzip *g = xcalloc(1, sizeof(*g));

	g->fd = fd;
	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW_GZIP, 9, Z_DEFAULT_STRATEGY) == Z_OK)
		return g;
	free(g);
	return NULL;
}

uint8_t *gzip_reserve(struct gzip *g, size_t size)
{
	uint8_t *at;

	if (g->nr && g->nr + size > BATCH)
		compress_batch(g, Z_NO_FLUSH);
	GROW(g->batch, g->cap, g->nr + size);
	at = g->batch + g->nr;
	g->nr += size;
	return at;
}

int gzip_error(const struct gzip *g)
{
	return g->error;
}

int gzip_finish(struct gzip *g)
{
	int error;

	compress_batch(g, Z_FINISH);
	deflateEnd(&g->z);
	error = g->error;
	free(g->batch);
	free(g);
	return error;
}
