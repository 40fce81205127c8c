/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapped files: identity, and a descriptor kept open from the moment a mapping
 * is seen, so that files deleted or replaced later, or in mount namespaces that
 * go away, can still be read when symbols are wanted.
 */
#ifndef TICKPROF_OBJECT_H
#define TICKPROF_OBJECT_H

#include <linux/tickprof.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a MMAP record, a line of /proc/PID/maps or a capture says of a file. */
struct object_id {
	const char *path;	/* as in the process's mount namespace; "" anonymous */
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint8_t build_id[TICKPROF_BUILD_ID_MAX];
	uint8_t build_id_size;	/* 0: not known */
	bool deleted;
};

enum object_kind {
	OBJECT_FILE,		/* an ELF file (or what should be one) */
	OBJECT_ANON,		/* anonymous executable memory: JIT code of one process */
	OBJECT_VDSO,
	OBJECT_KERNEL,		/* vmlinux and all modules: addresses are absolute */
};

struct object {
	enum object_kind kind;
	struct object_id id;	/* strings owned; build id filled in once the file is read */
	pid_t pid;		/* OBJECT_ANON: whose; OBJECT_FILE: who mapped it first */
	int fd;			/* -1: not open; use objects_fd() */
	int error;		/* errno of that; ESTALE: the file there now is another one */
	void *elf;		/* the symbolizer's */
	struct sym_perfmap *jit; /* OBJECT_ANON, once prepared */
};

struct objects;

struct objects *objects_create(void);
void objects_destroy(struct objects *o);

/*
 * The object of this identity, opened now if it is new: through
 * /proc/PID/map_files, then /proc/PID/root, then the path itself, each accepted
 * only if build id (or device and inode) agree. addr and len are of the mapping,
 * 0 if unknown. The result is owned by the table. live == false: never open
 * anything (offline work on a capture).
 */
struct object *objects_get(struct objects *o, const struct object_id *id,
			   pid_t pid, uint64_t addr, uint64_t len, bool live);
/* A descriptor of its file, opened again if it was closed to hold the limit; or -errno. */
int objects_fd(struct objects *o, struct object *obj);
/* JIT code and other executable memory of one process without a file. */
struct object *objects_get_anon(struct objects *o, pid_t pid);
/*
 * A process of this machine has JIT code: learn its user and namespaces and take
 * hold of its perf map while it lives. Cheap, worth repeating; without it a map can
 * be read only while the process lives, or in the tool's own /tmp and as its user.
 */
void objects_prepare_anon(struct objects *o, pid_t pid);
struct object *objects_kernel(struct objects *o);
struct object *objects_vdso(struct objects *o);

#endif
