// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of mapped files: see object.h. About 300 bytes an object, and one
 * descriptor while there is room: beyond the limit those least lately used are
 * closed, first such as have a name to be opened by again.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/intern.h"
#include "base/util.h"
#include "object_open.h"
#include "sym_perfmap.h"

#define FDS_MAX		8192
#define FDS_SPARE	128	/* left to rings, pipes and the rest of the tool */
#define KEY_PATH_MAX	4096

struct entry {
	struct object obj;	/* first: handed out */
	uint64_t used;
	dev_t st_dev;		/* of the descriptor, to know the file again */
	ino_t st_ino;
	pid_t tried;		/* the process it was last looked for in */
	bool closed;		/* fd given up to hold the limit */
};

struct objects {
	struct intern *keys;	/* identity → struct entry */
	struct entry **all;
	size_t nr, cap;
	size_t nr_fds, max_fds;
	uint64_t clock;
	struct entry *kernel, *vdso;
};

struct objects *objects_create(void)
{
	struct objects *o = xcalloc(1, sizeof(*o));
	struct rlimit rl;

	o->keys = intern_create();
	o->max_fds = 512;
	if (!getrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur < o->max_fds + FDS_SPARE)
		o->max_fds = rl.rlim_cur > 2 * FDS_SPARE ? rl.rlim_cur - FDS_SPARE
							 : rl.rlim_cur / 2;
	return o;
}

static void close_fd(struct objects *o, struct entry *e)
{
	if (e->obj.fd < 0)
		return;
	close(e->obj.fd);
	e->obj.fd = -1;
	o->nr_fds--;
}

void objects_destroy(struct objects *o)
{
	size_t i;

	if (!o)
		return;
	for (i = 0; i < o->nr; i++) {
		close_fd(o, o->all[i]);
		sym_perfmap_destroy(o->all[i]->obj.jit);
		free((char *)o->all[i]->obj.id.path);
		free(o->all[i]);
	}
	free(o->all);
	intern_destroy(o->keys);
	free(o);
}

static struct entry *new_entry(struct objects *o, enum object_kind kind,
			       const struct object_id *id, pid_t pid)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->obj.kind = kind;
	e->obj.id = *id;
	e->obj.id.path = xstrdup(id->path ? id->path : "");
	e->obj.pid = pid;
	e->obj.fd = -1;
	GROW(o->all, o->cap, o->nr + 1);
	o->all[o->nr++] = e;
	return e;
}

/*
 * Room for more descriptors, taken late: a limit raised at the start would pass
 * to the command that is recorded.
 */
static bool raise_limit(struct objects *o)
{
	struct rlimit rl;
	rlim_t want;

	if (o->max_fds >= FDS_MAX || getrlimit(RLIMIT_NOFILE, &rl))
		return false;
	want = o->max_fds * 2 + FDS_SPARE;
	if (rl.rlim_cur < want) {
		rl.rlim_cur = want < rl.rlim_max ? want : rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl))
			return false;
	}
	if (rl.rlim_cur < o->max_fds + 2 * FDS_SPARE)
		return false;
	o->max_fds = rl.rlim_cur < want ? rl.rlim_cur - FDS_SPARE : want - FDS_SPARE;
	return true;
}

static int by_use(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->obj.id.deleted != y->obj.id.deleted)
		return x->obj.id.deleted ? 1 : -1;
	return x->used < y->used ? -1 : x->used > y->used;
}

/* One in eight at a time, so that the sort is paid rarely. */
static void close_oldest(struct objects *o)
{
	struct entry **open __free = xcalloc(o->nr, sizeof(*open));
	size_t nr = 0, i;

	for (i = 0; i < o->nr; i++)
		if (o->all[i]->obj.fd >= 0)
			open[nr++] = o->all[i];
	qsort(open, nr, sizeof(*open), by_use);
	for (i = 0; i < nr / 8 + 1 && i < nr; i++) {
		close_fd(o, open[i]);
		open[i]->closed = true;
	}
}

static void make_room(struct objects *o)
{
	if (o->nr_fds >= o->max_fds && !raise_limit(o))
		close_oldest(o);
}

