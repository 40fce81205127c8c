/* SPDX-License-Identifier: GPL-2.0-only */
/* From what CFI says of one place to a rule of the table, and rules as text. */
#ifndef TICKPROF_RULE_H
#define TICKPROF_RULE_H

#include <linux/tickprof_table.h>

#include "cfi.h"

/* state NULL, and what no rule can say: TICKPROF_CFA_UNKNOWN. */
struct tickprof_rule rule_make(const struct cfi_machine *m, const struct cfi_state *state);

struct rule_text {
	char cfa[32], ra[16], fp[16];
};

/* As readelf's frames-interp: "rsp+16", "c-8", "u" for a register left alone. */
void rule_print(const struct cfi_machine *m, const struct tickprof_rule *rule,
		struct rule_text *out);
const char *rule_kind_name(unsigned int cfa);

#endif
