// SPDX-License-Identifier: GPL-2.0-only
/* The cache of tables: see cache.h. Memory: nothing beyond a table at a time. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "base/util.h"
#include "cache.h"

#define NAME_SIZE	(2 * TICKPROF_BUILD_ID_MAX + 64)

struct unwind_cache {
	char *folder;
	int dir;		/* -1: no folder to use */
	bool read_only;		/* writing has failed once */
	uint64_t bytes, bytes_max;	/* bytes: ours and what was there when last looked */
	struct unwind_cache_counts counts;
};

/* What a cached file is known by. */
struct wanted {
	char name[NAME_SIZE];	/* "": it cannot be cached */
	uint16_t machine;
	struct tickprof_file_key key;
};

static char *default_folder(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (!geteuid())
		return xstrdup("/var/cache/tickprof/tables");
	if (base && *base == '/')
		return xasprintf("%s/tickprof/tables", base);
	if (home && *home == '/')
		return xasprintf("%s/.cache/tickprof/tables", home);
	return NULL;
}

static int make_folders(const char *path)
{
	__free char *copy = xstrdup(path);
	char *slash;

	for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int open_folder(const char *path)
{
	struct stat st;
	int fd, ret;

	if (!path)
		return -ENOENT;
	ret = make_folders(path);
	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && is_ours(&st))
		return fd;
	close(fd);
	return -EPERM;
}

struct entry {
	char *name;
	uint64_t size;
	struct timespec used;
};

static int by_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	if (x->used.tv_nsec != y->used.tv_nsec)
		return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The files of the folder, and into c->bytes what they take. */
static struct entry *read_folder(struct unwind_cache *c, size_t *nr)
{
	struct entry *entries = NULL;
	struct dirent *d;
	struct stat st;
	size_t cap = 0;
	DIR *dir;
	int fd;

