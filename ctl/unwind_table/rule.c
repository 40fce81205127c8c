// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules: see rule.h. Expressions are not run but recognised, in the few forms
 * that compilers, linkers and hand-written assembly give them: a CFA saved in
 * the frame of a realigned stack, and the PLT's.
 */
#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rule.h"

/* Fields of struct tickprof_rule count in this many bytes. */
#define UNIT 8

static const struct tickprof_rule unknown = { .cfa = TICKPROF_CFA_UNKNOWN };

/* "*(reg + offset) + add" or, without deref, "reg + offset + add". */
struct address {
	uint64_t reg;
	int64_t offset, add;
	bool deref;
};

static bool scaled(int64_t bytes, int64_t min, int64_t max, int64_t *out)
{
	*out = bytes / UNIT;
	return !(bytes % UNIT) && *out >= min && *out <= max;
}

static bool read_breg(struct cursor *c, uint64_t *reg, int64_t *offset)
{
	uint8_t op = cursor_fixed(c, 1);

	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		*reg = op - DW_OP_breg0;
	else if (op == DW_OP_bregx)
		*reg = cursor_uleb(c);
	else
		return false;
	*offset = cursor_sleb(c);
	return !c->bad;
}

static bool read_address(struct cursor c, struct address *a)
{
	*a = (struct address){ 0 };
	if (!read_breg(&c, &a->reg, &a->offset))
		return false;
	if (c.p < c.end && *c.p == DW_OP_deref) {
		a->deref = true;
		c.p++;
	}
	if (c.p < c.end && *c.p == DW_OP_plus_uconst) {
		c.p++;
		a->add = cursor_uleb(&c);
	}
	return c.p == c.end && !c.bad;
}

static bool take(struct cursor *c, uint8_t op)
{
	return cursor_fixed(c, 1) == op && !c->bad;
}

/* SP + 8 + ((PC & 15) >= threshold) * 8 */
static bool read_plt(const struct cfi_machine *m, struct cursor c, uint16_t *threshold)
{
	uint64_t reg;
	int64_t offset;
	uint8_t op;

	if (m->machine != EM_X86_64 || !read_breg(&c, &reg, &offset) || reg != m->sp ||
	    offset != 8)
		return false;
	if (!read_breg(&c, &reg, &offset) || reg != m->ra || offset)
		return false;
	if (!take(&c, DW_OP_lit15) || !take(&c, DW_OP_and))
		return false;
	op = cursor_fixed(&c, 1);
	if (op < DW_OP_lit0 || op > DW_OP_lit15)
		return false;
	*threshold = op - DW_OP_lit0;
	return take(&c, DW_OP_ge) && take(&c, DW_OP_lit3) && take(&c, DW_OP_shl) &&
	       take(&c, DW_OP_plus) && c.p == c.end;
}

static bool base_register(const struct cfi_machine *m, uint64_t reg, int64_t bytes,
			  struct tickprof_rule *rule)
{
	int64_t offset;

	if (reg == m->sp) {
		rule->cfa = TICKPROF_CFA_SP;
		if (!scaled(bytes, 0, UINT16_MAX, &offset))
			return false;
	} else {
		rule->cfa = reg == m->fp ? TICKPROF_CFA_FP : TICKPROF_CFA_REGISTER;
		if (!scaled(bytes, INT16_MIN, INT16_MAX, &offset) || reg >= m->registers)
			return false;
		if (reg != m->fp)
			rule->ra = reg;
	}
	rule->offset = offset;
	return true;
}

static bool set_cfa(const struct cfi_machine *m, const struct cfi_value *cfa,
		    struct tickprof_rule *rule)
{
	struct address a;
	int64_t offset, add;

