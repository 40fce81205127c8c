// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call frame instructions, run once over a function: see cfi.h. Only three
 * columns are kept: CFA, return address, frame pointer. Time is linear in the
 * bytes of the instructions; memory: STATES_MAX states of 150 bytes on the stack.
 */
#include <dwarf.h>

#include "base/util.h"
#include "cfi.h"

#define STATES_MAX	16	/* remembered at once; compilers nest no deeper than 2 */

/* Newer than the dwarf.h of the oldest libdw that we build with. */
#define CFA_NEGATE_RA_STATE_PC	0x2c
#define CFA_NEGATE_RA_STATE	0x2d

struct run {
	const struct cfi *cfi;
	const struct cfi_cie *cie;
	struct cursor code;
	struct cfi_state state, initial, states[STATES_MAX];
	unsigned int nr_states;
	uint64_t address, end;
	bool done;
	cfi_row_fn row;
	void *ctx;
};

static struct cfi_value *column(struct run *r, struct cfi_state *s, uint64_t reg)
{
	if (reg == r->cie->ra)
		return &s->ra;
	if (reg == r->cfi->machine->fp)
		return &s->fp;
	return NULL;
}

static void set(struct run *r, uint64_t reg, struct cfi_value value)
{
	struct cfi_value *v = column(r, &r->state, reg);

	if (v)
		*v = value;
}

static void restore(struct run *r, uint64_t reg)
{
	struct cfi_value *from = column(r, &r->initial, reg);

	if (from)
		set(r, reg, *from);
}

static int64_t factored(struct run *r, uint64_t value)
{
	return value * (uint64_t)r->cie->data_align;
}

static void saved_at(struct run *r, uint64_t reg, int64_t offset)
{
	set(r, reg, (struct cfi_value){ .kind = CFI_OFFSET, .offset = offset });
}

static void advance(struct run *r, uint64_t delta)
{
	uint64_t left = r->end - r->address;

	if (!delta || !r->cie->code_align)
		return;
	r->row(r->ctx, r->address, &r->state);
	if (delta > left / r->cie->code_align || delta * r->cie->code_align >= left)
		r->done = true;
	else
		r->address += delta * r->cie->code_align;
}

static void set_address(struct run *r)
{
	uint64_t to = cfi_pointer(r->cfi, &r->code, r->cie->encoding);

	if (r->code.bad || to < r->address) {
		r->code.bad = true;
		return;
	}
	if (to == r->address)
		return;
	r->row(r->ctx, r->address, &r->state);
	r->done = to >= r->end;
	r->address = to;
}

static bool run_cfa(struct run *r, uint8_t op)
{
	struct cfi_value *cfa = &r->state.cfa;
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(&r->code);
		*cfa = (struct cfi_value){ .kind = CFI_OFFSET, .reg = reg };
		cfa->offset = op == DW_CFA_def_cfa ? (int64_t)cursor_uleb(&r->code)
						   : factored(r, cursor_sleb(&r->code));
		r->code.bad |= reg > UINT32_MAX;
		return true;
	case DW_CFA_def_cfa_register:
		reg = cursor_uleb(&r->code);
		cfa->reg = reg;
		r->code.bad |= cfa->kind != CFI_OFFSET || reg > UINT32_MAX;
		return true;
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
		cfa->offset = op == DW_CFA_def_cfa_offset ? (int64_t)cursor_uleb(&r->code)
						: factored(r, cursor_sleb(&r->code));
		r->code.bad |= cfa->kind != CFI_OFFSET;
		return true;
	case DW_CFA_def_cfa_expression:
		*cfa = (struct cfi_value){ .kind = CFI_EXPRESSION,
					   .expression = cursor_block(&r->code) };
		return true;
	default:
		return false;
	}
}

