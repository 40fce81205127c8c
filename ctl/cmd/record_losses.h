/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_RECORD_LOSSES_H
#define TICKPROF_RECORD_LOSSES_H

#include <stdint.h>

#include "control/nl.h"

/* Why nothing was sampled, as an error. c: by enum tickprof_counter. */
void record_explain_empty(const struct control_session *s);
/* A warning for each thing that was lost. */
void record_warn_losses(const struct control_session *s);

/* Unless -q. truncated: stacks, as the profile tells once it knows the functions. */
void record_closing_line(const struct control_session *s, uint64_t bytes, uint64_t truncated,
			 const char *path);

#endif
