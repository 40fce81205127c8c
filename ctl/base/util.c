// SPDX-License-Identifier: GPL-2.0-only
/* Messages, memory that cannot fail, scope-bound cleanup: see util.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

int verbosity;

static void message(const char *kind, int error, const char *fmt, va_list ap)
{
	fprintf(stderr, "tickprof: %s", kind);
	vfprintf(stderr, fmt, ap);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
}

void err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", 0, fmt, ap);
	va_end(ap);
}

void err_errno(int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", error, fmt, ap);
	va_end(ap);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	if (verbosity < 0)
		return;
	va_start(ap, fmt);
	message("warning: ", 0, fmt, ap);
	va_end(ap);
}

void verbose(const char *fmt, ...)
{
	va_list ap;

	if (verbosity < 1)
		return;
	va_start(ap, fmt);
	message("", 0, fmt, ap);
	va_end(ap);
}

static void *checked(void *p)
{
	if (!p) {
		err("out of memory");
		exit(EXIT_ERROR);
	}
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t nr, size_t size)
{
	return checked(calloc(nr ? nr : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

void *grow_array(void *p, size_t *cap, size_t nr, size_t elem)
{
	size_t want = *cap ? *cap : 16;

	if (nr <= *cap)
		return p;
	while (want < nr)
		want *= 2;
	*cap = want;
	return checked(reallocarray(p, want, elem));
}

void cleanup_free(void *pp)
{
	free(*(void **)pp);
}

void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}