static bool run_column(struct run *r, uint8_t op)
{
	uint64_t reg, in;

	switch (op) {
	case DW_CFA_offset_extended:
		reg = cursor_uleb(&r->code);
		saved_at(r, reg, factored(r, cursor_uleb(&r->code)));
		return true;
	case DW_CFA_offset_extended_sf:
		reg = cursor_uleb(&r->code);
		saved_at(r, reg, factored(r, cursor_sleb(&r->code)));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		reg = cursor_uleb(&r->code);
		saved_at(r, reg, -(uint64_t)factored(r, cursor_uleb(&r->code)));
		return true;
	case DW_CFA_restore_extended:
		restore(r, cursor_uleb(&r->code));
		return true;
	case DW_CFA_undefined:
		set(r, cursor_uleb(&r->code), (struct cfi_value){ .kind = CFI_UNDEFINED });
		return true;
	case DW_CFA_same_value:
		set(r, cursor_uleb(&r->code), (struct cfi_value){ .kind = CFI_SAME });
		return true;
	case DW_CFA_register:
		reg = cursor_uleb(&r->code);
		in = cursor_uleb(&r->code);
		r->code.bad |= in > UINT32_MAX;
		set(r, reg, (struct cfi_value){ .kind = CFI_REGISTER, .reg = in });
		return true;
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		set(r, cursor_uleb(&r->code), (struct cfi_value){ .kind = CFI_OTHER });
		cursor_uleb(&r->code);
		return true;
	case DW_CFA_expression:
		reg = cursor_uleb(&r->code);
		set(r, reg, (struct cfi_value){ .kind = CFI_EXPRESSION,
						.expression = cursor_block(&r->code) });
		return true;
	case DW_CFA_val_expression:
		set(r, cursor_uleb(&r->code), (struct cfi_value){ .kind = CFI_OTHER });
		cursor_block(&r->code);
		return true;
	default:
		return false;
	}
}

static void run_other(struct run *r, uint8_t op)
{
	switch (op) {
	case DW_CFA_nop:
	case CFA_NEGATE_RA_STATE:	/* signed addresses: the walk strips them all */
		break;
	case CFA_NEGATE_RA_STATE_PC:
		cursor_sleb(&r->code);
		break;
	case DW_CFA_GNU_args_size:
		cursor_uleb(&r->code);
		break;
	case DW_CFA_set_loc:
		set_address(r);
		break;
	case DW_CFA_advance_loc1:
		advance(r, cursor_fixed(&r->code, 1));
		break;
	case DW_CFA_advance_loc2:
		advance(r, cursor_fixed(&r->code, 2));
		break;
	case DW_CFA_advance_loc4:
		advance(r, cursor_fixed(&r->code, 4));
		break;
	case DW_CFA_MIPS_advance_loc8:
		advance(r, cursor_fixed(&r->code, 8));
		break;
	case DW_CFA_remember_state:
		if (r->nr_states < STATES_MAX)
			r->states[r->nr_states++] = r->state;
		else
			r->code.bad = true;
		break;
	case DW_CFA_restore_state:
		if (r->nr_states)
			r->state = r->states[--r->nr_states];
		else
			r->code.bad = true;
		break;
	default:
		r->code.bad = true;
	}
}

static void run(struct run *r)
{
	uint8_t op, low;

	while (r->code.p < r->code.end && !r->code.bad && !r->done) {
		op = cursor_fixed(&r->code, 1);
		low = op & 0x3f;
		if ((op & 0xc0) == DW_CFA_advance_loc)
			advance(r, low);
		else if ((op & 0xc0) == DW_CFA_offset)
			saved_at(r, low, factored(r, cursor_uleb(&r->code)));
		else if ((op & 0xc0) == DW_CFA_restore)
			restore(r, low);
		else if (!run_cfa(r, op) && !run_column(r, op))
			run_other(r, op);
	}
}

void cfi_run(const struct cfi *c, const struct cfi_fde *fde, cfi_row_fn row, void *ctx)
{
	struct run r;

	r.cfi = c;
	r.cie = fde->cie;
	r.code = fde->code;
	r.state = r.initial = fde->cie->initial;
	r.nr_states = 0;
	r.address = fde->start;
	r.end = fde->end;
	r.done = false;
	r.row = row;
	r.ctx = ctx;
	run(&r);
	if (!r.done)
		row(ctx, r.address, r.code.bad ? NULL : &r.state);
}

static void no_row(void *ctx, uint64_t address, const struct cfi_state *state)
{
}

/* Unless the CIE says otherwise: what the calling conventions say. */
void cfi_run_initial(const struct cfi *c, struct cfi_cie *cie, struct cursor code)
{
	const struct cfi_value at_call = { .kind = CFI_OFFSET, .offset = -8 };
	const struct cfi_value same = { .kind = CFI_SAME };
	struct run r = { .cfi = c, .cie = cie, .code = code, .row = no_row };

	r.state.fp = same;
	if (cie->ra == c->machine->ra)
		r.state.ra = c->machine->machine == EM_X86_64 ? at_call : same;
	r.initial = r.state;
	run(&r);
	if (r.code.bad)
		r.state.cfa = (struct cfi_value){ .kind = CFI_OTHER };
	cie->initial = r.state;
}
