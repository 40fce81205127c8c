// SPDX-License-Identifier: GPL-2.0-only
/* Where programs and threads begin, without CFI that says so: see shape.h. */
#include <string.h>

#include "base/util.h"
#include "shape.h"

static bool contains(const uint8_t *code, size_t size, const void *bytes, size_t nr)
{
	return memmem(code, size < 16 ? size : 16, bytes, nr);
}

bool shape_entry(uint16_t machine, const uint8_t *code, size_t size)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t stack_rdi[] = { 0x48, 0x89, 0xe7 };	/* mov %rsp, %rdi */
	static const uint8_t stack_x0[] = { 0xe0, 0x03, 0x00, 0x91 };	/* mov x0, sp */
	static const uint8_t no_x29[] = { 0x1d, 0x00, 0x80, 0xd2 };	/* mov x29, #0 */

	if (machine == EM_AARCH64)
		return contains(code, size, stack_x0, 4) || contains(code, size, no_x29, 4);
	if (size >= 4 && !memcmp(code, endbr, 4)) {
		code += 4;
		size -= 4;
	}
	if (size >= 2 && code[0] == 0x31 && code[1] == 0xed)		/* xor %ebp, %ebp */
		return true;
	return contains(code, size, stack_rdi, 3);
}

static bool is_root(const char *name, bool *musl)
{
	static const char *const names[] = { "_start", "_start_c", "__libc_start_main", "start",
					     "start_c11", "__clone", "_dlstart", "_dlstart_c" };
	size_t i;

	if (!strcmp(name, "libc_start_main_stage2"))
		return *musl = true;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool file_offset(const struct elf_file *f, uint64_t vaddr, uint64_t *out)
{
	const struct elf_segment *s;

	for (s = f->segments; s < f->segments + f->nr_segments; s++) {
		if (!s->exec || vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz)
			continue;
		*out = vaddr - s->vaddr + s->offset;
		return true;
	}
	return false;
}

/* fn NULL: only look. Is it musl's? */
static bool each_root(struct elf_file *f, Elf_Scn *scn, const GElf_Shdr *shdr, shape_fn fn,
		      void *ctx)
{
	const struct tickprof_rule root = { .cfa = TICKPROF_CFA_ROOT };
	Elf_Data *data = elf_file_data(f, scn);
	bool musl = false;
	uint64_t offset;
	const char *name;
	GElf_Sym sym;
	size_t i;

	for (i = 0; data && elf_file_symbol(f, data, i, &sym); i++) {
		if (sym.st_shndx == SHN_UNDEF || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    !sym.st_size)
			continue;
		name = elf_strptr(f->elf, shdr->sh_link, sym.st_name);
		if (name && is_root(name, &musl) && fn && file_offset(f, sym.st_value, &offset))
			fn(ctx, offset, sym.st_size, &root);
	}
	return musl;
}

void shape_musl_roots(struct elf_file *f, shape_fn fn, void *ctx)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_file_section(f, ".symtab", &shdr);

	if (scn && each_root(f, scn, &shdr, NULL, NULL))
		each_root(f, scn, &shdr, fn, ctx);
}
