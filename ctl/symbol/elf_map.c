// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped files that survive truncation: see elf_map.h. The handler runs in
 * whichever thread touched the page; it reads the table of mappings without a
 * lock, which is right because a thread can only touch a mapping between its
 * entry into the table and its removal. A slot is taken by its start, with one
 * exchange, so that several threads may map files.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "elf_map.h"

static struct {
	_Atomic uintptr_t start, end;
} maps[ELF_MAPS_MAX];		/* free: start 0 */
static struct sigaction previous;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr, start, end;
	size_t i;

	for (i = 0; i < ELF_MAPS_MAX; i++) {
		start = atomic_load(&maps[i].start);
		end = atomic_load(&maps[i].end);
		if (addr < start || addr >= end)
			continue;
		addr &= ~(uintptr_t)(getpagesize() - 1);
		if (mmap((void *)addr, end - addr, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
		break;
	}
	/* Not ours: the access is repeated under the action there was before. */
	sigaction(SIGBUS, &previous, NULL);
}

static void install(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO }, now;

	if (!sigaction(SIGBUS, NULL, &now) && now.sa_sigaction == on_sigbus)
		return;
	sigemptyset(&sa.sa_mask);
	previous = now;
	sigaction(SIGBUS, &sa, NULL);
}

static size_t take_slot(uintptr_t start)
{
	uintptr_t unused;
	size_t i;

	for (i = 0; i < ELF_MAPS_MAX; i++) {
		unused = 0;
		if (atomic_compare_exchange_strong(&maps[i].start, &unused, start))
			break;
	}
	return i;
}

int elf_map(int fd, void **out, size_t *size)
{
	struct stat st;
	void *map;
	size_t i;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return -ENOEXEC;
	map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
		   0);
	if (map == MAP_FAILED)
		return -errno;
	install();
	i = take_slot((uintptr_t)map);
	if (i == ELF_MAPS_MAX) {
		munmap(map, st.st_size);
		return -EMFILE;
	}
	atomic_store(&maps[i].end, (uintptr_t)map + st.st_size);
	*out = map;
	*size = st.st_size;
	return 0;
}

void elf_unmap(void *map, size_t size)
{
	size_t i;

	for (i = 0; i < ELF_MAPS_MAX; i++) {
		if (atomic_load(&maps[i].start) != (uintptr_t)map)
			continue;
		/* The address may be another thread's as soon as it is unmapped. */
		atomic_store(&maps[i].end, 0);
		atomic_store(&maps[i].start, 0);
		break;
	}
	munmap(map, size);
}

void elf_map_trim(void *map, size_t size)
{
	madvise(map, size, MADV_DONTNEED);
}
