// SPDX-License-Identifier: GPL-2.0-only
/*
 * otel_thread_ctx_v1 in an ELF file: see tls_variable.h. Time is linear in the
 * file's symbols and relocations; nothing is allocated beyond what libelf keeps.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "tls_variable.h"

#define ALIGN_MAX	(1ull << 20)
#define BLOCK_MAX	(1ull << 30)

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

struct machine_relocs {
	uint16_t machine;
	uint32_t offset, descriptor, module;	/* relocation types of the three forms */
};

static const struct machine_relocs machines[] = {
	{ EM_X86_64, R_X86_64_TPOFF64, R_X86_64_TLSDESC, R_X86_64_DTPMOD64 },
	{ EM_AARCH64, R_AARCH64_TLS_TPREL, R_AARCH64_TLSDESC, R_AARCH64_TLS_DTPMOD },
};

/* A relocation that serves, and how well: the lower the better. */
struct candidate {
	unsigned int rank;
	enum tls_form form;
	GElf_Rela rela;
	bool own;
};

static const struct machine_relocs *machine_of(const struct elf_file *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == f->machine && gelf_getclass(f->elf) == ELFCLASS64)
			return &machines[i];
	return NULL;
}

const char *elf_interpreter(const struct elf_file *f)
{
	GElf_Phdr phdr;
	size_t nr, i;

	if (elf_getphdrnum(f->elf, &nr))
		return NULL;
	for (i = 0; i < nr; i++) {
		if (!gelf_getphdr(f->elf, i, &phdr) || phdr.p_type != PT_INTERP)
			continue;
		if (phdr.p_offset >= f->image_size ||
		    phdr.p_filesz > f->image_size - phdr.p_offset ||
		    !memchr((char *)f->image + phdr.p_offset, '\0', phdr.p_filesz))
			return NULL;
		return (char *)f->image + phdr.p_offset;
	}
	return NULL;
}

/* The value of a tag in .dynamic. */
static bool dynamic_value(struct elf_file *f, int64_t tag, uint64_t *out)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr shdr;
	GElf_Dyn dyn;
	int i;

	while ((scn = elf_nextscn(f->elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_DYNAMIC)
			break;
	data = scn ? elf_getdata(scn, NULL) : NULL;
	for (i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		if (dyn.d_tag != tag)
			continue;
		*out = dyn.d_un.d_val;
		return true;
	}
	return false;
}

/*
 * Linkers have marked position-independent programs since 2014 or so; before, only
 * a library has a name.
 */
static bool is_program(struct elf_file *f)
{
	uint64_t flags = 0, name;

	if (f->type != ET_DYN)
		return f->type == ET_EXEC;
	if (dynamic_value(f, DT_FLAGS_1, &flags) && flags & DF_1_PIE)
		return true;
	return elf_interpreter(f) && !dynamic_value(f, DT_SONAME, &name);
}

static bool find_symbol(struct elf_file *f, uint32_t type, GElf_Sym *sym, size_t *index)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr shdr;
	const char *name;

	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != type)
			continue;
		data = elf_file_data(f, scn);
		for (*index = 1; data && elf_file_symbol(f, data, *index, sym); ++*index) {
			if (GELF_ST_TYPE(sym->st_info) != STT_TLS && sym->st_shndx != SHN_UNDEF)
				continue;
			name = elf_strptr(f->elf, shdr.sh_link, sym->st_name);
			if (name && !strcmp(name, TLS_VARIABLE))
				return true;
		}
	}
	return false;
}

static bool find_block(struct elf_file *f, struct tls_variable *v)
{
	GElf_Phdr phdr;
	size_t nr, i;

	if (elf_getphdrnum(f->elf, &nr))
		return false;
	for (i = 0; i < nr; i++) {
		if (!gelf_getphdr(f->elf, i, &phdr) || phdr.p_type != PT_TLS)
			continue;
		v->size = phdr.p_memsz;
		v->align = phdr.p_align ? phdr.p_align : 1;
		return v->size <= BLOCK_MAX && v->align <= ALIGN_MAX &&
		       !(v->align & (v->align - 1));
	}
	return false;
}

