/* SPDX-License-Identifier: GPL-2.0-only */
/* What readers say of a capture in which slow traces alone were kept. Else nothing happens. */
#ifndef TICKPROF_VIEW_KEEP_H
#define TICKPROF_VIEW_KEEP_H

#include <json_types.h>

#include "view.h"

/* Lines that begin with '#', on standard output. */
void view_keep_print(const struct profile *p);
/* "keep", with its counts. */
void view_keep_json(const struct profile *p, struct json_object *o);
/*
 * By number in the model whether a trace was kept; on the heap. NULL: all were. Of others there
 * may be a record or two beside them.
 */
bool *view_keep_traces(const struct view *v, const struct span_model *m);

#endif
