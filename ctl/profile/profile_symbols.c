// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SYMBOLS chunk: what the symbolizer answered while files and kernel were at
 * hand, so that the capture reads the same elsewhere.
 *
 *	header, objects, files, locations, frames, strings
 *
 * Locations are grouped by object. "files" says which announced file (the
 * identity in MMAP records) was which object. Strings are offsets into the last
 * part, 0 being "". Costs 64 bytes a location and 24 a frame.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profile_build.h"

#define SYMBOLS_VERSION	1

struct sym_header {
	uint32_t version;
	uint32_t nr_objects, nr_files, nr_locations, nr_frames;
	uint32_t strings_size;
};

struct sym_object {
	uint32_t kind;			/* enum object_kind */
	int32_t pid;
	uint32_t path;
	uint32_t first_location, nr_locations;
	uint8_t build_id_size;
	uint8_t build_id[TICKPROF_BUILD_ID_MAX];
	uint8_t reserved[7];
};

struct sym_file {
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint32_t path;
	uint32_t object;		/* number from 1 */
	uint8_t deleted;
	uint8_t build_id_size;
	uint8_t build_id[TICKPROF_BUILD_ID_MAX];
	uint8_t reserved[2];
};

struct sym_location {
	uint64_t offset, address;
	uint64_t start, limit, segment_offset;
	uint32_t caller;
	uint32_t first_frame, nr_frames;
	uint32_t reserved;
};

struct sym_frame {
	uint32_t function, system_name, file;
	uint32_t line, start_line;
	uint32_t reserved;
};

struct pack {
	const struct profile *p;
	struct object **objects;
	size_t nr_objects, cap_objects;
	struct hash object_index, string_index;
	char *strings;
	size_t strings_size, cap_strings;
	uint32_t *string_offsets;
	size_t nr_strings, cap_string_offsets;
};

static uint32_t pack_object(struct pack *k, struct object *object)
{
	struct hash_slot *slot = hash_find(&k->object_index, hash_u64(0, (uintptr_t)object), id,
					   k->objects[id - 1] == object);

	if (!slot->id) {
		GROW(k->objects, k->cap_objects, k->nr_objects + 1);
		k->objects[k->nr_objects++] = object;
		slot->id = k->nr_objects;
	}
	return slot->id;
}

static uint32_t pack_string(struct pack *k, const char *s)
{
	size_t len = s ? strlen(s) : 0;
	struct hash_slot *slot;

	if (!len)
		return 0;
	slot = hash_find(&k->string_index, hash_bytes(0, s, len), id,
			 !strcmp(k->strings + k->string_offsets[id - 1], s));
	if (!slot->id) {
		GROW(k->string_offsets, k->cap_string_offsets, k->nr_strings + 1);
		k->string_offsets[k->nr_strings++] = k->strings_size;
		slot->id = k->nr_strings;
		GROW(k->strings, k->cap_strings, k->strings_size + len + 1);
		memcpy(k->strings + k->strings_size, s, len + 1);
		k->strings_size += len + 1;
	}
	return k->string_offsets[slot->id - 1];
}

static void pack_location(struct pack *k, const struct profile_location *l,
			  struct sym_location *out, struct sym_frame *frames, uint32_t *nr_frames)
{
	const struct profile *p = k->p;
	const struct profile_mapping *m = profile_mapping(p, l->mapping);
	uint32_t i;

	*out = (struct sym_location) {
		.offset = l->offset, .address = l->address, .caller = l->caller,
		.start = m->start, .limit = m->limit, .segment_offset = m->offset,
		.first_frame = *nr_frames, .nr_frames = l->nr_lines,
	};
	for (i = 0; i < l->nr_lines; i++) {
		const struct profile_line *line = &p->lines[l->first_line + i];
		const struct profile_function *f = profile_function(p, line->function);

		frames[(*nr_frames)++] = (struct sym_frame) {
			.function = pack_string(k, f->name),
			.system_name = pack_string(k, f->system_name),
			.file = pack_string(k, f->file),
			.line = line->line, .start_line = f->start_line,
		};
	}
}

static void pack_objects(struct pack *k, struct sym_object *out)
{
	size_t i;

	for (i = 0; i < k->nr_objects; i++) {
		const struct object *o = k->objects[i];

		out[i].kind = o->kind;
		out[i].pid = o->pid;
		out[i].path = pack_string(k, o->id.path);
		out[i].build_id_size = o->id.build_id_size;
		memcpy(out[i].build_id, o->id.build_id, TICKPROF_BUILD_ID_MAX);
	}
}

static uint32_t pack_files(struct pack *k, struct sym_file *out)
{
	const struct profile_private *priv = k->p->private;
	uint32_t i, nr = 0;

	for (i = 0; i < processes_nr_files(priv->processes); i++) {
		const struct object_id *id = &processes_file(priv->processes, i + 1)->id;

		if (!priv->file_objects[i])
			continue;
		out[nr] = (struct sym_file) {
			.inode = id->inode, .dev_major = id->dev_major,
			.dev_minor = id->dev_minor, .path = pack_string(k, id->path),
			.object = pack_object(k, priv->file_objects[i]),
			.deleted = id->deleted, .build_id_size = id->build_id_size,
		};
		memcpy(out[nr++].build_id, id->build_id, TICKPROF_BUILD_ID_MAX);
	}
	return nr;
}

