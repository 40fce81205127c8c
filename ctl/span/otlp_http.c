// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server: see otlp_http.h. libmicrohttpd speaks HTTP: GNU's, in every Debian,
 * made to live in somebody else's loop, with limits for connections, heads and time.
 *
 * A body is collected, then read. One that is refused is read to its end and thrown
 * away, for a client that is cut off while it sends may never see why; 256 MiB are
 * enough, though.
 */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "listen.h"
#include "otlp_http.h"
#include "otlp_request.h"

enum { DRAIN_MAX = 256 << 20, HEAD_MAX = 32 << 10 };

struct otlp_http {
	struct MHD_Daemon *daemon;
	struct listen_socket socket;
	struct span_model *m;		/* NULL: a keeper */
	struct otlp_keeper keeper;
	struct otlp_http_counts counts;
	size_t held;			/* bytes of all bodies at hand */
};

struct request {
	enum otlp_encoding encoding;
	bool gzipped, answered;
	unsigned int refused;		/* status; 0: not yet */
	const char *reason;
	uint8_t *body;
	size_t size, cap;
	uint64_t received;
};

static void drop_body(struct otlp_http *h, struct request *r)
{
	h->held -= r->cap;
	free(r->body);
	r->body = NULL;
	r->size = r->cap = 0;
}

static void refuse(struct otlp_http *h, struct request *r, unsigned int status,
		   const char *reason)
{
	drop_body(h, r);
	r->refused = status;
	r->reason = reason;
}

static void count(struct otlp_http *h, unsigned int status)
{
	switch (status) {
	case 200:
		h->counts.taken++;
		break;
	case 400:
		h->counts.bad++;
		break;
	case 413:
		h->counts.too_large++;
		break;
	case 503:
		h->counts.busy++;
		break;
	default:
		h->counts.unknown++;
		break;
	}
}

