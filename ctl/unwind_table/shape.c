// SPDX-License-Identifier: GPL-2.0-only
/* Stubs by their bytes: see shape.h. */
#include <string.h>

#include "base/util.h"
#include "shape.h"

#define ENTRY		16
#define ARM64_HEADER	32

struct stub {
	uint8_t size, bytes[9];
};

static const struct stub x86_sigreturn[] = {
	{ 9, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },	/* mov $15,%rax; syscall */
	{ 7, { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 } },		/* mov $15,%eax; syscall */
};

static const struct stub arm64_sigreturn[] = {
	{ 8, { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 } },	/* mov x8,#139; svc #0 */
};

size_t shape_sigreturn(uint16_t machine, const uint8_t *code, size_t size, size_t *found)
{
	const struct stub *stubs = x86_sigreturn;
	size_t nr = ARRAY_SIZE(x86_sigreturn), best = size, i;
	const uint8_t *at;

	if (machine == EM_AARCH64) {
		stubs = arm64_sigreturn;
		nr = ARRAY_SIZE(arm64_sigreturn);
	}
	for (i = 0; i < nr; i++) {
		at = memmem(code, size, stubs[i].bytes, stubs[i].size);
		if (!at || (size_t)(at - code) >= best)
			continue;
		best = at - code;
		*found = stubs[i].size;
	}
	return best;
}

/* A pattern is bytes in hexadecimal, ".." for any, blanks between. */
static size_t matches(const uint8_t *code, size_t size, const char *pattern)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *pattern; pattern += pattern[2] ? 3 : 2, n++) {
		if (n == size)
			return 0;
		if (*pattern != '.' && code[n] != (strchr(digits, pattern[0]) - digits) * 16 +
						  (strchr(digits, pattern[1]) - digits))
			return 0;
	}
	return n;
}

size_t shape_after_clone(uint16_t machine, const uint8_t *code, size_t size)
{
	/* syscall; test %rax, %rax; jl; je; ret */
	return machine == EM_X86_64 ? matches(code, size, "0f 05 48 85 c0 7c .. 74 01 c3") : 0;
}

/* The size of a no-operation of several bytes: 0f 1f with prefixes and an operand. */
static size_t long_nop(const uint8_t *code, size_t size)
{
	size_t n = 0;

	while (n < size && (code[n] == 0x66 || code[n] == 0x2e))
		n++;
	if (n && n < size && code[n] == 0x90)
		return n + 1;
	if (size - n < 3 || code[n] != 0x0f || code[n + 1] != 0x1f)
		return 0;
	switch (code[n + 2]) {
	case 0x00:
		return n + 3;
	case 0x40:
		return n + 4;
	case 0x44:
		return n + 5;
	case 0x80:
		return n + 7;
	case 0x84:
		return n + 8;
	default:
		return 0;
	}
}

bool shape_padding(uint16_t machine, const uint8_t *code, size_t size)
{
	static const uint8_t arm64_nop[] = { 0x1f, 0x20, 0x03, 0xd5 };
	size_t at = 0, n;

	while (at < size) {
		n = code[at] == 0x90 || code[at] == 0xcc || code[at] == 0;
		if (machine == EM_AARCH64) {
			n = code[at] == 0;
			if (size - at >= 4 && !memcmp(code + at, arm64_nop, 4))
				n = 4;
		} else if (!n) {
			n = long_nop(code + at, size - at);
		}
		if (!n)
			return false;
		at += n;
	}
	return true;
}

struct plt {
	const uint8_t *code;
	size_t size;
	uint64_t offset;	/* in the file */
	shape_fn fn;
	void *ctx;
};

static void add(const struct plt *p, size_t from, size_t to, unsigned int cfa,
		unsigned int offset)
{
	const struct tickprof_rule rule = {
		.cfa = cfa,
		.offset = offset,
		.ra = cfa == TICKPROF_CFA_SP ? -1 : 0,
	};

	if (from < to && to <= p->size)
		p->fn(p->ctx, p->offset + from, to - from, &rule);
}

/* What the first entry looks like, if all look so; step: bytes an entry. */
static const char *entries_like(const struct plt *p, size_t from, size_t step,
				const char *const *patterns, size_t nr)
{
	size_t i, at;

	for (i = 0; i < nr; i++) {
		for (at = from; at + step <= p->size; at += step)
			if (!matches(p->code + at, step, patterns[i]))
				break;
		if (at == p->size && at > from)
			return patterns[i];
	}
	return NULL;
}

/*
 * An entry that is not bound yet pushes its number on the way to the header,
 * which pushes another word; without a push only the return address lies there.
 */
