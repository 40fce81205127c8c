/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pyroscope.profile.id, by which Grafana goes from a span to its profile: it asks Pyroscope for
 * samples whose label span_id is that attribute's value. Pyroscope's wrappers around
 * OpenTelemetry's SDKs set it on a process's first span of a trace alone, so that the profile of
 * that one holds what is below it, too.
 */
#ifndef TICKPROF_SPAN_PROFILE_H
#define TICKPROF_SPAN_PROFILE_H

#include "span.h"

/*
 * By span number: that of the span whose profile_id counts for it, itself or the nearest one above
 * it in the same process; 0: none. Of a model that is linked; the caller frees it. 4 bytes a span.
 */
uint32_t *span_profile_carriers(const struct span_model *m);

#endif
