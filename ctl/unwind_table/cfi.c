// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of .eh_frame and .debug_frame: see cfi.h. Memory: a CIE takes 250
 * bytes, of which a linked file has a few and a hostile one at most CIES_MAX.
 * An FDE may only name a CIE that stands before it, as all linkers write it, so
 * that one pass suffices.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#include "base/util.h"
#include "cfi.h"

#define CIES_MAX	(1u << 16)

const struct cfi_machine *cfi_machine(uint16_t machine)
{
	static const struct cfi_machine machines[] = {
		{ EM_X86_64, .sp = 7, .fp = 6, .ra = 16, .registers = 16 },
		{ EM_AARCH64, .sp = 31, .fp = 29, .ra = 30, .registers = 32 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].machine == machine)
			return &machines[i];
	return NULL;
}

static uint64_t find_datarel(struct elf_file *f)
{
	Elf_Data *data;
	GElf_Phdr phdr;
	GElf_Dyn dyn;
	size_t nr, i;
	int n;

	if (elf_getphdrnum(f->elf, &nr))
		return 0;
	for (i = 0; i < nr; i++) {
		if (!gelf_getphdr(f->elf, i, &phdr) || phdr.p_type != PT_DYNAMIC)
			continue;
		data = elf_getdata_rawchunk(f->elf, phdr.p_offset, phdr.p_filesz, ELF_T_DYN);
		for (n = 0; data && gelf_getdyn(data, n, &dyn) && dyn.d_tag != DT_NULL; n++)
			if (dyn.d_tag == DT_PLTGOT)
				return dyn.d_un.d_ptr;
		return 0;
	}
	return 0;
}

/* Files without section headers: the segment named for it points to .eh_frame. */
static bool from_segment(struct cfi *c, struct elf_file *f)
{
	const struct elf_segment *s;
	struct cursor cursor;
	uint64_t vaddr, at;
	GElf_Phdr phdr;
	size_t nr, i;

	if (elf_getphdrnum(f->elf, &nr))
		return false;
	for (i = 0; i < nr; i++)
		if (gelf_getphdr(f->elf, i, &phdr) && phdr.p_type == PT_GNU_EH_FRAME)
			break;
	if (i >= nr || phdr.p_offset > f->image_size || f->image_size - phdr.p_offset < 12)
		return false;
	cursor.p = (uint8_t *)f->image + phdr.p_offset;
	cursor.end = cursor.p + 12;
	cursor.bad = false;
	if (cursor.p[0] != 1 || cursor.p[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4))
		return false;
	cursor.p += 4;
	vaddr = phdr.p_vaddr + 4 + (int32_t)cursor_fixed(&cursor, 4);
	for (s = f->segments; s < f->segments + f->nr_segments; s++) {
		if (vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz)
			continue;
		at = vaddr - s->vaddr + s->offset;
		if (at < s->offset || at >= f->image_size)
			continue;
		c->vaddr = vaddr;
		c->data.d_buf = (uint8_t *)f->image + at;
		c->data.d_size = s->filesz - (vaddr - s->vaddr);
		if (c->data.d_size > f->image_size - at)
			c->data.d_size = f->image_size - at;
		return true;
	}
	return false;
}

bool cfi_init(struct cfi *c, struct elf_file *f, bool eh_frame)
{
	Elf_Data *data = NULL;
	GElf_Shdr shdr;
	Elf_Scn *scn;

	*c = (struct cfi){ .eh_frame = eh_frame, .seed = hash_seed() };
	c->machine = cfi_machine(f->machine);
	c->ident = (const unsigned char *)elf_getident(f->elf, NULL);
	if (!c->machine || !c->ident)
		return false;
	c->datarel = find_datarel(f);
	scn = elf_file_section(f, eh_frame ? ".eh_frame" : ".debug_frame", &shdr);
	if (scn)
		data = elf_file_data(f, scn);
	if (data && data->d_buf) {
		c->data = *data;
		c->vaddr = shdr.sh_addr;
	} else if (scn || !eh_frame || !from_segment(c, f)) {
		return false;
	}
	return c->data.d_size && c->data.d_size < UINT32_MAX;
}

void cfi_deinit(struct cfi *c)
{
	hash_deinit(&c->cie_index);
	free(c->cies);
	free(c->cie_at);
}

static uint64_t address_of(const struct cfi *c, const uint8_t *p)
{
	return c->vaddr + (p - (const uint8_t *)c->data.d_buf);
}

uint64_t cfi_pointer(const struct cfi *c, struct cursor *cursor, uint8_t encoding)
{
	uint64_t base = 0, value = 0;

	switch (encoding & 0xf0) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		base = address_of(c, cursor->p);
		break;
	case DW_EH_PE_datarel:
		base = c->datarel;
		cursor->bad |= !base;
		break;
	default:		/* indirect, aligned, text and function relative */
		cursor->bad = true;
	}
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = cursor_fixed(cursor, 8);
		break;
	case DW_EH_PE_udata4:
		value = cursor_fixed(cursor, 4);
		break;
	case DW_EH_PE_sdata4:
		value = (int64_t)(int32_t)cursor_fixed(cursor, 4);
		break;
	case DW_EH_PE_udata2:
		value = cursor_fixed(cursor, 2);
		break;
	case DW_EH_PE_sdata2:
		value = (int64_t)(int16_t)cursor_fixed(cursor, 2);
		break;
	case DW_EH_PE_uleb128:
		value = cursor_uleb(cursor);
		break;
	case DW_EH_PE_sleb128:
		value = cursor_sleb(cursor);
		break;
	default:
		cursor->bad = true;
	}
	return base + value;
}