	*nr = 0;
	fd = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	c->bytes = 0;
	while ((d = readdir(dir))) {
		if (fstatat(c->dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		GROW(entries, cap, *nr + 1);
		entries[(*nr)++] = (struct entry){ xstrdup(d->d_name), st.st_size, st.st_mtim };
		c->bytes += st.st_size;
	}
	closedir(dir);
	return entries;
}

static void trim(struct unwind_cache *c)
{
	struct entry *entries;
	size_t nr, i;

	if (c->bytes <= c->bytes_max)
		return;
	entries = read_folder(c, &nr);
	if (nr)
		qsort(entries, nr, sizeof(*entries), by_use);
	for (i = 0; i < nr; i++) {
		if (c->bytes > c->bytes_max / 8 * 7 && !unlinkat(c->dir, entries[i].name, 0)) {
			c->bytes -= entries[i].size;
			c->counts.evicted++;
		}
		free(entries[i].name);
	}
	free(entries);
}

struct unwind_cache *unwind_cache_create(const char *folder, uint64_t bytes_max)
{
	struct unwind_cache *c = xcalloc(1, sizeof(*c));

	c->folder = folder ? xstrdup(folder) : default_folder();
	c->bytes_max = bytes_max;
	c->bytes = UINT64_MAX;		/* not looked yet */
	c->dir = open_folder(c->folder);
	if (c->dir < 0)
		verbose("unwind tables are not kept: %s: %s", c->folder ? c->folder : "no folder",
			strerror(-c->dir));
	return c;
}

void unwind_cache_destroy(struct unwind_cache *c)
{
	if (!c)
		return;
	if (c->dir >= 0)
		close(c->dir);
	free(c->folder);
	free(c);
}

const struct unwind_cache_counts *unwind_cache_counts(const struct unwind_cache *c)
{
	return &c->counts;
}

static void identify(int fd, struct wanted *w)
{
	struct tickprof_file_key *key = &w->key;
	Elf64_Ehdr ehdr;
	struct stat st;
	size_t at = 0;
	int i;

	*w = (struct wanted){ 0 };
	if (fstat(fd, &st) || pread(fd, &ehdr, sizeof(ehdr), 0) != sizeof(ehdr) ||
	    elf_build_id(fd, key->build_id, &key->build_id_size))
		return;
	w->machine = ehdr.e_machine;
	for (i = 0; i < key->build_id_size; i++)
		at += snprintf(w->name + at, NAME_SIZE - at, "%02x", key->build_id[i]);
	key->size = st.st_size;
	snprintf(w->name + at, NAME_SIZE - at, "-%" PRIu64 "-%u-%u-%u.%u", (uint64_t)key->size,
		 w->machine, st.st_uid, TICKPROF_TABLE_VERSION, UNWIND_TABLE_COMPILER);
}

static uint32_t checksum(const struct tickprof_table *t)
{
	return libdeflate_crc32(0, t, t->bytes);
}

static bool believable(const struct wanted *w, const struct tickprof_table *t, size_t size)
{
	uint32_t sum;

	if (t->magic != TICKPROF_TABLE_MAGIC || t->version != TICKPROF_TABLE_VERSION ||
	    t->machine != w->machine || t->flags || t->bytes != size - sizeof(sum) ||
	    memcmp(&t->file, &w->key, sizeof(w->key)))
		return false;
	memcpy(&sum, (const uint8_t *)t + t->bytes, sizeof(sum));
	return sum == checksum(t);
}

/* 0, -ENOENT, or what else is wrong with what there is. */
static int load(struct unwind_cache *c, const struct wanted *w, struct tickprof_table **out)
{
	int fd __close = openat(c->dir, w->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct tickprof_table *t;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_ours(&st))
		return -EPERM;
	if (st.st_size < (off_t)(sizeof(*t) + sizeof(uint32_t)) ||
	    st.st_size > TICKPROF_TABLE_BYTES_MAX + (off_t)sizeof(uint32_t))
		return -EINVAL;
	t = xmalloc(st.st_size);
	if (read(fd, t, st.st_size) != st.st_size || !believable(w, t, st.st_size)) {
		free(t);
		return -EINVAL;
	}
	futimens(fd, NULL);	/* used now */
	*out = t;
	return 0;
}

static bool write_all(int fd, const void *data, size_t size)
{
	ssize_t n;

	for (; size; data = (const char *)data + n, size -= n) {
		n = write(fd, data, size);
		if (n < 0)
			return false;
	}
	return true;
}

static void store(struct unwind_cache *c, const struct wanted *w, const struct tickprof_table *t)
{
	__free char *path = xasprintf("%s/%s", c->folder, w->name);
	struct output out = OUTPUT_INIT;
	uint32_t sum = checksum(t);

	/* Another's, a folder, a link: nothing that output_open() should write through. */
	if (unlinkat(c->dir, w->name, 0) && errno != ENOENT)
		c->read_only = true;
	if (c->read_only || output_open(&out, path)) {
		c->read_only = true;
		return;
	}
	if (write_all(out.fd, t, t->bytes) && write_all(out.fd, &sum, sizeof(sum)) &&
	    !output_commit(&out)) {
		c->counts.stored++;
		c->bytes += c->bytes == UINT64_MAX ? 0 : t->bytes + sizeof(sum);
		trim(c);
	} else {
		c->read_only = true;
	}
	output_close(&out);
}

static int compile(struct unwind_cache *c, int fd, const struct wanted *w,
		   const struct elf_origin *origin, const struct tickprof_file_key *key,
		   struct unwind_table *out)
{
	struct elf_file *f;
	int ret = elf_file_open(fd, &f);

	if (ret)
		return ret;
	ret = unwind_table_compile_found(f, origin, key, out);
	elf_file_close(f);
	c->counts.compiles++;
	if (ret || c->dir < 0 || !w->name[0] || c->read_only ||
	    !unwind_table_enough(out))
		return ret;
	/* What is kept is for all copies of the file. */
	out->table->file = w->key;
	store(c, w, out->table);
	return 0;
}

int unwind_cache_get(struct unwind_cache *c, int fd, const struct elf_origin *origin,
		     const struct tickprof_file_key *key, struct unwind_table *out)
{
	struct tickprof_file_key *file;
	struct wanted w;
	int ret = -ENOENT;

	*out = (struct unwind_table){ 0 };
	identify(fd, &w);
	if (c->dir >= 0 && w.name[0]) {
		ret = load(c, &w, &out->table);
		c->counts.hits += !ret;
		c->counts.disbelieved += ret && ret != -ENOENT;
	}
	if (ret)
		ret = compile(c, fd, &w, origin, key, out);
	if (ret || !key)
		return ret;
	file = &out->table->file;
	file->inode = key->inode;
	file->dev_major = key->dev_major;
	file->dev_minor = key->dev_minor;
	return 0;
}
