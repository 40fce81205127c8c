/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_RECORD_LOSSES_H
#define TICKPROF_RECORD_LOSSES_H

#include <stdint.h>

#include "control/nl.h"

/* Why nothing was sampled, as an error. c: by enum tickprof_counter. */
void record_explain_empty(const uint64_t *c);
/* A warning for each thing that was lost. */
void record_warn_losses(const struct control_session *s);

#endif
