// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening ELF files: see elf_file.h. Memory: the segments, libelf's section
 * headers (about 200 bytes a section) and what compressed sections expand to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <zlib.h>

#include "base/util.h"
#include "elf_file.h"
#include "elf_map.h"

#define SEGMENTS_MAX	1024
#define NOTES_MAX	(1 << 20)	/* bytes of notes searched for a build id */
#define VDSO_MAX	(1u << 20)
#define EXPANDED_MAX	(1ull << 30)	/* bytes of one decompressed section */

static bool notes_build_id(Elf_Data *data, uint8_t *id, uint8_t *size)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr nhdr;

	while (data && (next = gelf_getnote(data, at, &nhdr, &name, &desc)) > 0) {
		if (nhdr.n_type == NT_GNU_BUILD_ID && nhdr.n_namesz == 4 &&
		    !memcmp((char *)data->d_buf + name, "GNU", 4) &&
		    nhdr.n_descsz && nhdr.n_descsz <= TICKPROF_BUILD_ID_MAX) {
			memcpy(id, (char *)data->d_buf + desc, nhdr.n_descsz);
			*size = nhdr.n_descsz;
			return true;
		}
		at = next;
	}
	return false;
}

/* In the notes of the segments, or of the sections in a debug file. */
static int find_build_id(Elf *elf, uint8_t *id, uint8_t *size)
{
	Elf_Scn *scn = NULL;
	GElf_Phdr phdr;
	GElf_Shdr shdr;
	size_t nr, i;

	*size = 0;
	if (elf_getphdrnum(elf, &nr))
		nr = 0;
	for (i = 0; i < nr && i < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, i, &phdr) || phdr.p_type != PT_NOTE ||
		    phdr.p_filesz > NOTES_MAX)
			continue;
		if (notes_build_id(elf_getdata_rawchunk(elf, phdr.p_offset, phdr.p_filesz,
				   phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR), id, size))
			return 0;
	}
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_NOTE ||
		    shdr.sh_size > NOTES_MAX)
			continue;
		if (notes_build_id(elf_getdata(scn, NULL), id, size))
			return 0;
	}
	return -ENOENT;
}

int elf_build_id(int fd, uint8_t id[TICKPROF_BUILD_ID_MAX], uint8_t *size)
{
	int ret = -ENOEXEC;
	Elf *elf;

	*size = 0;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		ret = find_build_id(elf, id, size);
	elf_end(elf);
	return ret;
}

static void read_segments(struct elf_file *f)
{
	size_t nr, cap = 0, i;
	GElf_Phdr phdr;

	if (elf_getphdrnum(f->elf, &nr))
		return;
	for (i = 0; i < nr && i < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(f->elf, i, &phdr) || phdr.p_type != PT_LOAD ||
		    phdr.p_vaddr + phdr.p_memsz < phdr.p_vaddr ||
		    phdr.p_offset + phdr.p_filesz < phdr.p_offset)
			continue;
		GROW(f->segments, cap, f->nr_segments + 1);
		f->segments[f->nr_segments++] = (struct elf_segment){
			.vaddr = phdr.p_vaddr,
			.memsz = phdr.p_memsz,
			.offset = phdr.p_offset,
			.filesz = phdr.p_filesz,
			.exec = phdr.p_flags & PF_X,
		};
	}
}

static int parse(struct elf_file *f)
{
	GElf_Ehdr ehdr;

	elf_version(EV_CURRENT);
	f->elf = elf_memory(f->image, f->image_size);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &ehdr))
		return -ENOEXEC;
	if (ehdr.e_ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB
								       : ELFDATA2MSB))
		return -ENOEXEC;
	f->type = ehdr.e_type;
	f->machine = ehdr.e_machine;
	read_segments(f);
	find_build_id(f->elf, f->build_id, &f->build_id_size);
	return 0;
}

int elf_file_open(int fd, struct elf_file **out)
{
	struct elf_file *f = xcalloc(1, sizeof(*f));
	int ret;

	f->mapped = true;
	ret = elf_map(fd, &f->image, &f->image_size);
	if (!ret)
		ret = parse(f);
	if (ret) {
		elf_file_close(f);
		f = NULL;
	}
	*out = f;
	return ret;
}

int elf_file_open_memory(void *image, size_t size, bool own, struct elf_file **out)
{
	struct elf_file *f = xcalloc(1, sizeof(*f));
	int ret;

	f->image = image;
	f->image_size = size;
	f->owned = own;
	ret = parse(f);
	if (ret) {
		elf_file_close(f);
		f = NULL;
	}
	*out = f;
	return ret;
}

int elf_file_open_vdso(struct elf_file **out)
{
	const Elf64_Ehdr *ehdr = (void *)getauxval(AT_SYSINFO_EHDR);
	uint64_t size;
	void *copy;

	if (!ehdr)
		return -ENOEXEC;
	size = ehdr->e_shoff + (uint64_t)ehdr->e_shnum * ehdr->e_shentsize;
	if (size > VDSO_MAX)
		return -ENOEXEC;
	copy = xmalloc(size);
	memcpy(copy, ehdr, size);
	return elf_file_open_memory(copy, size, true, out);
}

