/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading another process's memory. Whatever lies there is the other's doing:
 * readers bound what they follow and how much they take.
 */
#ifndef TICKPROF_CONTEXT_MEMORY_H
#define TICKPROF_CONTEXT_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A process, or whatever else has addresses. read(): all of it, 0 or -errno. */
struct memory {
	int (*read)(const struct memory *m, uint64_t address, void *buf, size_t size);
	int fd;
};

/* Through /proc/PID/mem, which wants what ptrace would. 0 or -errno. */
int memory_open(struct memory *m, pid_t pid);
/* A file's: addresses are offsets in it. Of a file that shrinks meanwhile: -EFAULT. Keeps fd. */
void memory_of_file(struct memory *m, int fd);
void memory_close(struct memory *m);

static inline int memory_read(const struct memory *m, uint64_t address, void *buf, size_t size)
{
	return m->read(m, address, buf, size);
}

static inline int memory_read_word(const struct memory *m, uint64_t address, uint64_t *word)
{
	return memory_read(m, address, word, sizeof(*word));
}

#endif