/* Location numbers grouped by object: order[start[o] … start[o + 1]). */
static void group_locations(struct pack *k, uint32_t *start, uint32_t *order)
{
	const struct profile *p = k->p;
	size_t i;

	for (i = 0; i < p->nr_locations; i++)
		if (p->locations[i].object)
			start[pack_object(k, p->locations[i].object)]++;
	for (i = 1; i <= k->nr_objects; i++)
		start[i] += start[i - 1];
	for (i = p->nr_locations; i--;)
		if (p->locations[i].object)
			order[--start[pack_object(k, p->locations[i].object)]] = i;
}

static char *append(char *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	return to + size;
}

int profile_symbols_pack(const struct profile *p, void **blob, size_t *size)
{
	struct pack k = { .p = p };
	uint32_t nr_files = processes_nr_files(p->private->processes);
	struct sym_file *files __free = xcalloc(nr_files, sizeof(*files));
	struct sym_location *locations __free = xcalloc(p->nr_locations, sizeof(*locations));
	struct sym_frame *frames __free = xcalloc(p->nr_lines, sizeof(*frames));
	uint32_t *order __free = xcalloc(p->nr_locations, sizeof(*order));
	uint32_t *start __free = xcalloc(p->nr_locations + nr_files + 2, sizeof(*start));
	struct sym_object *objects __free = NULL;
	struct sym_header h = { .version = SYMBOLS_VERSION };
	uint32_t i, n;
	char *to;

	k.strings = xcalloc(1, k.cap_strings = 64);
	k.strings_size = 1;
	h.nr_files = pack_files(&k, files);
	group_locations(&k, start, order);
	h.nr_objects = k.nr_objects;
	objects = xcalloc(k.nr_objects, sizeof(*objects));
	pack_objects(&k, objects);
	/* group_locations() left start[o] at the first of object o, numbered from 1. */
	for (i = 0; i < p->nr_locations; i++)
		h.nr_locations += !!p->locations[i].object;
	for (i = 1; i <= k.nr_objects; i++) {
		n = i < k.nr_objects ? start[i + 1] : h.nr_locations;
		objects[i - 1].first_location = start[i];
		objects[i - 1].nr_locations = n - start[i];
	}
	for (i = 0; i < h.nr_locations; i++)
		pack_location(&k, &p->locations[order[i]], &locations[i], frames, &h.nr_frames);
	h.strings_size = k.strings_size;

	*size = sizeof(h) + h.nr_objects * sizeof(*objects) + h.nr_files * sizeof(*files) +
		h.nr_locations * sizeof(*locations) + h.nr_frames * sizeof(*frames) +
		h.strings_size;
	*blob = xmalloc(*size);
	to = append(*blob, &h, sizeof(h));
	to = append(to, objects, h.nr_objects * sizeof(*objects));
	to = append(to, files, h.nr_files * sizeof(*files));
	to = append(to, locations, h.nr_locations * sizeof(*locations));
	to = append(to, frames, h.nr_frames * sizeof(*frames));
	append(to, k.strings, h.strings_size);
	free(k.objects);
	free(k.strings);
	free(k.string_offsets);
	hash_deinit(&k.object_index);
	hash_deinit(&k.string_index);
	return 0;
}

struct symbols {
	struct sym_header h;
	const struct sym_object *objects;
	const struct sym_file *files;
	const struct sym_location *locations;
	const struct sym_frame *frames;
	const char *strings;
};

/* Chunks are 8-aligned, and so is each part; everything is checked before use. */
static bool symbols_parse(struct symbols *s, const void *blob, size_t size)
{
	const char *at = blob;
	uint64_t want = sizeof(s->h);

	if (size < sizeof(s->h))
		return false;
	memcpy(&s->h, blob, sizeof(s->h));
	want += (uint64_t)s->h.nr_objects * sizeof(*s->objects);
	want += (uint64_t)s->h.nr_files * sizeof(*s->files);
	want += (uint64_t)s->h.nr_locations * sizeof(*s->locations);
	want += (uint64_t)s->h.nr_frames * sizeof(*s->frames);
	want += s->h.strings_size;
	if (s->h.version != SYMBOLS_VERSION || want != size || !s->h.strings_size)
		return false;
	s->objects = (const void *)(at += sizeof(s->h));
	s->files = (const void *)(at += s->h.nr_objects * sizeof(*s->objects));
	s->locations = (const void *)(at += s->h.nr_files * sizeof(*s->files));
	s->frames = (const void *)(at += s->h.nr_locations * sizeof(*s->locations));
	s->strings = at + s->h.nr_frames * sizeof(*s->frames);
	return !s->strings[s->h.strings_size - 1];
}

