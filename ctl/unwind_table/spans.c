// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathering what is known of a file's code: see spans.h. Text is read only where
 * no CFI describes it, and in functions too short to be anything but a stub.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "shape.h"
#include "spans.h"

#define STUB_MAX	32	/* bytes of a function that may be a sigreturn stub */
#define SIGRETURNS_MAX	64	/* a file has one */

static void add(struct spans *s, uint64_t start, uint64_t end, unsigned int source, uint32_t at)
{
	if (start >= end || end - start > UINT32_MAX)
		return;
	GROW(s->s, s->cap, s->nr + 1);
	s->s[s->nr++] = (struct span){
		.start = start, .size = end - start, .at = at, .source = source,
	};
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int code_by_start(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_code(struct spans *s, uint64_t start, uint64_t size)
{
	const struct elf_segment *seg;
	uint64_t end;

	for (seg = s->f->segments; seg < s->f->segments + s->f->nr_segments; seg++) {
		if (!seg->exec || start < seg->offset || start - seg->offset >= seg->filesz ||
		    start >= s->f->image_size)
			continue;
		end = seg->offset + seg->filesz;
		if (end > s->f->image_size)
			end = s->f->image_size;
		GROW(s->code, s->cap_code, s->nr_code + 1);
		s->code[s->nr_code].start = start;
		s->code[s->nr_code++].end = size < end - start ? start + size : end;
		return;
	}
}

/* The sections with code, for segments often hold read-only data too. */
static void find_code(struct spans *s)
{
	Elf_Scn *scn = NULL;
	uint64_t end = 0;
	GElf_Shdr shdr;
	size_t i, nr;

	while ((scn = elf_nextscn(s->f->elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_flags & SHF_EXECINSTR &&
		    shdr.sh_type != SHT_NOBITS)
			add_code(s, shdr.sh_offset, shdr.sh_size);
	for (i = 0; !s->nr_code && i < s->f->nr_segments; i++)
		add_code(s, s->f->segments[i].offset, s->f->segments[i].filesz);
	if (!s->nr_code)
		return;
	qsort(s->code, s->nr_code, sizeof(*s->code), code_by_start);
	nr = s->nr_code;
	s->nr_code = 0;
	for (i = 0; i < nr; i++) {
		struct code_range c = s->code[i];

		if (c.start < end)
			c.start = end;
		if (c.start >= c.end)
			continue;
		end = c.end;
		s->code[s->nr_code++] = c;
	}
}

/* The segment that an FDE's code begins in; the last one is tried first. */
static const struct elf_segment *segment_of(const struct spans *s, uint64_t vaddr,
					    const struct elf_segment *last)
{
	const struct elf_segment *seg = last ? last : s->f->segments;
	size_t i;

	for (i = 0; i <= s->f->nr_segments; i++, seg = &s->f->segments[i - 1])
		if (seg->exec && vaddr >= seg->vaddr && vaddr - seg->vaddr < seg->filesz)
			return seg;
	return NULL;
}

static void add_cfi(struct spans *s, struct cfi *c, unsigned int source)
{
	const struct elf_segment *seg, *last = NULL;
	uint64_t start, end, limit;
	struct cfi_fde fde;
	uint32_t at = 0, found;

	while (s->f->nr_segments && cfi_next(c, &at, &found, &fde)) {
		s->fdes++;
		seg = segment_of(s, fde.start, last);
		if (!seg)
			continue;
		last = seg;
		start = seg->offset + (fde.start - seg->vaddr);
		limit = seg->offset + seg->filesz;
		end = fde.end - fde.start < limit - start ? start + (fde.end - fde.start) : limit;
		if (end > s->f->image_size)
			end = s->f->image_size;
		/* Functions that the linker dropped are often left behind at address 0. */
		if (start >= sizeof(Elf64_Ehdr))
			add(s, start, end, source, found);
	}
}

static void add_shape(void *ctx, uint64_t offset, uint64_t size,
		      const struct tickprof_rule *rule)
{
	struct spans *s = ctx;
	size_t i;

	for (i = 0; i < s->nr_code; i++)
		if (offset >= s->code[i].start && offset < s->code[i].end &&
		    size <= s->code[i].end - offset)
			break;
	if (i == s->nr_code)
		return;
	GROW(s->shapes, s->cap_shapes, s->nr_shapes + 1);
	s->shapes[s->nr_shapes++] = *rule;
	add(s, offset, offset + size, SPAN_SHAPE, s->nr_shapes - 1);
}

struct search {
	uint64_t unit;
	unsigned int left;
};

/*
 * A handler's return address is the stub itself and is looked up one unit before,
 * in case that it is the end of a call. So the span begins there.
 */
static void search(struct spans *s, struct search *search, uint64_t start, uint64_t end)
{
	const uint8_t *image = s->f->image;
	size_t found = 0, at;

	while (search->left && start < end && end - start >= SHAPE_SIGRETURN_MIN) {
		at = shape_sigreturn(s->f->machine, image + start, end - start, &found);
		if (at == end - start)
			return;
		start += at;
		add(s, start > search->unit ? start - search->unit : start, start + found,
		    SPAN_SIGRETURN, 0);
		start += found;
		search->left--;
	}
}

static void search_gap(struct spans *s, struct search *args, uint64_t start, uint64_t end)
{
	const struct tickprof_rule ret = { .cfa = TICKPROF_CFA_SP, .offset = 1, .ra = -1 };
	size_t size;

	if (start >= end)
		return;
	size = shape_after_clone(s->f->machine, (uint8_t *)s->f->image + start, end - start);
	if (size)
		add_shape(s, start, size, &ret);
	search(s, args, start + size, end);
}

/* In functions too short to be more than a stub, and between functions. */
static void find_stubs(struct spans *s)
{
	struct search args = { s->f->machine == EM_AARCH64 ? 4 : 1, SIGRETURNS_MAX };
	size_t nr = s->nr, i, at = 0;
	uint64_t end;

	for (i = 0; i < nr; i++)
		if (s->s[i].size <= STUB_MAX)
			search(s, &args, s->s[i].start, s->s[i].start + s->s[i].size);
	for (i = 0; i < s->nr_code; i++) {
		end = s->code[i].start;
		for (; at < nr && s->s[at].start < s->code[i].end; at++) {
			if (s->s[at].start > end)
				search_gap(s, &args, end, s->s[at].start);
			if (s->s[at].start + s->s[at].size > end)
				end = s->s[at].start + s->s[at].size;
		}
		search_gap(s, &args, end, s->code[i].end);
	}
}

/* Not where CFI tells of the entry point, as glibc's own start code has it. */
static void find_roots(struct spans *s)
{
	const struct tickprof_rule root = { .cfa = TICKPROF_CFA_ROOT };
	const struct elf_segment *seg;
	uint64_t offset, end = UINT64_MAX;
	GElf_Ehdr ehdr;
	size_t i;

	if (!s->nr_code || !gelf_getehdr(s->f->elf, &ehdr))
		return;
	seg = segment_of(s, ehdr.e_entry, NULL);
	if (!seg)
		return;
	offset = ehdr.e_entry - seg->vaddr + seg->offset;
	for (i = 0; i < s->nr; i++)
		if (offset >= s->s[i].start && offset - s->s[i].start < s->s[i].size)
			return;
	for (i = 0; i < s->nr_code; i++)
		if (offset >= s->code[i].start && offset < s->code[i].end)
			end = s->code[i].end;
	if (end == UINT64_MAX ||
	    !shape_entry(s->f->machine, (uint8_t *)s->f->image + offset, end - offset))
		return;
	add_shape(s, offset, end - offset < SHAPE_ENTRY_SIZE ? end - offset : SHAPE_ENTRY_SIZE,
		  &root);
	shape_musl_roots(s->f, add_shape, s);
}

int spans_init(struct spans *s, struct elf_file *f, struct elf_file *debug)
{
	size_t nr;

	*s = (struct spans){ .f = f };
	if (!cfi_machine(f->machine) || gelf_getclass(f->elf) != ELFCLASS64)
		return -ENOTSUP;
	find_code(s);
	s->has_eh = cfi_init(&s->eh, f, true);
	s->has_debug = cfi_init(&s->debug, f, false);
	if (!s->has_debug && debug && debug->machine == f->machine &&
	    gelf_getclass(debug->elf) == ELFCLASS64)
		s->has_debug = cfi_init(&s->debug, debug, false);
	if (s->has_eh)
		add_cfi(s, &s->eh, SPAN_EH_FRAME);
	if (s->has_debug)
		add_cfi(s, &s->debug, SPAN_DEBUG_FRAME);
	shape_plt(f, add_shape, s);
	find_roots(s);
	if (s->nr)
		qsort(s->s, s->nr, sizeof(*s->s), by_start);
	nr = s->nr;
	find_stubs(s);
	if (s->nr > nr)
		qsort(s->s, s->nr, sizeof(*s->s), by_start);
	return 0;
}

void spans_deinit(struct spans *s)
{
	cfi_deinit(&s->eh);
	cfi_deinit(&s->debug);
	free(s->code);
	free(s->s);
	free(s->shapes);
}

struct cfi *spans_cfi(struct spans *s, const struct span *span)
{
	switch (span->source) {
	case SPAN_EH_FRAME:
		return &s->eh;
	case SPAN_DEBUG_FRAME:
		return &s->debug;
	default:
		return NULL;
	}
}
