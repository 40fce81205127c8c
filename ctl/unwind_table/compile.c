// SPDX-License-Identifier: GPL-2.0-only
/* From spans of code to a table: see unwind_table.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "rows.h"
#include "rule.h"
#include "shape.h"
#include "spans.h"
#include "unwind_table.h"

static const struct tickprof_rule none = { .cfa = TICKPROF_CFA_NONE };
static const struct tickprof_rule signal_frame = { .cfa = TICKPROF_CFA_SIGNAL };

struct compile {
	struct spans spans;
	struct rows rows;
	uint64_t start;		/* file offset of unit 0 */
	unsigned int shift;
	uint64_t from, until;	/* the part of the present span that holds */
	uint64_t bias;		/* its address less its file offset */
};

static void row(struct compile *c, uint64_t offset, const struct tickprof_rule *rule)
{
	rows_add(&c->rows, (offset - c->start) >> c->shift, rule);
}

static void cfi_row(void *ctx, uint64_t address, const struct cfi_state *state)
{
	struct compile *c = ctx;
	uint64_t offset = address - c->bias;
	struct tickprof_rule rule;

	if (offset >= c->until)
		return;
	rule = rule_make(c->spans.eh.machine, state);
	row(c, offset < c->from ? c->from : offset, &rule);
}

static void compile_span(struct compile *c, const struct span *span)
{
	struct cfi *cfi = spans_cfi(&c->spans, span);
	uint32_t at = span->at, found;
	struct cfi_fde fde;

	if (!cfi) {
		row(c, c->from, span->source == SPAN_SIGRETURN ? &signal_frame
							       : &c->spans.shapes[span->at]);
		return;
	}
	if (!cfi_next(cfi, &at, &found, &fde))
		return;
	c->bias = fde.start - span->start;
	if (fde.cie->signal)
		row(c, c->from, &signal_frame);
	else
		cfi_run(cfi, &fde, cfi_row, c);
}

/* Padding takes part in what stands before it, which saves every tenth row. */
static bool is_padding(const struct compile *c, uint64_t from, uint64_t to)
{
	const struct elf_file *f = c->spans.f;

	return to <= f->image_size &&
	       shape_padding(f->machine, (uint8_t *)f->image + from, to - from);
}

/* The first span after i that this one has to give way to. */
static uint64_t next_start(const struct spans *s, size_t i)
{
	uint8_t source = s->s[i].source;

	while (++i < s->nr)
		if (s->s[i].source >= source)
			return s->s[i].start;
	return UINT64_MAX;
}

static uint64_t compile_spans(struct compile *c)
{
	uint64_t end = c->start, next;
	const struct span *span;
	size_t i;

	for (i = 0; i < c->spans.nr && !c->rows.full; i++) {
		span = &c->spans.s[i];
		next = next_start(&c->spans, i);
		c->from = span->start > end ? span->start : end;
		c->until = span->start + span->size;
		if (c->until > next)
			c->until = next;
		if (c->from >= c->until)
			continue;
		if (i == 0 || (c->from > end && !is_padding(c, end, c->from)))
			row(c, end, &none);
		compile_span(c, span);
		end = c->until;
	}
	row(c, end, &none);
	return end;
}

static uint64_t cpu_us(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
}

static void set_key(struct tickprof_file_key *out, const struct elf_file *f,
		    const struct tickprof_file_key *key)
{
	if (key)
		*out = *key;
	else
		out->size = f->image_size;
	out->build_id_size = f->build_id_size;
	memcpy(out->build_id, f->build_id, f->build_id_size);
}

static int compile(struct compile *c, struct tickprof_table *head, struct unwind_table *out)
{
	uint64_t unit, end;
	size_t i;

	c->shift = head->machine == EM_AARCH64 ? 2 : 0;
	unit = 1ull << c->shift;
	/* Code that nothing is known of at either end is left out. */
	if (c->spans.nr)
		c->start = c->spans.s[0].start & ~(unit - 1);
	else if (c->spans.nr_code)
		c->start = c->spans.code[0].start & ~(unit - 1);
	for (i = 0; i < c->spans.nr; i++)
		if ((c->spans.s[i].start + c->spans.s[i].size - c->start) >> c->shift >= UINT32_MAX)
			return -EFBIG;
	end = (compile_spans(c) - c->start + unit - 1) >> c->shift;
	head->start = c->start;
	head->shift = c->shift;
	out->table = rows_pack(&c->rows, end ? end : 1, head);
	return out->table ? 0 : -EFBIG;
}

static int compile_with(struct elf_file *f, struct elf_file *debug,
			const struct tickprof_file_key *key, struct unwind_table *out)
{
	struct tickprof_table head = { .machine = f->machine };
	struct compile c = { 0 };
	uint64_t began = cpu_us();
	size_t i;
	int ret;

	*out = (struct unwind_table){ 0 };
	rows_init(&c.rows);
	set_key(&head.file, f, key);
	ret = spans_init(&c.spans, f, debug);
	if (!ret)
		ret = compile(&c, &head, out);
	for (i = 0; i < c.spans.nr_code; i++)
		out->stats.text += c.spans.code[i].end - c.spans.code[i].start;
	out->stats.fdes = c.spans.fdes;
	out->stats.broken = c.spans.eh.broken + c.spans.debug.broken;
	spans_deinit(&c.spans);
	rows_deinit(&c.rows);
	out->stats.compile_us = cpu_us() - began;
	return ret;
}

int unwind_table_compile(struct elf_file *f, const struct tickprof_file_key *key,
			 struct unwind_table *out)
{
	return compile_with(f, NULL, key, out);
}

/* The table that a debug file makes possible, if it is better. */
static bool try_debug(struct elf_file *f, struct elf_file *debug, struct unwind_table *t)
{
	struct unwind_table other;

	if (!debug || compile_with(f, debug, &t->table->file, &other))
		return false;
	if (unwind_table_described(&other) <= unwind_table_described(t)) {
		unwind_table_deinit(&other);
		return false;
	}
	unwind_table_deinit(t);
	*t = other;
	return true;
}

int unwind_table_compile_found(struct elf_file *f, const struct elf_origin *origin,
			       const struct tickprof_file_key *key, struct unwind_table *out)
{
	const struct elf_origin local = { origin->path, origin->pid, .local = true };
	int ret = unwind_table_compile(f, key, out);
	struct elf_debug d = { 0 };
	struct elf_file *mini;

	if (ret || unwind_table_enough(out))
		return ret;
	mini = elf_debug_mini(f);
	if (!try_debug(f, mini, out))
		try_debug(f, elf_debug_file(&d, f, &local), out);
	elf_file_close(mini);
	elf_debug_deinit(&d);
	return 0;
}

int unwind_table_compile_vdso(struct unwind_table *out)
{
	struct elf_file *f;
	int ret;

	*out = (struct unwind_table){ 0 };
	ret = elf_file_open_vdso(&f);
	if (ret)
		return ret;
	ret = unwind_table_compile(f, NULL, out);
	if (!ret) {
		out->table->flags |= TICKPROF_TABLE_VDSO;
		out->table->file = (struct tickprof_file_key){ 0 };
	}
	elf_file_close(f);
	return ret;
}

void unwind_table_deinit(struct unwind_table *t)
{
	free(t->table);
	t->table = NULL;
}
