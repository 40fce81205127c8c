// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GNU build id of a mapped ELF file, if its first page is in memory, which
 * it is for a program that was just loaded. The kernel's own parser is not
 * exported and may sleep.
 *
 * Context: atomic. Never reads the disk, never waits.
 * Bounds: the first page, at most 64 program headers and 16 notes of each. The
 * page is the file's and hostile; every offset is checked against the page.
 * Format: ELF-64, System V ABI chapters 4 and 5; note type 3 of owner "GNU".
 */
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "build_id.h"

#define HEADERS_MAX	64
#define NOTES_MAX	16
#define NOTE_BUILD_ID	3

/* off + len lie in the first page; len is small. */
static bool inside(u64 off, u64 len)
{
	return off <= PAGE_SIZE && len <= PAGE_SIZE - off;
}

static u8 scan_notes(const u8 *page, u64 off, u64 len, u8 id[TICKPROF_BUILD_ID_MAX])
{
	u64 end = off + len;
	int i;

	for (i = 0; i < NOTES_MAX && off + sizeof(Elf64_Nhdr) <= end; i++) {
		Elf64_Nhdr note;
		u64 name = off + sizeof(note), desc;

		memcpy(&note, page + off, sizeof(note));
		if (note.n_namesz > PAGE_SIZE || note.n_descsz > PAGE_SIZE)
			return 0;
		desc = name + round_up(note.n_namesz, 4);
		off = desc + round_up(note.n_descsz, 4);
		if (off > end)
			return 0;
		if (note.n_type == NOTE_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    !memcmp(page + name, "GNU", sizeof("GNU")) &&
		    note.n_descsz && note.n_descsz <= TICKPROF_BUILD_ID_MAX) {
			memcpy(id, page + desc, note.n_descsz);
			return note.n_descsz;
		}
	}
	return 0;
}

static u8 scan_page(const u8 *page, u8 id[TICKPROF_BUILD_ID_MAX])
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	u8 size;
	int i;

	memcpy(&ehdr, page, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_phentsize != sizeof(phdr) || ehdr.e_phnum > HEADERS_MAX ||
	    !inside(ehdr.e_phoff, ehdr.e_phnum * sizeof(phdr)))
		return 0;
	for (i = 0; i < ehdr.e_phnum; i++) {
		memcpy(&phdr, page + ehdr.e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type != PT_NOTE || !inside(phdr.p_offset, phdr.p_filesz))
			continue;
		size = scan_notes(page, phdr.p_offset, phdr.p_filesz, id);
		if (size)
			return size;
	}
	return 0;
}

/* Returns the id's size in bytes, 0 if it is not known. */
u8 tickprof_build_id_read(struct file *file, u8 id[TICKPROF_BUILD_ID_MAX])
{
	struct page *page = find_get_page(file->f_mapping, 0);
	u8 size = 0;
	void *at;

	if (!page)
		return 0;
	if (PageUptodate(page)) {
		at = kmap_atomic(page);
		size = scan_page(at, id);
		kunmap_atomic(at);
	}
	put_page(page);
	return size;
}
