/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One OTLP export request: its body into a model of spans, and the answer that the
 * protocol has for it (opentelemetry.io, OTLP specification, "OTLP/HTTP Response").
 */
#ifndef TICKPROF_SPAN_OTLP_REQUEST_H
#define TICKPROF_SPAN_OTLP_REQUEST_H

#include "span.h"

enum otlp_encoding { OTLP_PROTO, OTLP_JSON };

struct otlp_answer {
	unsigned int status;	/* of HTTP */
	const char *type;	/* Content-Type */
	void *body;		/* on the heap */
	size_t size;
};

/*
 * Somebody who wants requests as they are, unpacked, once they could be read and have
 * spans, which are in m, not linked. false: not now.
 */
struct otlp_keeper {
	bool (*keep)(void *arg, const struct span_model *m, const void *data, size_t size);
	void *arg;
};

/* By a Content-Type, parameters and case apart. false: neither. */
bool otlp_encoding_parse(const char *content_type, enum otlp_encoding *out);

/*
 * from: whose it is, for messages about spans. keeper: may be NULL. 200, also if spans were
 * left out, which it tells; 400: no OTLP or damaged; 413: beyond max bytes when unpacked;
 * 503: the keeper will not have it now. Takes as much memory as that besides.
 */
void otlp_request_take(struct span_model *m, const struct otlp_keeper *keeper, const char *from,
		       enum otlp_encoding encoding, bool gzipped, const void *body, size_t size,
		       size_t max, struct otlp_answer *out);
/* An error in the encoding of the request. */
void otlp_answer_error(enum otlp_encoding encoding, unsigned int status, const char *message,
		       struct otlp_answer *out);

#endif
