/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ELF file, opened for reading: segments, build id, sections. libelf does the
 * parsing, over a mapping of ours (elf_map.h). Nothing in the file is trusted.
 * Files of the other byte order are refused.
 */
#ifndef TICKPROF_ELF_FILE_H
#define TICKPROF_ELF_FILE_H

#include <gelf.h>
#include <linux/tickprof.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_segment {		/* PT_LOAD */
	uint64_t vaddr, memsz, offset, filesz;
	bool exec;
};

struct elf_file {
	Elf *elf;
	uint16_t type, machine;
	struct elf_segment *segments;
	size_t nr_segments;
	uint8_t build_id[TICKPROF_BUILD_ID_MAX];
	uint8_t build_id_size;	/* 0: none */
	void *image;
	size_t image_size;
	bool mapped;		/* image is a mapping, else heap or not ours */
	bool owned;
	Elf_Data **expanded;	/* contents of compressed sections */
	size_t nr_expanded, cap_expanded;
};

/* 0 or -errno: -ENOEXEC for what is not ELF. fd stays the caller's and may be closed. */
int elf_file_open(int fd, struct elf_file **out);
/* image: aligned to 8; freed with the file if own. */
int elf_file_open_memory(void *image, size_t size, bool own, struct elf_file **out);
/*
 * The vDSO of this process, which serves for all: one kernel, one vDSO. A copy of
 * it, because libelf may write to an image.
 */
int elf_file_open_vdso(struct elf_file **out);
void elf_file_close(struct elf_file *f);
/* Give resident pages back; they are read again when touched. */
void elf_file_trim(struct elf_file *f);

/* The loaded segment that file offset lies in, executable ones first; NULL: none. */
const struct elf_segment *elf_file_segment(const struct elf_file *f, uint64_t offset);
bool elf_file_executable(const struct elf_file *f, uint64_t vaddr);
/* NULL: absent. */
Elf_Scn *elf_file_section(const struct elf_file *f, const char *name, GElf_Shdr *shdr);
/* Contents, decompressed if need be; NULL: none, broken, or too large to be true. */
Elf_Data *elf_file_data(struct elf_file *f, Elf_Scn *scn);
/* Entry i of a symbol table's data; false: past its end. */
bool elf_file_symbol(const struct elf_file *f, const Elf_Data *data, size_t i, GElf_Sym *sym);
/* Forget what was expanded; data from such sections becomes invalid. */
void elf_file_forget_data(struct elf_file *f);

/* Just the build id, in a few reads and without a mapping. 0, -ENOENT or -errno. */
int elf_build_id(int fd, uint8_t id[TICKPROF_BUILD_ID_MAX], uint8_t *size);

#endif