static void open_entry(struct objects *o, struct entry *e, pid_t pid, uint64_t addr,
		       uint64_t len)
{
	uint8_t build_id[TICKPROF_BUILD_ID_MAX], size = 0;
	struct stat st;
	int fd;

	make_room(o);
	e->tried = pid;
	fd = object_open(&e->obj.id, pid, addr, len, build_id, &size);
	if (fd == -EMFILE) {
		close_oldest(o);
		fd = object_open(&e->obj.id, pid, addr, len, build_id, &size);
	}
	if (fd < 0) {
		e->obj.error = -fd;
		verbose("%s: %s", e->obj.id.path, fd == -ESTALE ?
			"the file there now is not the one that ran" : strerror(-fd));
		return;
	}
	e->obj.fd = fd;
	e->obj.error = 0;
	e->obj.pid = pid;
	e->closed = false;
	o->nr_fds++;
	if (!fstat(fd, &st)) {
		e->st_dev = st.st_dev;
		e->st_ino = st.st_ino;
	}
	if (!e->obj.id.build_id_size && size) {
		memcpy(e->obj.id.build_id, build_id, size);
		e->obj.id.build_id_size = size;
	}
}

/* By build id and path, else by device, inode and path. */
static struct intern_entry *key_of(struct objects *o, const struct object_id *id)
{
	struct {
		uint64_t inode;
		uint32_t dev[2];
		uint8_t build_id[TICKPROF_BUILD_ID_MAX];
		uint8_t build_id_size;
		char path[KEY_PATH_MAX];
	} key;
	size_t len = strnlen(id->path, sizeof(key.path));

	memset(&key, 0, offsetof(typeof(key), path));
	if (id->build_id_size) {
		key.build_id_size = id->build_id_size;
		memcpy(key.build_id, id->build_id, id->build_id_size);
	} else {
		key.inode = id->inode;
		key.dev[0] = id->dev_major;
		key.dev[1] = id->dev_minor;
	}
	memcpy(key.path, id->path, len);
	return intern_get(o->keys, &key, offsetof(typeof(key), path) + len);
}

struct object *objects_get(struct objects *o, const struct object_id *id, pid_t pid,
			   uint64_t addr, uint64_t len, bool live)
{
	struct intern_entry *key = key_of(o, id), *by_build_id;
	struct entry *e = key->value;

	if (!e) {
		e = new_entry(o, OBJECT_FILE, id, pid);
		key->value = e;
		if (live)
			open_entry(o, e, pid, addr, len);
	} else if (live && e->obj.error && e->tried != pid) {
		open_entry(o, e, pid, addr, len);
	}
	if (!id->build_id_size && e->obj.id.build_id_size) {
		by_build_id = key_of(o, &e->obj.id);
		if (!by_build_id->value)
			by_build_id->value = e;
		key->value = by_build_id->value;
		if (key->value != e)
			close_fd(o, e);
		e = key->value;
	}
	e->used = ++o->clock;
	return &e->obj;
}

int objects_fd(struct objects *o, struct object *obj)
{
	struct entry *e = (struct entry *)obj;
	dev_t dev = e->st_dev;
	ino_t ino = e->st_ino;

	e->used = ++o->clock;
	if (obj->fd >= 0)
		return obj->fd;
	if (!e->closed)
		return obj->error ? -obj->error : -ENOENT;
	open_entry(o, e, obj->pid, 0, 0);
	if (obj->fd >= 0 && !obj->id.build_id_size && (e->st_dev != dev || e->st_ino != ino)) {
		close_fd(o, e);
		obj->error = ESTALE;
	}
	return obj->fd >= 0 ? obj->fd : -obj->error;
}

struct object *objects_get_anon(struct objects *o, pid_t pid)
{
	struct intern_entry *key = intern_get(o->keys, &pid, sizeof(pid));
	struct object_id id = { .path = "" };

	if (!key->value)
		key->value = new_entry(o, OBJECT_ANON, &id, pid);
	return &((struct entry *)key->value)->obj;
}

void objects_prepare_anon(struct objects *o, pid_t pid)
{
	struct object *obj = objects_get_anon(o, pid);

	if (!obj->jit)
		obj->jit = sym_perfmap_create(pid);
	sym_perfmap_prepare(obj->jit);
}

struct object *objects_kernel(struct objects *o)
{
	struct object_id id = { .path = "[kernel.kallsyms]" };

	if (!o->kernel)
		o->kernel = new_entry(o, OBJECT_KERNEL, &id, 0);
	return &o->kernel->obj;
}

struct object *objects_vdso(struct objects *o)
{
	struct object_id id = { .path = "[vdso]" };

	if (!o->vdso)
		o->vdso = new_entry(o, OBJECT_VDSO, &id, 0);
	return &o->vdso->obj;
}
