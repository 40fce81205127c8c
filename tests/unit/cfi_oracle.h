/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table held to libdw's reading of the same file. Both are asked for the CFA,
 * the return address and the caller's frame pointer in a made-up machine, whose
 * registers and memory have a different value each, so that equal answers mean
 * equal rules, however they are written.
 */
#ifndef TICKPROF_TEST_CFI_ORACLE_H
#define TICKPROF_TEST_CFI_ORACLE_H

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "base/hash.h"
#include "unwind_table/rule.h"
#include "unwind_table/unwind_table.h"
#include "test.h"

struct oracle {
	struct elf_file *f;
	Dwarf_CFI *cfi;		/* of .eh_frame, ours to end */
	Dwarf *dwarf;		/* NULL, or what has .debug_frame */
	Dwarf_CFI *debug;
	const struct cfi_machine *m;
	const struct tickprof_table *table;
	uint64_t asked, gaps, unknown, wrong;
	uint64_t complaints;
};

static inline uint64_t oracle_register(uint64_t reg, uint64_t pc, const struct cfi_machine *m)
{
	/* The program counter is a column of its own on x86_64 only. */
	if (m->machine == EM_X86_64 && reg == m->ra)
		return pc;
	return hash_u64(1, reg) & ~0xfull;
}

static inline uint64_t oracle_memory(uint64_t address)
{
	return hash_u64(2, address);
}

static inline bool oracle_compute(const struct oracle *o, const Dwarf_Op *ops, size_t nr,
				  uint64_t pc, uint64_t cfa, uint64_t *out)
{
	uint64_t s[16];
	size_t at = 0, i;

	for (i = 0; i < nr && at < 14; i++) {
		uint8_t op = ops[i].atom;

		if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
			s[at++] = oracle_register(op - DW_OP_breg0, pc, o->m) + ops[i].number;
		else if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
			s[at++] = op - DW_OP_lit0;
		else if (op == DW_OP_bregx)
			s[at++] = oracle_register(ops[i].number, pc, o->m) + ops[i].number2;
		else if (op == DW_OP_call_frame_cfa)
			s[at++] = cfa;
		else if (op == DW_OP_const1u || op == DW_OP_const2u || op == DW_OP_const1s)
			s[at++] = ops[i].number;
		else if (op == DW_OP_deref && at)
			s[at - 1] = oracle_memory(s[at - 1]);
		else if (op == DW_OP_plus_uconst && at)
			s[at - 1] += ops[i].number;
		else if (at < 2)
			return false;
		else if (op == DW_OP_plus)
			s[at - 2] += s[at - 1], at--;
		else if (op == DW_OP_and)
			s[at - 2] &= s[at - 1], at--;
		else if (op == DW_OP_ge)
			s[at - 2] = (int64_t)s[at - 2] >= (int64_t)s[at - 1], at--;
		else if (op == DW_OP_shl)
			s[at - 2] <<= s[at - 1], at--;
		else
			return false;
	}
	*out = at ? s[at - 1] : 0;
	return at && i == nr;
}

/* The caller's value of a register; false: undefined, or past what is computed here. */
static inline bool oracle_caller(const struct oracle *o, Dwarf_Frame *frame, int reg, uint64_t pc,
				 uint64_t cfa, uint64_t *out, bool *undefined)
{
	Dwarf_Op memory[3], *ops;
	size_t nr;

	*undefined = false;
	if (dwarf_frame_register(frame, reg, memory, &ops, &nr))
		return false;
	if (!nr) {
		*undefined = ops == memory;
		*out = oracle_register(reg, pc, o->m);
		return !*undefined;
	}
	if (nr == 1 && ops[0].atom == DW_OP_regx) {
		*out = oracle_register(ops[0].number, pc, o->m);
		return true;
	}
	if (ops[nr - 1].atom == DW_OP_stack_value)
		return oracle_compute(o, ops, nr - 1, pc, cfa, out);
	if (!oracle_compute(o, ops, nr, pc, cfa, out))
		return false;
	*out = oracle_memory(*out);
	return true;
}

struct oracle_answer {
	uint64_t cfa, ra, fp;
};

