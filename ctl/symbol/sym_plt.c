// SPDX-License-Identifier: GPL-2.0-only
/*
 * PLT stubs: each loads its target from a GOT word, whose relocation names the
 * symbol. Reading that word's address out of the stub's code serves lazy, "now"
 * and branch-protected PLTs of all linkers alike. x86_64 and arm64.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "sym_plt.h"

#define PLT_ENTRY	16

struct slot {
	uint64_t got;
	uint32_t symbol;
};

struct slots {
	struct slot *s;
	size_t nr, cap;
};

static int by_got(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->got < y->got ? -1 : x->got > y->got;
}

static bool is_slot(uint16_t machine, uint32_t type)
{
	if (machine == EM_X86_64)
		return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
	return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}

static void read_slots(struct elf_file *f, struct slots *slots)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Rela rela;
	Elf_Data *data;
	int i;

	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA ||
		    !(shdr.sh_flags & SHF_ALLOC))
			continue;
		data = elf_file_data(f, scn);
		for (i = 0; data && gelf_getrela(data, i, &rela); i++) {
			if (!is_slot(f->machine, GELF_R_TYPE(rela.r_info)) ||
			    !GELF_R_SYM(rela.r_info))
				continue;
			GROW(slots->s, slots->cap, slots->nr + 1);
			slots->s[slots->nr++] = (struct slot){
				.got = rela.r_offset,
				.symbol = GELF_R_SYM(rela.r_info),
			};
		}
	}
	if (slots->nr)
		qsort(slots->s, slots->nr, sizeof(*slots->s), by_got);
}

/* jmp *disp(%rip): the GOT word's address. */
static bool decode_x86_64(const uint8_t *code, uint64_t pc, uint64_t *got)
{
	int32_t disp;

	if (code[0] != 0xff || code[1] != 0x25)
		return false;
	memcpy(&disp, code + 2, sizeof(disp));
	*got = pc + 6 + disp;
	return true;
}

/* adrp x16, page; ldr x17, [x16, #offset] */
static bool decode_arm64(const uint8_t *code, uint64_t pc, uint64_t *got)
{
	uint32_t adrp, ldr;
	int64_t page;

	memcpy(&adrp, code, 4);
	memcpy(&ldr, code + 4, 4);
	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return false;
	page = (int64_t)((uint64_t)((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3)) << 43) >> 31;
	*got = (pc & ~0xfffull) + page + (ldr >> 10 & 0xfff) * 8;
	return true;
}

static void scan(const struct elf_file *f, Elf_Data *data, const GElf_Shdr *shdr,
		 const struct slots *slots, sym_plt_fn fn, void *ctx)
{
	bool x86 = f->machine == EM_X86_64;
	size_t entry = shdr->sh_entsize == 8 ? 8 : PLT_ENTRY;
	size_t at, start, step = x86 ? 1 : 4;
	struct slot key, *hit;

	for (at = 0; at + 8 <= data->d_size; at += step) {
		const uint8_t *code = (uint8_t *)data->d_buf + at;
		uint64_t pc = shdr->sh_addr + at;

		if (!(x86 ? decode_x86_64 : decode_arm64)(code, pc, &key.got))
			continue;
		hit = bsearch(&key, slots->s, slots->nr, sizeof(key), by_got);
		if (!hit)
			continue;
		/* An arm64 stub may begin with BTI, and starts at its adrp otherwise. */
		start = x86 ? at - at % entry : at;
		fn(ctx, shdr->sh_addr + start, entry, hit->symbol);
	}
}

void sym_plt_each(struct elf_file *f, sym_plt_fn fn, void *ctx)
{
	static const char *const names[] = { ".plt", ".plt.sec", ".plt.got" };
	struct slots slots = { 0 };
	Elf_Data *data;
	GElf_Shdr shdr;
	Elf_Scn *scn;
	size_t i;

	if (f->machine != EM_X86_64 && f->machine != EM_AARCH64)
		return;
	read_slots(f, &slots);
	for (i = 0; slots.nr && i < ARRAY_SIZE(names); i++) {
		scn = elf_file_section(f, names[i], &shdr);
		data = scn ? elf_file_data(f, scn) : NULL;
		if (data && data->d_buf)
			scan(f, data, &shdr, &slots, fn, ctx);
	}
	free(slots.s);
}
