// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing and reading capture files (the layout is drawn in capture.h).
 *
 * The writer keeps nothing but totals: each chunk goes out in one writev, its
 * payload straight from the caller's memory. The reader maps the file, walks it
 * once to check every checksum and keeps a table of chunks (40 bytes each) and
 * the META text; payloads are used in place.
 *
 * What is covered: the file header by its own crc, each chunk header by its
 * own, each payload by the crc in its header, padding must be zero, and END
 * carries a crc over all chunk headers, so that a chunk taken out or moved shows.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "capture.h"
#include "util.h"

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

struct capture_writer {
	int fd;
	int error;
	uint64_t bytes;
	uint64_t chunks;
	uint32_t headers_crc;
	bool finished;
};

struct meta {
	char *key, *value;
};

struct capture {
	char *name;
	const uint8_t *data;
	size_t size;
	bool mapped;
	char *problem;
	struct capture_chunk *chunks;
	size_t nr_chunks, cap_chunks;
	struct meta *meta;
	size_t nr_meta, cap_meta;
	bool has_counters;
	uint64_t counters[TICKPROF_COUNTER_MAX + 1];
};

static uint32_t crc_of(const void *p, size_t size)
{
	return crc32_z(0, p, size);
}

static size_t padding(uint64_t size)
{
	return -size & (CAPTURE_ALIGN - 1);
}

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
	w->headers_crc = crc32_z(w->headers_crc, (void *)&h, sizeof(h));
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

static void read_meta(struct capture *c, const char *p, size_t size)
{
	const char *end = p + size;

	while (p < end) {
		const char *eol = memchr(p, '\n', end - p);
		const char *line_end = eol ? eol : end;
		const char *eq = memchr(p, '=', line_end - p);
		char *v;

		if (eq) {
			GROW(c->meta, c->cap_meta, c->nr_meta + 1);
			c->meta[c->nr_meta].key = xasprintf("%.*s", (int)(eq - p), p);
			v = xcalloc(1, line_end - eq);
			c->meta[c->nr_meta++].value = v;
			for (p = eq + 1; p < line_end; p++) {
				if (*p == '\\' && p + 1 < line_end)
					*v++ = *++p == 'n' ? '\n' : *p;
				else
					*v++ = *p;
			}
		}
		p = line_end + 1;
	}
}

static void read_counters(struct capture *c, const void *p, size_t size)
{
	memset(c->counters, 0, sizeof(c->counters));
	memcpy(c->counters, p, size < sizeof(c->counters) ? size : sizeof(c->counters));
	c->has_counters = true;
}

static bool end_agrees(const struct capture *c, const struct capture_chunk *end,
		       size_t at, uint32_t headers_crc)
{
	const struct end_payload *e = end->payload;

	return end->size == sizeof(*e) && e->chunks == c->nr_chunks &&
	       e->bytes == at && e->headers_crc == headers_crc;
}

/* NULL if a whole chunk lies at *at, which then moves on; else what is wrong. */
static const char *read_chunk(struct capture *c, size_t *at, struct capture_chunk *chunk,
			      struct chunk_header *h)
{
	static const uint8_t zero[CAPTURE_ALIGN];
	size_t left = c->size - *at;

	if (left < sizeof(*h))
		return "was cut short";
	memcpy(h, c->data + *at, sizeof(*h));
	if (h->crc != crc_of(h, offsetof(struct chunk_header, crc)))
		return "is damaged (chunk header)";
	left -= sizeof(*h);
	if (h->size > left || padding(h->size) > left - h->size)
		return "was cut short";
	*chunk = (struct capture_chunk) {
		.type = h->type, .cpu = h->cpu, .position = h->position,
		.size = h->size, .payload = c->data + *at + sizeof(*h),
	};
	if (h->payload_crc != crc_of(chunk->payload, chunk->size) ||
	    memcmp((const uint8_t *)chunk->payload + chunk->size, zero, padding(h->size)))
		return "is damaged (chunk contents)";
	*at += sizeof(*h) + h->size + padding(h->size);
	return NULL;
}

/* Sets c->problem unless all is there, up to a matching END. */
static void read_chunks(struct capture *c)
{
	size_t at = sizeof(struct file_header);
	const char *what = "was cut short: its recording did not end";
	uint32_t headers_crc = 0;
	bool ended = false;

	while (at < c->size) {
		struct capture_chunk chunk;
		struct chunk_header h;
		size_t start = at;

		what = ended ? "is damaged (data after the end)" :
			       read_chunk(c, &at, &chunk, &h);
		if (what)
			break;
		what = "was cut short: its recording did not end";
		if (chunk.type == CAPTURE_END) {
			ended = end_agrees(c, &chunk, start, headers_crc);
			if (ended)
				continue;
			what = "is damaged (totals differ)";
			break;
		}
		headers_crc = crc32_z(headers_crc, (void *)&h, sizeof(h));
		if (chunk.type == CAPTURE_META)
			read_meta(c, chunk.payload, chunk.size);
		else if (chunk.type == CAPTURE_COUNTERS)
			read_counters(c, chunk.payload, chunk.size);
		GROW(c->chunks, c->cap_chunks, c->nr_chunks + 1);
		c->chunks[c->nr_chunks++] = chunk;
	}
	if (!ended || at < c->size)
		c->problem = xasprintf("%s at byte %zu of %zu", what, at, c->size);
}

