/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small things every file of the tool may use: messages, memory that cannot
 * fail, scope-bound cleanup. Process context; nothing here is thread-safe
 * beyond what libc's stderr gives.
 */
#ifndef TICKPROF_UTIL_H
#define TICKPROF_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses, the same for every command (man page, EXIT STATUS). */
enum exit_status {
	EXIT_OK = 0,
	EXIT_ERROR = 1,		/* something failed; the message says what */
	EXIT_USAGE = 2,		/* the command line or a file given on it is wrong */
	EXIT_PERMISSION = 3,	/* may not */
	EXIT_NO_MODULE = 4,	/* module absent, or of another ABI */
	EXIT_EMPTY = 5,		/* nothing was sampled */
};

/* One line on stderr, "tickprof: " in front. err_errno() appends strerror(err). */
void err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void err_errno(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern int verbosity;	/* 0; -q: -1; each -v: +1 */

/* Never return NULL: out of memory ends the program with a message. */
void *xmalloc(size_t size);
void *xcalloc(size_t nr, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Grow array p of *cap elements so that nr fit; doubling. */
#define GROW(p, cap, nr) \
	((p) = grow_array((p), &(cap), (nr), sizeof(*(p))))
void *grow_array(void *p, size_t *cap, size_t nr, size_t elem);

void cleanup_free(void *pp);
void cleanup_close(int *fd);
void cleanup_fclose(FILE **f);
#define __free __attribute__((cleanup(cleanup_free)))
#define __close __attribute__((cleanup(cleanup_close)))
#define __fclose __attribute__((cleanup(cleanup_fclose)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
