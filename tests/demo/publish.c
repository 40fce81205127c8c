// SPDX-License-Identifier: GPL-2.0-only
/*
 * <tickprof/context.h> for what cannot include it: a library that a program in another language
 * opens. Spans begin and end in the thread that calls.
 */
#include <stdlib.h>

#include <tickprof/context.h>
#include <tickprof/process.h>

int publish_process(const char *service)
{
	return tickprof_process_publish(service, NULL, 0);
}

/* For publish_end(). NULL: no memory, hence no span, which publish_end() takes as well. */
struct tickprof_span *publish_begin(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags)
{
	struct tickprof_span *span = malloc(sizeof(*span));

	if (span)
		tickprof_span_begin(span, trace_id, span_id, flags);
	return span;
}

void publish_end(struct tickprof_span *span)
{
	if (span)
		tickprof_span_end(span);
	free(span);
}