static int check_header(const struct capture *c)
{
	struct file_header h;

	if (c->size < sizeof(h) || memcmp(c->data, CAPTURE_MAGIC, sizeof(h.magic))) {
		if (c->size >= 2 && c->data[0] == 0x1f && c->data[1] == 0x8b)
			err("%s: a gzip file, not a capture; read a finished profile with "
			    "\"go tool pprof %s\"", c->name, c->name);
		else
			err("%s: not a tickprof capture", c->name);
		return -EBADMSG;
	}
	memcpy(&h, c->data, sizeof(h));
	if (h.byte_order == __builtin_bswap32(CAPTURE_ORDER))
		err("%s: recorded on a machine of the other byte order", c->name);
	else if (h.crc != crc_of(&h, offsetof(struct file_header, crc)) ||
		 h.byte_order != CAPTURE_ORDER)
		err("%s: damaged (file header)", c->name);
	else if (h.version != CAPTURE_VERSION || h.abi != TICKPROF_ABI_VERSION)
		err("%s: made by another version of tickprof (format %u, records %u; "
		    "this one reads %u and %u)", c->name, h.version, h.abi,
		    CAPTURE_VERSION, TICKPROF_ABI_VERSION);
	else
		return 0;
	return -EBADMSG;
}

static int slurp(struct capture *c, int fd)
{
	uint8_t *buf = NULL;
	size_t cap = 0;

	for (;;) {
		ssize_t n;

		GROW(buf, cap, c->size + (64 << 10));
		n = read(fd, buf + c->size, cap - c->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			c->data = buf;
			return n ? -errno : 0;
		}
		c->size += n;
		if (c->size >= strlen(CAPTURE_MAGIC) &&
		    memcmp(buf, CAPTURE_MAGIC, strlen(CAPTURE_MAGIC))) {
			c->data = buf;	/* check_header() refuses it */
			return 0;
		}
	}
}

static int load(struct capture *c, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return slurp(c, fd);
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->data = p;
	c->size = st.st_size;
	c->mapped = true;
	return 0;
}

int capture_open_fd(int fd, const char *name, struct capture **out)
{
	struct capture *c = xcalloc(1, sizeof(*c));
	int ret;

	c->name = xstrdup(name);
	ret = load(c, fd);
	if (ret) {
		err_errno(-ret, "%s", name);
		goto fail;
	}
	ret = check_header(c);
	if (ret)
		goto fail;
	read_chunks(c);
	if (c->problem && !c->nr_chunks) {
		err("%s: %s, nothing in it can be used", name, c->problem);
		ret = -EBADMSG;
		goto fail;
	}
	*out = c;
	return 0;
fail:
	capture_close(c);
	return ret;
}

int capture_open(const char *path, struct capture **out)
{
	int fd __close = -1;

	if (!strcmp(path, "-"))
		return capture_open_fd(STDIN_FILENO, "standard input", out);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;

		err_errno(error, "%s", path);
		return -error;
	}
	return capture_open_fd(fd, path, out);
}

void capture_close(struct capture *c)
{
	size_t i;

	if (!c)
		return;
	if (c->mapped)
		munmap((void *)c->data, c->size);
	else
		free((void *)c->data);
	for (i = 0; i < c->nr_meta; i++) {
		free(c->meta[i].key);
		free(c->meta[i].value);
	}
	free(c->meta);
	free(c->chunks);
	free(c->problem);
	free(c->name);
	free(c);
}

bool capture_complete(const struct capture *c)
{
	return !c->problem;
}

const char *capture_problem(const struct capture *c)
{
	return c->problem;
}

const struct capture_chunk *capture_chunks(const struct capture *c, size_t *nr)
{
	*nr = c->nr_chunks;
	return c->chunks;
}

const char *capture_meta(const struct capture *c, const char *key)
{
	size_t i = c->nr_meta;

	while (i--)
		if (!strcmp(c->meta[i].key, key))
			return c->meta[i].value;
	return NULL;
}

uint64_t capture_meta_number(const struct capture *c, const char *key)
{
	const char *value = capture_meta(c, key);

	return value ? strtoull(value, NULL, 10) : 0;
}

const uint64_t *capture_counters(const struct capture *c)
{
	return c->has_counters ? c->counters : NULL;
}
