/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call frame information of one ELF section: which code it describes, and what
 * it says of the registers that an unwinder needs: CFA, return address and frame
 * pointer. libdw cuts the section into entries; the instructions are run here.
 *
 * Why not dwarf_cfi_addrframe(): it runs a function's instructions from the
 * start for every row asked for, with as many registers as they name. Files are
 * hostile: 60 bytes of instructions, seven rows, cost it 5.2 s and 1 GB, and
 * 4,000 rows in one function 16 ms, four times as much for twice the rows. On
 * honest files it is not slow (libLLVM-15: 888,000 rows in 246 ms), only several
 * times slower than one pass. The unit tests hold our answers to libdw's.
 */
#ifndef TICKPROF_CFI_H
#define TICKPROF_CFI_H

#include "base/hash.h"
#include "symbol/elf_file.h"
#include "cursor.h"

enum cfi_kind {
	CFI_OTHER,		/* said in a way that is not followed */
	CFI_SAME,		/* the register has the caller's value */
	CFI_UNDEFINED,
	CFI_REGISTER,		/* in register reg */
	CFI_OFFSET,		/* saved at CFA + offset; as a CFA: reg + offset */
	CFI_EXPRESSION,		/* the address that this computes; as a CFA: its value */
};

struct cfi_value {
	enum cfi_kind kind;
	uint32_t reg;		/* of a CFA; of REGISTER */
	int64_t offset;
	struct cursor expression;
};

struct cfi_state {
	struct cfi_value cfa, ra, fp;
};

/* The registers by DWARF's numbers. */
struct cfi_machine {
	uint16_t machine;
	uint8_t sp, fp, ra;
	uint8_t registers;	/* those of addresses come first */
};

struct cfi_cie {
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra;		/* column of the return address */
	uint8_t encoding;	/* of addresses, DW_EH_PE_* */
	bool sized;		/* FDEs have augmentation data with its size */
	bool signal;		/* frames of a signal trampoline */
	struct cfi_state initial;
};

struct cfi {
	const struct cfi_machine *machine;
	const unsigned char *ident;
	Elf_Data data;
	uint64_t vaddr;		/* of the section */
	uint64_t datarel;	/* what DW_EH_PE_datarel counts from; 0: not known */
	bool eh_frame;		/* else .debug_frame */
	struct cfi_cie *cies;
	size_t nr_cies, cap_cies;
	uint32_t *cie_at;	/* their offsets in the section */
	size_t cap_cie_at;
	struct hash cie_index;
	uint64_t seed;
	uint64_t broken;	/* entries that were not understood */
};

struct cfi_fde {
	uint64_t start, end;	/* addresses */
	const struct cfi_cie *cie;
	struct cursor code;
};

/* NULL: not a machine whose tables we make. */
const struct cfi_machine *cfi_machine(uint16_t machine);

/* false: the file has no such section. The file must outlive it. */
bool cfi_init(struct cfi *c, struct elf_file *f, bool eh_frame);
void cfi_deinit(struct cfi *c);

/*
 * The next FDE from *at on; its own place goes to *found. false: no more. CIEs
 * passed on the way are taken in, so the first pass must be from 0 to the end.
 */
bool cfi_next(struct cfi *c, uint32_t *at, uint32_t *found, struct cfi_fde *fde);

/*
 * Each place from which on something else holds, in rising order, the first
 * being fde->start. state NULL: what follows was not understood.
 */
typedef void (*cfi_row_fn)(void *ctx, uint64_t address, const struct cfi_state *state);
void cfi_run(const struct cfi *c, const struct cfi_fde *fde, cfi_row_fn row, void *ctx);
/* A CIE's instructions: what holds at the start of its functions. */
void cfi_run_initial(const struct cfi *c, struct cfi_cie *cie, struct cursor code);

/* An address in one of DWARF's encodings; at: its own address. */
uint64_t cfi_pointer(const struct cfi *c, struct cursor *cursor, uint8_t encoding);

#endif