/* NULL for an offset out of range. */
static const char *symbols_string(const struct symbols *s, uint32_t offset)
{
	return offset < s->h.strings_size ? s->strings + offset : NULL;
}

static bool same_file(const struct symbols *s, const struct sym_file *f,
		      const struct object_id *id)
{
	const char *path = symbols_string(s, f->path);

	return f->inode == id->inode && f->dev_major == id->dev_major &&
	       f->dev_minor == id->dev_minor && f->deleted == id->deleted &&
	       f->build_id_size == id->build_id_size &&
	       f->build_id_size <= TICKPROF_BUILD_ID_MAX &&
	       !memcmp(f->build_id, id->build_id, f->build_id_size) &&
	       path && !strcmp(path, id->path);
}

/* The announced file meant, 0 for none: nearly always the next in order. */
static uint32_t find_file(const struct profile *p, const struct symbols *s,
			  const struct sym_file *f, uint32_t after)
{
	const struct processes *processes = p->private->processes;
	uint32_t nr = processes_nr_files(processes), i;

	for (i = 0; i < nr; i++) {
		uint32_t file = (after + i) % nr + 1;

		if (same_file(s, f, &processes_file(processes, file)->id))
			return file;
	}
	return 0;
}

/* One object for all files that were one, best the one of the object's own path. */
static void load_files(struct profile *p, const struct symbols *s, struct object **objects)
{
	uint32_t *found __free = xcalloc(s->h.nr_files, sizeof(*found));
	uint32_t i, at = 0;
	int round;

	for (i = 0; i < s->h.nr_files; i++) {
		found[i] = find_file(p, s, &s->files[i], at);
		if (found[i])
			at = found[i];
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < s->h.nr_files; i++) {
			const struct sym_file *f = &s->files[i];
			uint32_t o = f->object - 1;

			if (found[i] && o < s->h.nr_objects && !objects[o] &&
			    (round || f->path == s->objects[o].path))
				objects[o] = profile_file_object(p, found[i]);
		}
	for (i = 0; i < s->h.nr_files; i++)
		if (found[i] && s->files[i].object - 1 < s->h.nr_objects)
			p->private->file_objects[found[i] - 1] = objects[s->files[i].object - 1];
}

static struct object *load_object(struct profile *p, const struct sym_object *o)
{
	switch (o->kind) {
	case OBJECT_KERNEL:
		return objects_kernel(p->private->objects);
	case OBJECT_VDSO:
		return objects_vdso(p->private->objects);
	case OBJECT_ANON:
		return objects_get_anon(p->private->objects, o->pid);
	}
	return NULL;
}

static bool load_location(struct profile *p, const struct symbols *s, struct object *object,
			  const struct sym_location *l)
{
	struct symbol_frame *frames __free = NULL;
	struct symbol_location loc = {
		.address = l->address, .start = l->start, .limit = l->limit,
		.offset = l->segment_offset, .nr_frames = l->nr_frames,
	};
	uint32_t i;

	if (l->first_frame > s->h.nr_frames || l->nr_frames > s->h.nr_frames - l->first_frame)
		return false;
	frames = xcalloc(l->nr_frames, sizeof(*frames));
	for (i = 0; i < l->nr_frames; i++) {
		const struct sym_frame *f = &s->frames[l->first_frame + i];

		frames[i].function = symbols_string(s, f->function);
		frames[i].system_name = symbols_string(s, f->system_name);
		frames[i].file = f->file ? symbols_string(s, f->file) : NULL;
		frames[i].line = f->line;
		frames[i].start_line = f->start_line;
		if (!frames[i].function || !frames[i].system_name || (f->file && !frames[i].file))
			return false;
	}
	loc.frames = frames;
	symbolizer_preload(p->private->symbolizer, object, l->offset, l->caller, &loc);
	return true;
}

int profile_symbols_load(struct profile *p, const void *blob, size_t size)
{
	struct object **objects __free = NULL;
	struct symbols s;
	uint32_t i, n;

	if (!symbols_parse(&s, blob, size))
		return -EBADMSG;
	objects = xcalloc(s.h.nr_objects, sizeof(*objects));
	load_files(p, &s, objects);
	for (i = 0; i < s.h.nr_objects; i++) {
		const struct sym_object *o = &s.objects[i];

		if (o->kind != OBJECT_FILE)
			objects[i] = load_object(p, o);
		if (o->first_location > s.h.nr_locations ||
		    o->nr_locations > s.h.nr_locations - o->first_location ||
		    o->build_id_size > TICKPROF_BUILD_ID_MAX)
			return -EBADMSG;
		if (!objects[i])
			continue;
		if (!objects[i]->id.build_id_size) {
			objects[i]->id.build_id_size = o->build_id_size;
			memcpy(objects[i]->id.build_id, o->build_id, o->build_id_size);
		}
		for (n = 0; n < o->nr_locations; n++)
			if (!load_location(p, &s, objects[i], &s.locations[o->first_location + n]))
				return -EBADMSG;
	}
	return 0;
}
