// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading capture files (drawn in capture.h). The file is mapped, walked once to
 * check every checksum, and its payloads are used in place; what is kept is a
 * table of chunks (40 bytes each) and the META text.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "capture.h"
#include "capture_format.h"

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
		headers_crc = libdeflate_crc32(headers_crc, &h, sizeof(h));
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
