/* SPDX-License-Identifier: GPL-2.0-only */
/* A ledger for people and programs: traces with the shares of their time, and one as a tree. */
#ifndef TICKPROF_LEDGER_VIEW_H
#define TICKPROF_LEDGER_VIEW_H

#include <json_types.h>
#include <stdio.h>

#include "ledger/ledger.h"
#include "span/span_filter.h"

void ledger_view_list(const struct ledger *l, const struct span_selection *s, FILE *f);
void ledger_view_tree(const struct ledger *l, uint32_t trace, FILE *f);

/* Into the object: "traces"; "trace" with its "spans", depth first. */
void ledger_json_list(const struct ledger *l, const struct span_selection *s,
		      struct json_object *o);
void ledger_json_tree(const struct ledger *l, uint32_t trace, struct json_object *o);

#endif