void elf_file_close(struct elf_file *f)
{
	if (!f)
		return;
	elf_file_forget_data(f);
	free(f->expanded);
	elf_end(f->elf);
	if (f->mapped && f->image)
		elf_unmap(f->image, f->image_size);
	else if (f->owned)
		free(f->image);
	free(f->segments);
	free(f);
}

void elf_file_trim(struct elf_file *f)
{
	if (f->mapped)
		elf_map_trim(f->image, f->image_size);
}

static bool covers(const struct elf_segment *s, uint64_t offset, uint64_t page)
{
	uint64_t start = s->offset & ~(page - 1);
	uint64_t end = s->offset + s->filesz;

	end = end + page - 1 < end ? UINT64_MAX : (end + page - 1) & ~(page - 1);
	return offset >= start && offset < end;
}

const struct elf_segment *elf_file_segment(const struct elf_file *f, uint64_t offset)
{
	uint64_t page = getpagesize();
	const struct elf_segment *s;

	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		if (s->exec && covers(s, offset, 1))
			return s;
	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		if (covers(s, offset, 1))
			return s;
	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		if (s->exec && covers(s, offset, page))
			return s;
	return NULL;
}

bool elf_file_executable(const struct elf_file *f, uint64_t vaddr)
{
	const struct elf_segment *s;

	for (s = f->segments; s < f->segments + f->nr_segments; s++)
		if (s->exec && vaddr >= s->vaddr && vaddr - s->vaddr < s->memsz)
			return true;
	return false;
}

Elf_Scn *elf_file_section(const struct elf_file *f, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;
	const char *s;
	size_t strings;

	if (elf_getshdrstrndx(f->elf, &strings))
		return NULL;
	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, shdr))
			continue;
		s = elf_strptr(f->elf, strings, shdr->sh_name);
		if (s && !strcmp(s, name))
			return scn;
	}
	return NULL;
}

/*
 * elf_compress() would change the section's header inside the image, which other
 * Elf handles over the same image (sym_dwarf.c) share.
 */
static Elf_Data *expand(struct elf_file *f, Elf_Scn *scn, const GElf_Chdr *chdr)
{
	size_t header = gelf_fsize(f->elf, ELF_T_CHDR, 1, EV_CURRENT);
	Elf_Data *raw = elf_rawdata(scn, NULL), *data;
	uLongf size = chdr->ch_size;

	/* zlib never expands more than about a thousandfold. */
	if (!raw || !raw->d_buf || raw->d_size <= header || chdr->ch_type != ELFCOMPRESS_ZLIB ||
	    chdr->ch_size > EXPANDED_MAX || chdr->ch_size / 1032 > raw->d_size)
		return NULL;
	data = xcalloc(1, sizeof(*data));
	data->d_buf = xmalloc(size);
	if (uncompress(data->d_buf, &size, (Bytef *)raw->d_buf + header,
		       raw->d_size - header) != Z_OK || size != chdr->ch_size) {
		free(data->d_buf);
		free(data);
		return NULL;
	}
	data->d_size = size;
	GROW(f->expanded, f->cap_expanded, f->nr_expanded + 1);
	f->expanded[f->nr_expanded++] = data;
	return data;
}

void elf_file_forget_data(struct elf_file *f)
{
	while (f->nr_expanded) {
		free(f->expanded[--f->nr_expanded]->d_buf);
		free(f->expanded[f->nr_expanded]);
	}
}

Elf_Data *elf_file_data(struct elf_file *f, Elf_Scn *scn)
{
	GElf_Shdr shdr;
	GElf_Chdr chdr;

	if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
		return NULL;
	if (!(shdr.sh_flags & SHF_COMPRESSED))
		return elf_getdata(scn, NULL);
	return gelf_getchdr(scn, &chdr) ? expand(f, scn, &chdr) : NULL;
}

/* Not gelf_getsym(), which takes only data that libelf itself made. */
bool elf_file_symbol(const struct elf_file *f, const Elf_Data *data, size_t i, GElf_Sym *sym)
{
	Elf32_Sym sym32;

	if (gelf_getclass(f->elf) == ELFCLASS64) {
		if (i >= data->d_size / sizeof(*sym))
			return false;
		memcpy(sym, (char *)data->d_buf + i * sizeof(*sym), sizeof(*sym));
		return true;
	}
	if (i >= data->d_size / sizeof(sym32))
		return false;
	memcpy(&sym32, (char *)data->d_buf + i * sizeof(sym32), sizeof(sym32));
	*sym = (GElf_Sym){
		.st_name = sym32.st_name,
		.st_info = sym32.st_info,
		.st_other = sym32.st_other,
		.st_shndx = sym32.st_shndx,
		.st_value = sym32.st_value,
		.st_size = sym32.st_size,
	};
	return true;
}