	if (cfa->kind == CFI_OFFSET)
		return base_register(m, cfa->reg, cfa->offset, rule);
	if (cfa->kind != CFI_EXPRESSION)
		return false;
	if (read_plt(m, cfa->expression, &rule->offset)) {
		rule->cfa = TICKPROF_CFA_PLT;
		return true;
	}
	if (!read_address(cfa->expression, &a))
		return false;
	if (!a.deref)
		return base_register(m, a.reg, (uint64_t)a.offset + a.add, rule);
	if ((a.reg != m->sp && a.reg != m->fp) ||
	    !scaled(a.offset, INT16_MIN, INT16_MAX, &offset) ||
	    !scaled(a.add, INT16_MIN, INT16_MAX, &add))
		return false;
	rule->cfa = a.reg == m->sp ? TICKPROF_CFA_SP_DEREF : TICKPROF_CFA_FP_DEREF;
	rule->offset = offset;
	rule->ra = add;
	return true;
}

/* Where a register was saved, counted from the CFA if that can be said. */
static bool from_cfa(const struct cfi_state *state, const struct cfi_value *v, int64_t *bytes)
{
	struct address a;

	*bytes = v->offset;
	if (v->kind == CFI_OFFSET)
		return true;
	if (v->kind != CFI_EXPRESSION || !read_address(v->expression, &a) || a.deref ||
	    state->cfa.kind != CFI_OFFSET || state->cfa.reg != a.reg)
		return false;
	*bytes = (uint64_t)a.offset + a.add - state->cfa.offset;
	return true;
}

static bool set_fp(const struct cfi_machine *m, const struct cfi_state *state,
		   struct tickprof_rule *rule)
{
	struct address a;
	int64_t bytes, offset;

	/* Undefined: lost to the callers, who then do not need it. */
	if (state->fp.kind == CFI_SAME || state->fp.kind == CFI_UNDEFINED)
		return true;
	if (rule->cfa == TICKPROF_CFA_PLT)
		return false;
	if (from_cfa(state, &state->fp, &bytes)) {
		rule->saved |= TICKPROF_FP_AT_CFA;
	} else if (state->fp.kind == CFI_EXPRESSION &&
		   read_address(state->fp.expression, &a) && !a.deref && a.reg == m->fp) {
		bytes = (uint64_t)a.offset + a.add;
		rule->saved |= TICKPROF_FP_AT_FP;
	} else {
		return false;
	}
	if (!scaled(bytes, INT16_MIN, INT16_MAX, &offset))
		return false;
	rule->fp = offset;
	return true;
}

static bool set_ra(const struct cfi_machine *m, const struct cfi_state *state,
		   struct tickprof_rule *rule)
{
	bool any = rule->cfa == TICKPROF_CFA_SP || rule->cfa == TICKPROF_CFA_FP;
	int64_t bytes, offset;

	if (state->ra.kind == CFI_SAME || state->ra.kind == CFI_REGISTER) {
		uint32_t reg = state->ra.kind == CFI_SAME ? m->ra : state->ra.reg;

		rule->saved |= TICKPROF_RA_REGISTER;
		rule->ra = reg;
		return any && reg < m->registers;
	}
	if (!from_cfa(state, &state->ra, &bytes) ||
	    !scaled(bytes, INT16_MIN, INT16_MAX, &offset))
		return false;
	if (!any)
		return offset == -1;
	rule->ra = offset;
	return true;
}

struct tickprof_rule rule_make(const struct cfi_machine *m, const struct cfi_state *state)
{
	struct tickprof_rule rule = { 0 };

	if (!state)
		return unknown;
	if (state->ra.kind == CFI_UNDEFINED) {
		rule.cfa = TICKPROF_CFA_ROOT;
		return rule;
	}
	if (!set_cfa(m, &state->cfa, &rule) || !set_ra(m, state, &rule) ||
	    !set_fp(m, state, &rule))
		return unknown;
	return rule;
}

