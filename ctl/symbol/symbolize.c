// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chain of symbolizers: see symbolize.h. Holds what each of them loaded;
 * symbol tables beyond TABLES_MAX bytes are dropped, least lately used first, and
 * loaded again from their mapping when asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/intern.h"
#include "base/util.h"
#include "elf_file.h"
#include "sym_dwarf.h"
#include "sym_elf.h"
#include "sym_kernel.h"
#include "sym_names.h"
#include "sym_perfmap.h"
#include "symbolize.h"

#define TABLES_MAX	(24u << 20)
#define KERNEL_HALF	(1ull << 63)
#define INLINE_MAX	64

/* What hangs on object.elf. */
struct elf_symbols {
	struct object *obj;
	struct sym_elf *elf;		/* NULL: could not be opened yet */
	bool refused;			/* could be opened, but is no ELF file */
	struct sym_dwarf *dwarf;	/* NULL: not asked for, or none */
	bool dwarf_tried;
};

struct symbolizer {
	struct objects *objects;
	struct symbolizer_options options;
	struct sym_names *names;
	struct intern *preloaded;	/* struct place → struct symbol_location */
	struct sym_kernel *kernel;
	bool kernel_tried;
	int kernel_error;
	struct elf_symbols **elfs;
	size_t nr_elfs, cap_elfs;
	size_t tables;			/* bytes of symbol tables loaded */
	uint64_t clock;
};

struct place {
	struct object *obj;
	uint64_t offset;
	uint64_t caller;
};

struct symbolizer *symbolizer_create(struct objects *objects,
				     const struct symbolizer_options *options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->objects = objects;
	s->options = *options;
	s->names = sym_names_create();
	s->preloaded = intern_create();
	return s;
}

void symbolizer_destroy(struct symbolizer *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->nr_elfs; i++) {
		s->elfs[i]->obj->elf = NULL;
		sym_dwarf_destroy(s->elfs[i]->dwarf);
		sym_elf_destroy(s->elfs[i]->elf);
		free(s->elfs[i]);
	}
	free(s->elfs);
	sym_kernel_destroy(s->kernel);
	intern_destroy(s->preloaded);
	sym_names_destroy(s->names);
	free(s);
}

int symbolizer_load_kernel(struct symbolizer *s)
{
	if (s->kernel_tried)
		return s->kernel_error;
	s->kernel_tried = true;
	s->kernel_error = sym_kernel_create("/proc/kallsyms", &s->kernel);
	return s->kernel_error;
}

static bool answer(struct symbol_location *out, const struct symbol_frame *frame)
{
	out->frames = frame;
	out->nr_frames = frame ? 1 : 0;
	return frame;
}

static bool resolve_kernel(struct symbolizer *s, uint64_t addr, uint64_t lookup,
			   struct symbol_location *out)
{
	uint64_t start;

	out->address = addr;
	out->start = KERNEL_HALF;
	out->limit = UINT64_MAX;
	if (!s->options.live || symbolizer_load_kernel(s))
		return false;
	start = sym_kernel_start(s->kernel);
	if (start && addr >= start)
		out->start = start;
	return answer(out, sym_kernel_find(s->kernel, s->names, lookup));
}

static bool resolve_anon(struct symbolizer *s, struct object *obj, uint64_t addr,
			 uint64_t lookup, struct symbol_location *out)
{
	out->address = addr;
	out->limit = UINT64_MAX >> 1;
	if (!obj->jit && s->options.live)
		objects_prepare_anon(s->objects, obj->pid);
	return obj->jit && answer(out, sym_perfmap_find(obj->jit, s->names, lookup));
}

static int open_object(struct symbolizer *s, struct object *obj, struct elf_file **out)
{
	int fd, ret;

	*out = NULL;
	if (obj->kind == OBJECT_VDSO)
		return s->options.live ? elf_file_open_vdso(out) : -ENOENT;
	fd = obj->fd >= 0 || s->options.live ? objects_fd(s->objects, obj) : -ENOENT;
	if (fd < 0)
		return fd;
	ret = elf_file_open(fd, out);
	if (ret) {
		verbose("%s: %s", obj->id.path, strerror(-ret));
		return ret;
	}
	if (!obj->id.build_id_size) {
		memcpy(obj->id.build_id, (*out)->build_id, (*out)->build_id_size);
		obj->id.build_id_size = (*out)->build_id_size;
	}
	return 0;
}

static struct elf_symbols *symbols_of(struct symbolizer *s, struct object *obj)
{
	struct elf_symbols *e = obj->elf;
	struct elf_file *f;
	int ret;

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->obj = obj;
		obj->elf = e;
		GROW(s->elfs, s->cap_elfs, s->nr_elfs + 1);
		s->elfs[s->nr_elfs++] = e;
	}
	/* A file that could not be opened may have been since, for another process. */
	if (!e->elf && !e->refused) {
		ret = open_object(s, obj, &f);
		e->refused = ret == -ENOEXEC;
		e->elf = f ? sym_elf_create(f) : NULL;
	}
	return e;
}

