// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding debug files: see elf_debug.h. Nothing is kept but the file found.
 * MiniDebugInfo is expanded in memory, MINI_MAX bytes at most.
 */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <libdeflate.h>
#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "debuginfod.h"
#include "elf_debug.h"
#include "object_open.h"

#define MINI_MAX	(128u << 20)
#define XZ_MEMORY_MAX	(256u << 20)

static const char *debug_root = "/usr/lib/debug";

void elf_debug_set_root(const char *path)
{
	debug_root = path;
}

/* What a candidate must agree with. */
struct wanted {
	const uint8_t *build_id;
	size_t build_id_size;
	bool has_crc;
	uint32_t crc;
};

static bool agrees(const struct elf_file *f, const struct wanted *w)
{
	if (w->build_id_size && f->build_id_size)
		return f->build_id_size == w->build_id_size &&
		       !memcmp(f->build_id, w->build_id, w->build_id_size);
	return w->has_crc && libdeflate_crc32(0, f->image, f->image_size) == w->crc;
}

static struct elf_file *try_fd(int fd, const char *path, const struct wanted *w)
{
	struct elf_file *f;
	int ret;

	if (fd < 0)
		return NULL;
	ret = elf_file_open(fd, &f);
	close(fd);
	if (ret)
		return NULL;
	if (!agrees(f, w)) {
		verbose("%s: belongs to another build", path);
		elf_file_close(f);
		return NULL;
	}
	return f;
}

/* In the process's root, and then in the tool's. */
static struct elf_file *try_path(const char *path, pid_t pid, const struct wanted *w)
{
	struct elf_file *f = NULL;

	if (pid)
		f = try_fd(open_in_root(pid, path, true), path, w);
	return f ? f : try_fd(open_in_root(0, path, true), path, w);
}

static struct elf_file *by_build_id(const struct wanted *w, pid_t pid, char **path)
{
	char hex[2 * TICKPROF_BUILD_ID_MAX + 1];
	struct elf_file *f;
	size_t i;

	if (w->build_id_size < 2 || w->build_id_size > TICKPROF_BUILD_ID_MAX)
		return NULL;
	for (i = 0; i < w->build_id_size; i++)
		sprintf(hex + 2 * i, "%02x", w->build_id[i]);
	*path = xasprintf("%s/.build-id/%.2s/%s.debug", debug_root, hex, hex + 2);
	f = try_path(*path, pid, w);
	if (!f) {
		free(*path);
		*path = NULL;
	}
	return f;
}

/* gdb's places for a linked name: beside the file, in .debug, in the tree. */
static struct elf_file *by_link(const struct elf_file *main, const struct wanted *id,
				const struct elf_origin *origin, char **path)
{
	const char *slash = origin->path ? strrchr(origin->path, '/') : NULL;
	struct wanted w = *id;
	const char *name = NULL;
	struct elf_file *f = NULL;
	GElf_Word crc;
	int dir, i;

	name = dwelf_elf_gnu_debuglink(main->elf, &crc);
	if (!name || !name[0] || strchr(name, '/') || !slash)
		return NULL;
	w.has_crc = true;
	w.crc = crc;
	dir = slash - origin->path;
	for (i = 0; i < 3 && !f; i++) {
		if (i < 2)
			*path = xasprintf("%.*s%s/%s", dir, origin->path, i ? "/.debug" : "",
					  name);
		else
			*path = xasprintf("%s%.*s/%s", debug_root, dir, origin->path, name);
		/* A link may name the stripped file itself. */
		if (strcmp(*path, origin->path))
			f = try_path(*path, origin->pid, &w);
		if (!f)
			free(*path);
	}
	if (!f)
		*path = NULL;
	return f;
}

struct elf_file *elf_debug_file(struct elf_debug *d, const struct elf_file *main,
				const struct elf_origin *origin)
{
	struct wanted w = {
		.build_id = main->build_id,
		.build_id_size = main->build_id_size,
	};

	if (d->searched)
		return d->file;
	d->searched = true;
	d->file = by_build_id(&w, origin->pid, &d->path);
	if (!d->file)
		d->file = by_link(main, &w, origin, &d->path);
	if (!d->file && w.build_id_size && !origin->local)
		d->file = try_fd(debuginfod_find(w.build_id, w.build_id_size, &d->path),
				 d->path, &w);
	if (d->file)
		verbose("%s: debug file %s", origin->path ? origin->path : "?", d->path);
	return d->file;
}

void elf_debug_deinit(struct elf_debug *d)
{
	elf_file_close(d->file);
	free(d->path);
	*d = (struct elf_debug){ 0 };
}

struct elf_file *elf_debug_alt(const char *name, const char *beside, const void *build_id,
			       size_t build_id_size, const struct elf_origin *origin)
{
	struct wanted w = { .build_id = build_id, .build_id_size = build_id_size };
	const char *slash = beside ? strrchr(beside, '/') : NULL;
	char *path __free = NULL;
	struct elf_file *f;

	f = by_build_id(&w, origin->pid, &path);
	if (f || !name[0])
		return f;
	if (name[0] == '/')
		return try_path(name, origin->pid, &w);
	if (!slash)
		return NULL;
	path = xasprintf("%.*s/%s", (int)(slash - beside), beside, name);
	return try_path(path, origin->pid, &w);
}

static int unxz(const void *in, size_t in_size, void **out, size_t *out_size)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	uint8_t *buf = NULL;
	size_t cap = in_size * 4 + 4096;
	lzma_ret ret;

	if (lzma_stream_decoder(&xz, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	xz.next_in = in;
	xz.avail_in = in_size;
	do {
		if (xz.total_out == cap || !buf) {
			cap = buf ? cap * 2 : cap;
			if (cap > MINI_MAX) {
				ret = LZMA_MEMLIMIT_ERROR;
				break;
			}
			buf = xrealloc(buf, cap);
		}
		xz.next_out = buf + xz.total_out;
		xz.avail_out = cap - xz.total_out;
		ret = lzma_code(&xz, LZMA_FINISH);
	} while (ret == LZMA_OK);
	*out_size = xz.total_out;
	lzma_end(&xz);
	if (ret != LZMA_STREAM_END) {
		free(buf);
		return -EBADMSG;
	}
	*out = xrealloc(buf, *out_size ? *out_size : 1);
	return 0;
}

struct elf_file *elf_debug_mini(struct elf_file *main)
{
	struct elf_file *f;
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_file_section(main, ".gnu_debugdata", &shdr);
	Elf_Data *data = scn ? elf_file_data(main, scn) : NULL;
	size_t size;
	void *image;

	if (!data || !data->d_buf || unxz(data->d_buf, data->d_size, &image, &size))
		return NULL;
	elf_file_open_memory(image, size, true, &f);
	return f;
}