static enum MHD_Result send_answer(struct otlp_http *h, struct MHD_Connection *c,
				   struct request *r, struct otlp_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response = MHD_create_response_from_buffer(answer->size, answer->body,
						   MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(answer->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
	if (answer->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	ret = MHD_queue_response(c, answer->status, response);
	MHD_destroy_response(response);
	count(h, answer->status);
	r->answered = true;
	return ret;
}

static enum MHD_Result send_refusal(struct otlp_http *h, struct MHD_Connection *c,
				    struct request *r)
{
	struct otlp_answer answer;

	otlp_answer_error(r->encoding, r->refused, r->reason, &answer);
	return send_answer(h, c, r, &answer);
}

static enum MHD_Result take(struct otlp_http *h, struct MHD_Connection *c, struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct span_model *m = h->m ? h->m : span_model_create(OTLP_HTTP_SPANS_MAX);
	const size_t before = m->nr_spans;
	char name[LISTEN_NAME_MAX], from[LISTEN_NAME_MAX + 32];
	struct otlp_answer answer;

	listen_name(info->client_addr, sizeof(struct sockaddr_storage), name);
	snprintf(from, sizeof(from), "the request from %s", name);
	otlp_request_take(m, h->m ? NULL : &h->keeper, from, r->encoding, r->gzipped, r->body,
			  r->size, OTLP_HTTP_BODY_MAX, &answer);
	if (h->m || answer.status == MHD_HTTP_OK)
		h->counts.spans += m->nr_spans - before;
	if (!h->m)
		span_model_destroy(m);
	drop_body(h, r);
	return send_answer(h, c, r, &answer);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void check_head(struct otlp_http *h, struct MHD_Connection *c, struct request *r,
		       const char *url, const char *method)
{
	const char *packed = header(c, MHD_HTTP_HEADER_CONTENT_ENCODING);
	const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

	r->encoding = OTLP_JSON;	/* of an answer to what has none that we know */
	if (strcmp(url, "/v1/traces"))
		return refuse(h, r, 404, "only traces are taken here: POST /v1/traces");
	if (strcmp(method, MHD_HTTP_METHOD_POST))
		return refuse(h, r, 405, "spans are sent with POST");
	if (!otlp_encoding_parse(header(c, MHD_HTTP_HEADER_CONTENT_TYPE), &r->encoding))
		return refuse(h, r, 415, "Content-Type is neither application/x-protobuf nor application/json");
	if (packed && !strcasecmp(packed, "gzip"))
		r->gzipped = true;
	else if (packed && *packed && strcasecmp(packed, "identity"))
		return refuse(h, r, 415, "Content-Encoding is neither gzip nor identity");
	if (length && strtoull(length, NULL, 10) > OTLP_HTTP_BODY_MAX)
		refuse(h, r, 413, "the body is larger than 16 MiB: export in smaller batches");
}

static enum MHD_Result begin(struct otlp_http *h, struct MHD_Connection *c, const char *url,
			     const char *method, void **slot)
{
	struct request *r = xcalloc(1, sizeof(*r));

	*slot = r;
	h->counts.requests++;
	check_head(h, c, r, url, method);
	/* A client that asks before it sends hears it before it sends. */
	if (r->refused && header(c, MHD_HTTP_HEADER_EXPECT))
		return send_refusal(h, c, r);
	return MHD_YES;
}

static void append(struct otlp_http *h, struct request *r, const char *data, size_t size)
{
	const size_t cap = r->cap;

	if (r->refused)
		return;
	if (size > OTLP_HTTP_BODY_MAX - r->size)
		return refuse(h, r, 413, "the body is larger than 16 MiB: export in smaller batches");
	/* GROW() doubles: so much may be held then. */
	if (r->size + size > cap && h->held - cap + 2 * (r->size + size) > OTLP_HTTP_HELD_MAX)
		return refuse(h, r, 503, "too many spans at a time: try again");
	GROW(r->body, r->cap, r->size + size);
	h->held += r->cap - cap;
	memcpy(r->body + r->size, data, size);
	r->size += size;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **slot)
{
	struct otlp_http *h = ctx;
	struct request *r = *slot;

	if (!r)
		return begin(h, c, url, method, slot);
	if (*size) {
		append(h, r, data, *size);
		r->received += *size;
		*size = 0;
		return r->received > DRAIN_MAX ? MHD_NO : MHD_YES;
	}
	return r->refused ? send_refusal(h, c, r) : take(h, c, r);
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **slot,
			 enum MHD_RequestTerminationCode why)
{
	struct otlp_http *h = ctx;
	struct request *r = *slot;

	if (!r)
		return;
	if (!r->answered && r->refused)
		count(h, r->refused);
	else if (!r->answered)
		h->counts.broken_off++;
	drop_body(h, r);
	free(r);
	*slot = NULL;
}

static void on_log(void *ctx, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	verbose("http: %s", text);
}

static int create(const char *address, struct span_model *m, const struct otlp_keeper *keeper,
		  struct otlp_http **out)
{
	struct otlp_http *h = xcalloc(1, sizeof(*h));
	int ret;

	h->m = m;
	if (keeper)
		h->keeper = *keeper;
	ret = listen_open(address, &h->socket);
	if (ret) {
		free(h);
		return ret;
	}
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (h->socket.ipv6 ? MHD_USE_IPv6 : 0), 0,
		NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, h->socket.fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)OTLP_HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)OTLP_HTTP_IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_END);
	if (!h->daemon) {
		err("cannot serve HTTP on %s", h->socket.name);
		free(h);
		return -EIO;
	}
	*out = h;
	return 0;
}

int otlp_http_create(const char *address, struct span_model *m, struct otlp_http **out)
{
	return create(address, m, NULL, out);
}

int otlp_http_create_keeper(const char *address, const struct otlp_keeper *keeper,
			    struct otlp_http **out)
{
	return create(address, NULL, keeper, out);
}

void otlp_http_stop(struct otlp_http *h)
{
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
}

void otlp_http_destroy(struct otlp_http *h)
{
	if (!h)
		return;
	otlp_http_stop(h);
	free(h);
}

const char *otlp_http_address(const struct otlp_http *h)
{
	return h->socket.name;
}

const struct otlp_http_counts *otlp_http_counts(const struct otlp_http *h)
{
	return &h->counts;
}

void otlp_http_refusals(const struct otlp_http_counts *c, char out[OTLP_HTTP_TEXT_MAX])
{
	*out = '\0';
	if (c->requests > c->taken)
		snprintf(out, OTLP_HTTP_TEXT_MAX,
			 "; refused: %" PRIu64 " damaged, %" PRIu64 " not for us, %" PRIu64
			 " too large, %" PRIu64 " when busy, %" PRIu64 " broken off", c->bad,
			 c->unknown, c->too_large, c->busy, c->broken_off);
}

bool otlp_http_is_local(const struct otlp_http *h)
{
	return h->socket.local;
}

int otlp_http_fd(const struct otlp_http *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int otlp_http_timeout(const struct otlp_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

void otlp_http_run(struct otlp_http *h)
{
	MHD_run(h->daemon);
}