static void hold_limit(struct symbolizer *s, const struct elf_symbols *keep)
{
	struct elf_symbols *oldest;
	size_t i;

	while (s->tables > TABLES_MAX) {
		oldest = NULL;
		for (i = 0; i < s->nr_elfs; i++)
			if (s->elfs[i] != keep && s->elfs[i]->elf && s->elfs[i]->elf->table &&
			    (!oldest || s->elfs[i]->elf->used < oldest->elf->used))
				oldest = s->elfs[i];
		if (!oldest)
			return;
		s->tables -= sym_elf_memory(oldest->elf);
		sym_elf_drop(oldest->elf);
	}
}

static bool resolve_lines(struct symbolizer *s, struct elf_symbols *e,
			  const struct elf_origin *origin, uint64_t lookup,
			  const struct symbol_frame *symbol, struct symbol_location *out)
{
	struct symbol_frame frames[INLINE_MAX];
	size_t nr;

	if (!e->dwarf_tried) {
		e->dwarf_tried = true;
		e->dwarf = sym_dwarf_create(e->elf, origin);
	}
	nr = e->dwarf ? sym_dwarf_find(e->dwarf, s->names, lookup, symbol, frames,
				       INLINE_MAX) : 0;
	if (!nr)
		return false;
	out->frames = sym_names_frames(s->names, frames, nr);
	out->nr_frames = nr;
	return true;
}

static bool resolve_elf(struct symbolizer *s, struct object *obj, uint64_t offset,
			uint64_t lookup, struct symbol_location *out)
{
	struct elf_origin origin = { .path = obj->id.path, .pid = obj->pid };
	struct elf_symbols *e = symbols_of(s, obj);
	const struct elf_segment *segment;
	const struct symbol_frame *frame;
	bool loaded;

	out->address = offset;
	out->limit = UINT64_MAX >> 1;
	segment = e->elf ? elf_file_segment(e->elf->file, lookup) : NULL;
	if (!segment)
		return false;
	out->address = offset - segment->offset + segment->vaddr;
	out->start = segment->vaddr;
	out->limit = segment->vaddr + segment->memsz;
	out->offset = segment->offset;
	lookup = lookup - segment->offset + segment->vaddr;

	loaded = e->elf->table;
	frame = sym_elf_find(e->elf, &origin, s->names, lookup);
	e->elf->used = ++s->clock;
	if (!loaded) {
		s->tables += sym_elf_memory(e->elf);
		hold_limit(s, e);
	}
	if (s->options.lines && resolve_lines(s, e, &origin, lookup, frame, out))
		return true;
	return answer(out, frame);
}

static const struct symbol_location *preloaded(struct symbolizer *s, struct object *obj,
					       uint64_t offset, bool caller)
{
	struct place place = { obj, offset, caller };
	struct intern_entry *e = intern_find(s->preloaded, &place, sizeof(place));

	return e ? e->value : NULL;
}

void symbolizer_preload(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, const struct symbol_location *loc)
{
	struct symbol_frame *frames __free = xcalloc(loc->nr_frames, sizeof(*frames));
	struct place place = { obj, offset, caller };
	struct symbol_location *copy;
	uint32_t i;

	for (i = 0; i < loc->nr_frames; i++) {
		frames[i] = loc->frames[i];
		frames[i].function = sym_names_string(s->names, frames[i].function);
		if (frames[i].system_name)
			frames[i].system_name = sym_names_string(s->names,
								 frames[i].system_name);
		if (frames[i].file)
			frames[i].file = sym_names_string(s->names, frames[i].file);
	}
	copy = intern_alloc(s->preloaded, sizeof(*copy));
	*copy = *loc;
	copy->frames = sym_names_frames(s->names, frames, loc->nr_frames);
	intern_get(s->preloaded, &place, sizeof(place))->value = copy;
}

bool symbolizer_resolve(struct symbolizer *s, struct object *obj, uint64_t offset,
			bool caller, struct symbol_location *out)
{
	const struct symbol_location *known = preloaded(s, obj, offset, caller);
	uint64_t lookup = caller && offset ? offset - 1 : offset;

	if (known && (known->nr_frames || !s->options.live)) {
		*out = *known;
		return out->nr_frames;
	}
	memset(out, 0, sizeof(*out));
	switch (obj->kind) {
	case OBJECT_KERNEL:
		return resolve_kernel(s, offset, lookup, out);
	case OBJECT_ANON:
		return resolve_anon(s, obj, offset, lookup, out);
	case OBJECT_FILE:
	case OBJECT_VDSO:
		break;
	}
	return resolve_elf(s, obj, offset, lookup, out);
}
