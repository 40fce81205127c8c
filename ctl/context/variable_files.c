// SPDX-License-Identifier: GPL-2.0-only
/* What mapped files say of the variable: see variable_files.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/intern.h"
#include "base/util.h"
#include "symbol/object_open.h"
#include "variable_files.h"

/* As /proc/PID/maps has it. */
struct key {
	uint64_t inode;
	uint32_t dev_major, dev_minor;
};

struct entry {
	struct variable_file file;	/* first: handed out */
	struct entry *next;		/* of all */
	dev_t dev;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct variable_files {
	struct intern *keys;
	struct entry *all;
	unsigned int opened;
};

struct variable_files *variable_files_create(void)
{
	struct variable_files *files = xcalloc(1, sizeof(*files));

	files->keys = intern_create();
	return files;
}

void variable_files_destroy(struct variable_files *files)
{
	struct entry *e, *next;

	if (!files)
		return;
	for (e = files->all; e; e = next) {
		next = e->next;
		free(e->file.code);
		free(e);
	}
	intern_destroy(files->keys);
	free(files);
}

unsigned int variable_files_opened(const struct variable_files *files)
{
	return files->opened;
}

static bool same_file(const struct entry *e, const struct stat *st)
{
	return e->dev == st->st_dev && e->inode == st->st_ino && e->size == st->st_size &&
	       e->changed.tv_sec == st->st_ctim.tv_sec &&
	       e->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static bool is_still(const struct entry *e, pid_t pid, const struct map_line *map)
{
	struct stat st;
	char name[96];

	snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, map->start,
		 map->end);
	return !stat(name, &st) && same_file(e, &st);
}

static void take_code(struct variable_file *file, const struct elf_file *f)
{
	const struct elf_segment *s;

	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		file->nr_code += s->exec;
	file->code = xcalloc(file->nr_code, sizeof(*file->code));
	file->nr_code = 0;
	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		if (s->exec)
			file->code[file->nr_code++] = *s;
}

static void read_elf(struct variable_file *file, struct elf_file *f)
{
	const char *interpreter = elf_interpreter(f);

	file->elf = true;
	file->error = tls_variable_find(f, &file->variable);
	if (file->variable.program && interpreter)
		file->libc = c_library_of(interpreter);
	take_code(file, f);
}

static bool read_file(struct entry *e, pid_t pid, const struct map_line *map)
{
	struct object_id id = {
		.path = map->path,
		.inode = map->inode,
		.dev_major = map->dev_major,
		.dev_minor = map->dev_minor,
		.deleted = map->deleted,
	};
	uint8_t build_id[TICKPROF_BUILD_ID_MAX], build_id_size;
	struct elf_file *f = NULL;
	struct stat st;
	int fd __close = object_open(&id, pid, map->start, map->end - map->start, build_id,
				     &build_id_size);

	free(e->file.code);
	memset(&e->file, 0, sizeof(e->file));
	e->dev = e->inode = 0;
	if (fd < 0 || fstat(fd, &st))
		return false;
	e->dev = st.st_dev;
	e->inode = st.st_ino;
	e->size = st.st_size;
	e->changed = st.st_ctim;
	if (!elf_file_open(fd, &f)) {
		read_elf(&e->file, f);
		elf_file_close(f);
	}
	return true;
}

const struct variable_file *variable_files_get(struct variable_files *files, pid_t pid,
					       const struct map_line *map)
{
	const struct key key = { map->inode, map->dev_major, map->dev_minor };
	struct intern_entry *known = intern_get(files->keys, &key, sizeof(key));
	struct entry *e = known->value;

	if (e && is_still(e, pid, map))
		return &e->file;
	if (!e) {
		known->value = e = xcalloc(1, sizeof(*e));
		e->next = files->all;
		files->all = e;
	}
	files->opened++;
	return read_file(e, pid, map) ? &e->file : NULL;
}