static void plt_x86(const struct plt *p)
{
	static const char *const pushing[] = {
		"ff 25 .. .. .. .. 68 .. .. .. .. e9 .. .. .. ..",	/* jmp, push, jmp */
		"f3 0f 1e fa 68 .. .. .. .. e9 .. .. .. .. 66 90",	/* endbr64, push, jmp */
		"f3 0f 1e fa 68 .. .. .. .. f2 e9 .. .. .. .. 90",	/* with bnd */
	};
	static const char *const plain[] = {
		"f3 0f 1e fa ff 25 .. .. .. .. 66 0f 1f 44 00 00",	/* endbr64, jmp */
		"f3 0f 1e fa f2 ff 25 .. .. .. .. 0f 1f 44 00 00",	/* with bnd */
		"f3 0f 1e fa ff 25 .. .. .. .. cc cc cc cc cc cc",	/* mold's .plt.got */
		"f3 0f 1e fa 41 bb .. .. .. .. ff 25 .. .. .. ..",	/* mold: number in r11 */
	};
	static const char *const small[] = { "ff 25 .. .. .. .. 66 90", "f2 ff 25 .. .. .. .. 90" };
	static const char header[] = "ff 35 .. .. .. .. ff 25 .. .. .. ..";
	static const char header_bnd[] = "ff 35 .. .. .. .. f2 ff 25 .. .. .. ..";
	static const char header_mold[] = "f3 0f 1e fa 41 53 ff 35 .. .. .. .. ff 25 .. .. .. ..";
	const char *like;
	size_t from = 0;

	if (matches(p->code, p->size, header) || matches(p->code, p->size, header_bnd))
		from = ENTRY;
	else if (matches(p->code, p->size, header_mold))
		from = 2 * ENTRY;
	like = entries_like(p, from, ENTRY, pushing, ARRAY_SIZE(pushing));
	if (like)
		add(p, from, p->size, TICKPROF_CFA_PLT, like == pushing[0] ? 11 : 9);
	else if (entries_like(p, from, ENTRY, plain, ARRAY_SIZE(plain)) ||
		 entries_like(p, from, ENTRY / 2, small, ARRAY_SIZE(small)))
		add(p, from, p->size, TICKPROF_CFA_SP, 1);
	else
		return;
	if (from == ENTRY) {
		add(p, 0, 6, TICKPROF_CFA_SP, 2);
		add(p, 6, from, TICKPROF_CFA_SP, 3);
	} else if (from) {
		add(p, 0, 6, TICKPROF_CFA_SP, 1);
		add(p, 6, 12, TICKPROF_CFA_SP, 2);
		add(p, 12, from, TICKPROF_CFA_SP, 3);
	}
}

static bool is_plt_word(uint32_t word)
{
	return (word & 0x9f00001f) == 0x90000010 ||	/* adrp x16, … */
	       (word & 0xffc003ff) == 0xf9400211 ||	/* ldr x17, [x16, …] */
	       (word & 0xffc003ff) == 0x91000210 ||	/* add x16, x16, … */
	       word == 0xd61f0220 ||			/* br x17 */
	       word == 0xd503201f || word == 0xd503245f || word == 0xd503219f;
}						/* nop, bti c, autia1716 */

static void plt_arm64(const struct plt *p)
{
	const struct tickprof_rule leaf = { .cfa = TICKPROF_CFA_SP, .saved = TICKPROF_RA_REGISTER, .ra = 30 };
	size_t at, pushed = 0;
	uint32_t word;

	for (at = 0; at + 4 <= p->size; at += 4) {
		memcpy(&word, p->code + at, 4);
		if (word == 0xa9bf7bf0 && at <= 4)	/* stp x16, x30, [sp, #-16]! */
			pushed = at + 4;
		else if (!is_plt_word(word))
			return;
	}
	if (!pushed || p->size < ARM64_HEADER) {
		p->fn(p->ctx, p->offset, p->size, &leaf);
		return;
	}
	p->fn(p->ctx, p->offset, pushed, &leaf);
	add(p, pushed, ARM64_HEADER, TICKPROF_CFA_SP, 2);
	if (p->size > ARM64_HEADER)
		p->fn(p->ctx, p->offset + ARM64_HEADER, p->size - ARM64_HEADER, &leaf);
}

void shape_plt(struct elf_file *f, shape_fn fn, void *ctx)
{
	static const char *const sections[] = { ".plt", ".plt.sec", ".plt.got", ".iplt" };
	GElf_Shdr shdr;
	Elf_Data *data;
	Elf_Scn *scn;
	struct plt p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		scn = elf_file_section(f, sections[i], &shdr);
		if (!scn || shdr.sh_type != SHT_PROGBITS || !(shdr.sh_flags & SHF_EXECINSTR))
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || !data->d_size)
			continue;
		p = (struct plt){ data->d_buf, data->d_size, shdr.sh_offset, fn, ctx };
		if (f->machine == EM_AARCH64)
			plt_arm64(&p);
		else
			plt_x86(&p);
	}
}
