/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects and a symbolizer that read nothing, so that what tests expect does not
 * depend on the machine. A function begins at each multiple of 256 of a file:
 * offset 0x1234 of libx.so is "libx.so:12". Offsets from 0x10000 on have no name, and
 * a file whose name begins with "stripped" has none at all; all of one in /roots/
 * is one function of the file's name. Defining all of
 * object.h and symbolize.h here keeps the real ones out of the link.
 */
#ifndef TICKPROF_TEST_FAKE_SYMBOLS_H
#define TICKPROF_TEST_FAKE_SYMBOLS_H

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "symbol/symbolize.h"

#define FAKE_NAMES	4096

/* Names that a test wants instead: of the file's last part, and offset >> 8; ends with a zero. */
struct fake_function {
	const char *file;
	uint64_t page;
	const char *name;
};

static const struct fake_function *fake_functions;

struct objects {
	struct object *all[FAKE_NAMES];
	size_t nr;
};

struct fake_answer {
	struct object *object;
	uint64_t offset;
	bool caller;
	struct symbol_location loc;
};

struct symbolizer {
	bool live;
	char *names[FAKE_NAMES];
	size_t nr_names;
	struct symbol_frame frames[FAKE_NAMES];
	size_t nr_frames;
	struct fake_answer preloaded[FAKE_NAMES];
	size_t nr_preloaded;
	size_t asked;		/* how often it was asked */
};

struct objects *objects_create(void)
{
	return xcalloc(1, sizeof(struct objects));
}

void objects_destroy(struct objects *o)
{
	size_t i;

	for (i = 0; o && i < o->nr; i++) {
		free((char *)o->all[i]->id.path);
		free(o->all[i]);
	}
	free(o);
}

static struct object *fake_object(struct objects *o, enum object_kind kind,
				  const struct object_id *id, pid_t pid)
{
	struct object *obj;
	size_t i;

	for (i = 0; i < o->nr; i++)
		if (o->all[i]->kind == kind && !strcmp(o->all[i]->id.path, id->path) &&
		    o->all[i]->id.inode == id->inode &&
		    (kind != OBJECT_ANON || o->all[i]->pid == pid))
			return o->all[i];
	if (o->nr == FAKE_NAMES)
		return o->all[0];
	obj = xcalloc(1, sizeof(*obj));
	obj->kind = kind;
	obj->id = *id;
	obj->id.path = xstrdup(id->path);
	obj->pid = pid;
	obj->fd = -1;
	return o->all[o->nr++] = obj;
}

struct object *objects_get(struct objects *o, const struct object_id *id,
			   pid_t pid, uint64_t addr, uint64_t len, bool live)
{
	return fake_object(o, OBJECT_FILE, id, pid);
}

struct object *objects_get_anon(struct objects *o, pid_t pid)
{
	return fake_object(o, OBJECT_ANON, &(struct object_id) { .path = "" }, pid);
}

struct object *objects_kernel(struct objects *o)
{
	return fake_object(o, OBJECT_KERNEL, &(struct object_id) { .path = "kernel" }, 0);
}

struct object *objects_vdso(struct objects *o)
{
	return fake_object(o, OBJECT_VDSO, &(struct object_id) { .path = "[vdso]" }, 0);
}

struct symbolizer *symbolizer_create(struct objects *objects,
				     const struct symbolizer_options *options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->live = options->live;
	return s;
}

void symbolizer_destroy(struct symbolizer *s)
{
	while (s->nr_names)
		free(s->names[--s->nr_names]);
	while (s->nr_preloaded)
		free((void *)s->preloaded[--s->nr_preloaded].loc.frames);
	free(s);
}

int symbolizer_load_kernel(struct symbolizer *s)
{
	return 0;
}

static const char *fake_name(struct symbolizer *s, const struct object *obj, uint64_t offset)
{
	const char *slash = strrchr(obj->id.path, '/');

	const struct fake_function *f;

	for (f = fake_functions; f && f->name; f++)
		if (f->page == offset >> 8 && !strcmp(f->file, slash ? slash + 1 : obj->id.path))
			return f->name;
	if (strstr(obj->id.path, "/roots/"))
		return slash + 1;
	if (s->nr_names == FAKE_NAMES)
		return "too many names";
	return s->names[s->nr_names++] = xasprintf("%s:%" PRIx64,
						   slash ? slash + 1 : obj->id.path,
						   offset >> 8);
}

/* A live symbolizer reads a build id; a function numbered f0 has an inlined one. */
static bool fake_resolve(struct symbolizer *s, struct object *obj, uint64_t offset,
			 bool caller, struct symbol_location *out)
{
	struct symbol_frame *f = &s->frames[s->nr_frames];
	uint64_t at = offset - caller;

	out->address = offset;
	out->limit = UINT64_MAX >> 1;
	if (obj->kind == OBJECT_FILE) {
		out->start = 0x1000;
		out->limit = 0x10000;
		out->offset = 0x1000;
		memset(obj->id.build_id, 0xab, obj->id.build_id_size = 4);
	}
	if (obj->kind == OBJECT_ANON || strstr(obj->id.path, "stripped") ||
	    (obj->kind != OBJECT_KERNEL && at >= 0x10000) || s->nr_frames + 2 > FAKE_NAMES)
		return false;
	if ((at >> 8 & 0xff) == 0xf0)
		f[out->nr_frames++].function = "inlined";
	f[out->nr_frames].file = "source.c";
	f[out->nr_frames].line = (at & 0xff) + 1;
	f[out->nr_frames].start_line = 1;
	f[out->nr_frames++].function = fake_name(s, obj, at);
	s->nr_frames += out->nr_frames;
	out->frames = f;
	return true;
}

bool symbolizer_resolve(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, struct symbol_location *out)
{
	size_t i;

	s->asked++;
	*out = (struct symbol_location) { 0 };
	for (i = 0; i < s->nr_preloaded; i++) {
		const struct fake_answer *a = &s->preloaded[i];

		if (a->object == obj && a->offset == offset && a->caller == caller) {
			*out = a->loc;
			return out->nr_frames;
		}
	}
	return s->live && fake_resolve(s, obj, offset, caller, out);
}

/* Frames are copied as the contract has it; the strings here outlive the test. */
void symbolizer_preload(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, const struct symbol_location *loc)
{
	struct fake_answer *a = &s->preloaded[s->nr_preloaded];
	struct symbol_frame *frames = xcalloc(loc->nr_frames, sizeof(*frames));

	if (s->nr_preloaded == FAKE_NAMES) {
		free(frames);
		return;
	}
	memcpy(frames, loc->frames, loc->nr_frames * sizeof(*frames));
	*a = (struct fake_answer) { obj, offset, caller, *loc };
	a->loc.frames = frames;
	s->nr_preloaded++;
}

#endif