static enum tls_form form_of(const struct machine_relocs *m, uint32_t type)
{
	if (type == m->offset)
		return TLS_FORM_INITIAL_EXEC;
	if (type == m->descriptor)
		return TLS_FORM_DESCRIPTOR;
	return type == m->module ? TLS_FORM_DYNAMIC : TLS_FORM_NONE;
}

/*
 * Names first. Of the others any tells where the file's block is, but the
 * variable's own is preferred, which has its offset as addend.
 */
static void consider(struct candidate *best, const struct machine_relocs *m,
		     const struct tls_variable *v, size_t symbol, const GElf_Rela *rela)
{
	enum tls_form form = form_of(m, GELF_R_TYPE(rela->r_info));
	struct candidate c = { .rank = form, .form = form, .rela = *rela };
	uint64_t sym = GELF_R_SYM(rela->r_info);

	if (form == TLS_FORM_NONE)
		return;
	if (!sym && v->defined) {
		c.own = true;
		c.rank += (uint64_t)rela->r_addend == v->value ? 10 : 20;
	} else if (!sym || sym != symbol) {
		return;
	}
	if (!best->rank || c.rank < best->rank)
		*best = c;
}

static void find_reloc(struct elf_file *f, const struct machine_relocs *m,
		       const struct tls_variable *v, size_t symbol, struct candidate *best)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr shdr;
	GElf_Rela rela;
	int i;

	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA ||
		    !(shdr.sh_flags & SHF_ALLOC))
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 0; data && gelf_getrela(data, i, &rela); i++)
			consider(best, m, v, symbol, &rela);
	}
}

static void take(struct tls_variable *v, struct elf_file *f, const struct candidate *best)
{
	v->form = best->form;
	v->words = best->rela.r_offset;
	v->own = best->own;
	if (best->form == TLS_FORM_DYNAMIC)
		v->delta = 0;	/* words of one's own: location.c takes the value */
	else
		v->delta = (best->own ? v->value : 0) - (uint64_t)best->rela.r_addend;
	if (best->form == TLS_FORM_DESCRIPTOR)
		dynamic_value(f, DT_TLSDESC_PLT, &v->lazy);
}

int tls_variable_find(struct elf_file *f, struct tls_variable *out)
{
	const struct machine_relocs *m = machine_of(f);
	struct candidate best = { 0 };
	GElf_Sym sym;
	size_t index;

	memset(out, 0, sizeof(*out));
	if (!m)
		return -ENOTSUP;
	out->machine = f->machine;
	out->program = is_program(f);
	out->dynamic = find_symbol(f, SHT_DYNSYM, &sym, &index);
	/* A static program has no other table than the one that strip takes away. */
	if (!out->dynamic && (!out->program || !find_symbol(f, SHT_SYMTAB, &sym, &index)))
		return -ENOENT;
	out->defined = sym.st_shndx != SHN_UNDEF;
	if (out->defined) {
		out->value = sym.st_value;
		if (!find_block(f, out) || out->value > out->size ||
		    out->size - out->value < sizeof(uint64_t))
			return -EBADMSG;
	}
	find_reloc(f, m, out, out->dynamic ? index : 0, &best);
	if (out->program && out->defined && (!best.rank || best.own))
		out->form = TLS_FORM_LOCAL_EXEC;
	else if (best.rank)
		take(out, f, &best);
	return 0;
}

const char *tls_form_name(enum tls_form form)
{
	static const char *const names[] = {
		[TLS_FORM_NONE] = "none",
		[TLS_FORM_LOCAL_EXEC] = "local-exec",
		[TLS_FORM_INITIAL_EXEC] = "initial-exec",
		[TLS_FORM_DESCRIPTOR] = "descriptor",
		[TLS_FORM_DYNAMIC] = "general-dynamic",
	};

	return names[form];
}