static inline struct oracle_answer oracle_follow(const struct oracle *o,
						 const struct tickprof_rule *r, uint64_t pc)
{
	uint64_t sp = oracle_register(o->m->sp, pc, o->m), fp = oracle_register(o->m->fp, pc, o->m);
	int64_t offset = (int16_t)r->offset * 8;
	struct oracle_answer a = { 0 };
	int64_t ra = -8;

	switch (r->cfa) {
	case TICKPROF_CFA_SP:
		a.cfa = sp + r->offset * 8;
		ra = r->ra * 8;
		break;
	case TICKPROF_CFA_FP:
		a.cfa = fp + offset;
		ra = r->ra * 8;
		break;
	case TICKPROF_CFA_SP_DEREF:
		a.cfa = oracle_memory(sp + offset) + r->ra * 8;
		break;
	case TICKPROF_CFA_FP_DEREF:
		a.cfa = oracle_memory(fp + offset) + r->ra * 8;
		break;
	case TICKPROF_CFA_REGISTER:
		a.cfa = oracle_register(r->ra, pc, o->m) + offset;
		break;
	case TICKPROF_CFA_PLT:
		a.cfa = sp + 8 + ((pc & 15) >= r->offset) * 8;
		break;
	}
	a.ra = r->saved & TICKPROF_RA_REGISTER ? oracle_register(r->ra, pc, o->m)
					    : oracle_memory(a.cfa + ra);
	a.fp = fp;
	if ((r->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_CFA)
		a.fp = oracle_memory(a.cfa + r->fp * 8);
	else if ((r->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_FP)
		a.fp = oracle_memory(fp + r->fp * 8);
	return a;
}

/* NULL: equal, else what differs. */
static inline const char *oracle_compare(const struct oracle *o, Dwarf_Frame *frame, bool signal,
					 const struct tickprof_rule *r, uint64_t pc)
{
	struct oracle_answer want = { 0 }, got = oracle_follow(o, r, pc);
	bool undefined, fp_known, ra_known;
	Dwarf_Op *ops;
	size_t nr;

	if (signal || r->cfa == TICKPROF_CFA_SIGNAL)
		return signal && r->cfa == TICKPROF_CFA_SIGNAL ? NULL : "signal";
	if (dwarf_frame_cfa(frame, &ops, &nr) || !oracle_compute(o, ops, nr, pc, 0, &want.cfa))
		return "an expression that the test does not know";
	ra_known = oracle_caller(o, frame, o->m->ra, pc, want.cfa, &want.ra, &undefined);
	if (undefined || r->cfa == TICKPROF_CFA_ROOT)
		return undefined && r->cfa == TICKPROF_CFA_ROOT ? NULL : "root";
	if (r->cfa == TICKPROF_CFA_NONE)
		return "none";
	if (want.cfa != got.cfa)
		return "CFA";
	if (!ra_known || want.ra != got.ra)
		return "return address";
	fp_known = oracle_caller(o, frame, o->m->fp, pc, want.cfa, &want.fp, &undefined);
	if (!undefined && (!fp_known || want.fp != got.fp))
		return "frame pointer";
	return NULL;
}

static inline bool oracle_address(const struct oracle *o, uint64_t offset, uint64_t *pc)
{
	const struct elf_segment *s = elf_file_segment(o->f, offset);

	if (!s || !s->exec || offset < s->offset || offset - s->offset >= s->filesz)
		return false;
	*pc = s->vaddr + (offset - s->offset);
	return true;
}

static inline void oracle_ask(struct oracle *o, uint64_t offset)
{
	const struct tickprof_rule *rule = unwind_table_find(o->table, offset);
	Dwarf_Frame *frame = NULL;
	struct rule_text text;
	Dwarf_Addr start, end;
	const char *what;
	bool signal;
	uint64_t pc;

	if (!rule || !oracle_address(o, offset, &pc))
		return;
	o->asked++;
	if ((!o->cfi || dwarf_cfi_addrframe(o->cfi, pc, &frame)) &&
	    (!o->debug || dwarf_cfi_addrframe(o->debug, pc, &frame))) {
		o->gaps++;
		return;
	}
	dwarf_frame_info(frame, &start, &end, &signal);
	if (rule->cfa == TICKPROF_CFA_UNKNOWN)
		o->unknown++;
	else if ((what = oracle_compare(o, frame, signal, rule, pc))) {
		rule_print(o->m, rule, &text);
		if (o->complaints++ < 5)
			print_message("# %#lx: wrong %s in %s, %s, %s\n", (unsigned long)pc, what,
				      text.cfa, text.ra, text.fp);
		o->wrong++;
	}
	free(frame);
}

static inline void oracle_row(void *ctx, uint64_t start, uint64_t end,
			      const struct tickprof_rule *rule)
{
	oracle_ask(ctx, start - 1);
	oracle_ask(ctx, start);
	oracle_ask(ctx, start + 1);
	oracle_ask(ctx, start + (uint64_t)rand() % (end - start));
}

/* Asks at every border of a row, beside it and somewhere within. */
static inline struct oracle oracle_run(struct elf_file *f, const struct tickprof_table *table)
{
	struct oracle o = { .f = f, .m = cfi_machine(f->machine), .table = table };

	o.cfi = dwarf_getcfi_elf(f->elf);
	o.dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
	if (o.dwarf)
		o.debug = dwarf_getcfi(o.dwarf);
	srand(1);
	unwind_table_each(table, oracle_row, &o);
	if (o.cfi)
		dwarf_cfi_end(o.cfi);
	dwarf_end(o.dwarf);
	return o;
}

#endif