static unsigned int pointer_size(uint8_t encoding)
{
	switch (encoding & 0x07) {
	case DW_EH_PE_udata2:
		return 2;
	case DW_EH_PE_udata4:
		return 4;
	default:
		return 8;
	}
}

/* "zRPLSB" in any order; what else there may be cannot be passed over. */
static bool read_augmentation(struct cfi_cie *cie, const Dwarf_CIE *raw)
{
	const char *a = raw->augmentation;
	struct cursor data = { raw->augmentation_data,
			       raw->augmentation_data + raw->augmentation_data_size };
	uint8_t encoding;

	cie->encoding = DW_EH_PE_absptr;
	if (!*a)
		return true;
	if (*a++ != 'z' || !data.p)
		return false;
	cie->sized = true;
	for (; *a; a++) {
		switch (*a) {
		case 'R':
			cie->encoding = cursor_fixed(&data, 1);
			break;
		case 'L':
			cursor_fixed(&data, 1);
			break;
		case 'P':
			encoding = cursor_fixed(&data, 1);
			if ((encoding & 0x07) == DW_EH_PE_uleb128)
				cursor_uleb(&data);
			else
				cursor_fixed(&data, pointer_size(encoding));
			break;
		case 'S':
			cie->signal = true;
			break;
		case 'B':	/* arm64: return addresses are signed with the B key */
		case 'G':	/* arm64: memory tagging */
			break;
		default:
			return false;
		}
	}
	return !data.bad;
}

static uint64_t cie_hash(const struct cfi *c, uint64_t at)
{
	return hash_u64(hash_u64(c->seed, at), c->seed);
}

static bool add_cie(struct cfi *c, uint32_t at, const Dwarf_CIE *raw)
{
	struct cfi_cie cie = {
		.code_align = raw->code_alignment_factor,
		.data_align = raw->data_alignment_factor,
		.ra = raw->return_address_register,
	};
	struct cursor code = { raw->initial_instructions, raw->initial_instructions_end };
	struct hash_slot *slot;

	if (c->nr_cies == CIES_MAX || !read_augmentation(&cie, raw) || code.p > code.end)
		return false;
	slot = hash_find(&c->cie_index, cie_hash(c, at), id, c->cie_at[id - 1] == at);
	if (slot->id)
		return true;
	cfi_run_initial(c, &cie, code);
	GROW(c->cies, c->cap_cies, c->nr_cies + 1);
	GROW(c->cie_at, c->cap_cie_at, c->nr_cies + 1);
	c->cies[c->nr_cies] = cie;
	c->cie_at[c->nr_cies] = at;
	slot->id = ++c->nr_cies;
	return true;
}

static const struct cfi_cie *find_cie(struct cfi *c, uint64_t at)
{
	const struct hash_slot *s = c->cie_index.slots;
	uint32_t hash = cie_hash(c, at), i;

	for (i = hash & c->cie_index.mask; s && s[i].id; i = (i + 1) & c->cie_index.mask)
		if (s[i].hash == hash && c->cie_at[s[i].id - 1] == at)
			return &c->cies[s[i].id - 1];
	return NULL;
}

static bool read_fde(struct cfi *c, const Dwarf_FDE *raw, struct cfi_fde *fde)
{
	struct cursor cursor = { raw->start, raw->end };

	fde->cie = find_cie(c, raw->CIE_pointer);
	if (!fde->cie)
		return false;
	fde->start = cfi_pointer(c, &cursor, fde->cie->encoding);
	fde->end = fde->start + cfi_pointer(c, &cursor, fde->cie->encoding & 0x0f);
	if (fde->cie->sized)
		cursor_block(&cursor);
	fde->code = cursor;
	return !cursor.bad && fde->end > fde->start;
}

/* A terminator in mid-section is passed over: linkers leave some between objects. */
static bool at_terminator(const struct cfi *c, uint32_t at)
{
	static const uint8_t zeros[4];

	return c->eh_frame && c->data.d_size - at >= 4 &&
	       !memcmp((uint8_t *)c->data.d_buf + at, zeros, 4);
}

bool cfi_next(struct cfi *c, uint32_t *at, uint32_t *found, struct cfi_fde *fde)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;
	int ret;

	while (*at < c->data.d_size) {
		if (at_terminator(c, *at)) {
			*at += 4;
			continue;
		}
		*found = *at;
		next = 0;
		ret = dwarf_next_cfi(c->ident, &c->data, c->eh_frame, *at, &next, &entry);
		c->broken += ret < 0;
		if (ret > 0 || next <= *at || next > c->data.d_size)
			break;
		*at = next;
		if (ret < 0)
			continue;
		if (dwarf_cfi_cie_p(&entry))
			c->broken += !add_cie(c, *found, &entry.cie);
		else if (read_fde(c, &entry.fde, fde))
			return true;
		else
			c->broken++;
	}
	*at = c->data.d_size;
	return false;
}
