/* SPDX-License-Identifier: GPL-2.0-only */
/* tickprof spans --listen: spans from programs and collectors, until told to end. */
#ifndef TICKPROF_SPANS_LISTEN_H
#define TICKPROF_SPANS_LISTEN_H

#include "span/span.h"

/*
 * Takes spans at the address for so many ns (0: until SIGINT, SIGTERM or SIGHUP). An
 * exit status; what came is in the model.
 */
int spans_listen(struct span_model *m, const char *address, uint64_t duration);

#endif