const char *rule_kind_name(unsigned int cfa)
{
	static const char *const names[__TICKPROF_CFA_MAX] = {
		[TICKPROF_CFA_NONE] = "none",
		[TICKPROF_CFA_SP] = "sp",
		[TICKPROF_CFA_FP] = "fp",
		[TICKPROF_CFA_SP_DEREF] = "sp-deref",
		[TICKPROF_CFA_FP_DEREF] = "fp-deref",
		[TICKPROF_CFA_REGISTER] = "register",
		[TICKPROF_CFA_PLT] = "plt",
		[TICKPROF_CFA_SIGNAL] = "signal",
		[TICKPROF_CFA_ROOT] = "root",
		[TICKPROF_CFA_UNKNOWN] = "unknown",
	};

	return cfa < __TICKPROF_CFA_MAX ? names[cfa] : "invalid";
}

static void print_register(const struct cfi_machine *m, int number, char *out, size_t size)
{
	static const char *const x86[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp" };

	if (m->machine == EM_X86_64 && number >= 0 && number < (int)ARRAY_SIZE(x86))
		snprintf(out, size, "%s", x86[number]);
	else
		snprintf(out, size, "%c%d", m->machine == EM_X86_64 ? 'r' : 'x', number);
}

static void print_cfa(const struct cfi_machine *m, const struct tickprof_rule *r,
		      struct rule_text *out)
{
	bool is_x86 = m->machine == EM_X86_64;
	const char *sp = is_x86 ? "rsp" : "sp", *fp = is_x86 ? "rbp" : "x29";
	int offset = (int16_t)r->offset * UNIT, add = r->ra * UNIT;
	size_t size = sizeof(out->cfa), used;

	switch (r->cfa) {
	case TICKPROF_CFA_SP:
		snprintf(out->cfa, size, "%s+%u", sp, r->offset * UNIT);
		break;
	case TICKPROF_CFA_FP:
		snprintf(out->cfa, size, "%s%+d", fp, offset);
		break;
	case TICKPROF_CFA_SP_DEREF:
	case TICKPROF_CFA_FP_DEREF:
		snprintf(out->cfa, size, "*(%s%+d)%+d", r->cfa == TICKPROF_CFA_SP_DEREF ? sp : fp,
			 offset, add);
		break;
	case TICKPROF_CFA_REGISTER:
		print_register(m, r->ra, out->cfa, size);
		used = strlen(out->cfa);
		snprintf(out->cfa + used, size - used, "%+d", offset);
		break;
	case TICKPROF_CFA_PLT:
		snprintf(out->cfa, size, "%s+8 plt%u", sp, r->offset);
		break;
	default:
		snprintf(out->cfa, size, "%s", rule_kind_name(r->cfa));
	}
}

void rule_print(const struct cfi_machine *m, const struct tickprof_rule *r,
		struct rule_text *out)
{
	bool walks = r->cfa >= TICKPROF_CFA_SP && r->cfa <= TICKPROF_CFA_PLT;
	bool by_ra = r->cfa == TICKPROF_CFA_SP || r->cfa == TICKPROF_CFA_FP;

	print_cfa(m, r, out);
	snprintf(out->ra, sizeof(out->ra), "-");
	snprintf(out->fp, sizeof(out->fp), "-");
	if (!walks)
		return;
	if (by_ra && r->saved & TICKPROF_RA_REGISTER)
		print_register(m, r->ra, out->ra, sizeof(out->ra));
	else
		snprintf(out->ra, sizeof(out->ra), "c%+d", by_ra ? r->ra * UNIT : -UNIT);
	if ((r->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_CFA)
		snprintf(out->fp, sizeof(out->fp), "c%+d", r->fp * UNIT);
	else if ((r->saved & TICKPROF_SAVED_FP) == TICKPROF_FP_AT_FP)
		snprintf(out->fp, sizeof(out->fp), "*(%s%+d)", m->machine == EM_X86_64 ? "rbp" : "x29",
			 r->fp * UNIT);
	else
		snprintf(out->fp, sizeof(out->fp), "u");
}
