// SPDX-License-Identifier: GPL-2.0-only
/* Bytes of a file or of memory: see source.h. 128 KiB of zlib's buffers a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/util.h"
#include "source.h"

enum { BUFFER = 64 << 10 };

int span_source_fail(struct span_source *s, const struct span_place *at, const char *fmt, ...)
{
	size_t used = 0;
	va_list ap;

	if (s->error[0])	/* the first is the cause */
		return -EBADMSG;
	if (at && at->line)
		used = snprintf(s->error, sizeof(s->error), "line %" PRIu64 ", byte %" PRIu64 ": ",
				at->line, at->offset + 1);
	else if (at)
		used = snprintf(s->error, sizeof(s->error), "byte %" PRIu64 ": ", at->offset + 1);
	va_start(ap, fmt);
	vsnprintf(s->error + used, sizeof(s->error) - used, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static int fail_errno(struct span_source *s, int error)
{
	span_source_fail(s, NULL, "%s", strerror(error));
	return -error;
}

int span_source_open(struct span_source *s, const char *path)
{
	bool standard = !strcmp(path, "-");
	struct stat st;
	int fd;

	*s = (struct span_source) { .name = standard ? "standard input" : path };
	fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
			open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(s, errno);
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		close(fd);
		return fail_errno(s, EISDIR);
	}
	s->gz = gzdopen(fd, "rb");
	if (!s->gz) {
		close(fd);
		return fail_errno(s, ENOMEM);
	}
	gzbuffer(s->gz, BUFFER);
	return 0;
}

void span_source_memory(struct span_source *s, const char *name, const void *data, size_t size)
{
	*s = (struct span_source) { .name = name, .data = data, .size = size };
}

void span_source_close(struct span_source *s)
{
	if (s->gz)
		gzclose(s->gz);
	s->gz = NULL;
}

static ssize_t read_gz(struct span_source *s, uint8_t *buf, size_t size)
{
	size_t done = 0;
	int n = 1, error = Z_OK;

	while (done < size && n > 0) {
		n = gzread(s->gz, buf + done, size - done < 1 << 30 ? size - done : 1 << 30);
		if (n > 0)
			done += n;
	}
	if (n < 0 || done < size)
		gzerror(s->gz, &error);
	/* What was unpacked before the damage comes first; the error at the next call. */
	if (error == Z_OK || error == Z_STREAM_END || done)
		return done;
	if (error == Z_ERRNO)
		return fail_errno(s, errno);
	span_source_fail(s, NULL, error == Z_BUF_ERROR ?
			 "the gzipped data ends early: was it copied whole?" :
			 "damaged gzip data: `gzip -t` may say more");
	return -EBADMSG;
}

static ssize_t read_more(struct span_source *s, uint8_t *buf, size_t size)
{
	if (s->gz)
		return read_gz(s, buf, size);
	size = size < s->size ? size : s->size;
	if (size)
		memcpy(buf, s->data, size);
	s->data += size;
	s->size -= size;
	return size;
}

ssize_t span_source_peek(struct span_source *s, const uint8_t **bytes)
{
	ssize_t n = read_more(s, s->peeked, sizeof(s->peeked));

	*bytes = s->peeked;
	if (n >= 0)
		s->nr_peeked = n;
	return n;
}

ssize_t span_source_read(struct span_source *s, void *buf, size_t size)
{
	size_t first = s->nr_peeked - s->at_peeked;
	ssize_t n;

	if (!first)
		return read_more(s, buf, size);
	first = first < size ? first : size;
	memcpy(buf, s->peeked + s->at_peeked, first);
	s->at_peeked += first;
	n = size > first ? read_more(s, (uint8_t *)buf + first, size - first) : 0;
	/* An error stays for the next call, which starts where this one could not. */
	if (n < 0)
		s->error[0] = '\0';
	return n < 0 ? (ssize_t)first : n + (ssize_t)first;
}
