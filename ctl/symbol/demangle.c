// SPDX-License-Identifier: GPL-2.0-only
/*
 * Demangling: see demangle.h. A short mangled name may stand for one of
 * gigabytes, so libiberty writes piecemeal into a bounded buffer and is left by
 * longjmp once that is full: its C++ demangler holds its state on the stack, its
 * Rust one may leak a few bytes of a punycode identifier then.
 */
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "demangle.h"

#define MANGLED_MAX 4096

struct sink {
	char *buf;
	size_t len, size;
	jmp_buf full;
};

static void collect(const char *s, size_t len, void *opaque)
{
	struct sink *sink = opaque;
	size_t room = sink->size - 1 - sink->len;

	memcpy(sink->buf + sink->len, s, len < room ? len : room);
	sink->len += len < room ? len : room;
	if (len > room)
		longjmp(sink->full, 1);
}

static bool run(const char *name, struct sink *sink)
{
	if (setjmp(sink->full))
		return true;
	if (rust_demangle_callback(name, DMGL_NO_OPTS, collect, sink))
		return true;
	sink->len = 0;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, collect, sink);
}

size_t demangle(const char *name, char *buf, size_t size)
{
	static const char plt[] = "@plt";
	char mangled[MANGLED_MAX];
	size_t len = strlen(name);
	bool is_plt = len > 4 && !strcmp(name + len - 4, plt);
	struct sink sink = { .buf = buf, .size = size };

	if (size <= sizeof(plt) || len >= sizeof(mangled) ||
	    (strncmp(name, "_Z", 2) && strncmp(name, "_R", 2) &&
	     strncmp(name, "_GLOBAL_", 8)))
		return 0;
	memcpy(mangled, name, len + 1);
	if (is_plt) {
		mangled[len - 4] = '\0';
		sink.size -= 4;
	}
	if (!run(mangled, &sink) || !sink.len)
		return 0;
	buf[sink.len] = '\0';
	if (is_plt) {
		memcpy(buf + sink.len, plt, sizeof(plt));
		sink.len += 4;
	}
	return sink.len;
}
