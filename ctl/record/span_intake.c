// SPDX-License-Identifier: GPL-2.0-only
/* Spans while recording: see span_intake.h. Under the lock: the requests not yet written. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"
#include "span/otlp_http.h"
#include "span_intake.h"

enum { WAITING_MAX = 64 << 20 };	/* bytes */

struct extent {
	uint8_t trace_id[TRACE_ID_SIZE];
	uint64_t start, end;		/* ns; end 0: no span of it has times */
};

struct body {
	struct body *next;
	struct extent *extents;		/* NULL: nobody wants them */
	size_t nr_extents, size;
	uint8_t data[];
};

struct span_intake {
	struct otlp_http *http;		/* the thread's until it has ended */
	char *address;
	int stop;			/* eventfd */
	bool runs;
	pthread_t thread;
	pthread_mutex_t lock;
	struct body *first, **last;
	size_t waiting;			/* bytes */
	span_intake_trace *tell;	/* NULL: nobody is told */
	void *tell_arg;
};

/* From the first to the last moment of the request's spans, by trace. */
static struct extent *extents_of(const struct span_model *m)
{
	struct extent *all = xcalloc(m->nr_traces, sizeof(*all));
	size_t i;

	for (i = 1; i < m->nr_traces; i++)
		memcpy(all[i].trace_id, m->traces[i].id, TRACE_ID_SIZE);
	for (i = 1; i < m->nr_spans; i++) {
		const struct span *s = &m->spans[i];
		struct extent *e = &all[s->trace];

		if (s->flags & SPAN_BAD_TIME)
			continue;
		if (!e->end || s->start < e->start)
			e->start = s->start;
		if (s->end > e->end)
			e->end = s->end;
	}
	return all;
}

static bool keep(void *arg, const struct span_model *m, const void *data, size_t size)
{
	struct span_intake *s = arg;
	struct body *body = NULL;

	pthread_mutex_lock(&s->lock);
	if (size <= WAITING_MAX - s->waiting) {
		body = xmalloc(sizeof(*body) + size);
		*body = (struct body) { .size = size };
		memcpy(body->data, data, size);
		if (s->tell) {
			body->extents = extents_of(m);
			body->nr_extents = m->nr_traces;
		}
		s->waiting += size;
		*s->last = body;
		s->last = &body->next;
	}
	pthread_mutex_unlock(&s->lock);
	return body;
}

static void *thread(void *arg)
{
	struct span_intake *s = arg;
	struct pollfd fds[] = {
		{ .fd = otlp_http_fd(s->http), .events = POLLIN },
		{ .fd = s->stop, .events = POLLIN },
	};

	while (!fds[1].revents) {
		if (poll(fds, ARRAY_SIZE(fds), otlp_http_timeout(s->http)) < 0 && errno != EINTR)
			break;
		otlp_http_run(s->http);
	}
	return NULL;
}

static int start_thread(struct span_intake *s)
{
	int ret;

	s->stop = eventfd(0, EFD_CLOEXEC);
	ret = s->stop < 0 ? errno : pthread_create(&s->thread, NULL, thread, s);
	s->runs = !ret;
	if (ret)
		err_errno(ret, "cannot take spans");
	return -ret;
}

int span_intake_create(const char *address, struct span_intake **out)
{
	struct span_intake *s = xcalloc(1, sizeof(*s));
	const struct otlp_keeper keeper = { keep, s };
	int ret;

	s->stop = -1;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	ret = otlp_http_create_keeper(address, &keeper, &s->http);
	if (!ret) {
		s->address = xstrdup(otlp_http_address(s->http));
		if (!otlp_http_is_local(s->http))
			warn("%s can be reached from other machines, and nobody is asked who they are",
			     s->address);
		if (verbosity >= 0)
			fprintf(stderr, "tickprof: takes spans at http://%s/v1/traces\n", s->address);
		ret = start_thread(s);
	}
	if (ret) {
		span_intake_destroy(s);
		return ret;
	}
	*out = s;
	return 0;
}

void span_intake_stop(struct span_intake *s)
{
	const uint64_t one = 1;

	if (!s || !s->runs)
		return;
	while (write(s->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(s->thread, NULL);
	s->runs = false;
	otlp_http_stop(s->http);
}

static void free_bodies(struct body *body)
{
	struct body *next;

	for (; body; body = next) {
		next = body->next;
		free(body->extents);
		free(body);
	}
}

void span_intake_destroy(struct span_intake *s)
{
	if (!s)
		return;
	span_intake_stop(s);
	otlp_http_destroy(s->http);
	free_bodies(s->first);
	if (s->stop >= 0)
		close(s->stop);
	free(s->address);
	free(s);
}

void span_intake_tell(struct span_intake *s, span_intake_trace *fn, void *arg)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->tell = fn;
	s->tell_arg = arg;
	pthread_mutex_unlock(&s->lock);
}

static void tell(const struct span_intake *s, const struct body *body)
{
	size_t i;

	for (i = 1; i < body->nr_extents; i++)
		if (body->extents[i].end)
			s->tell(s->tell_arg, body->extents[i].trace_id, body->extents[i].start,
				body->extents[i].end);
}

int span_intake_write(struct span_intake *s, struct capture_writer *w)
{
	struct body *all, *body;
	int ret = 0;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->lock);
	all = s->first;
	s->first = NULL;
	s->last = &s->first;
	s->waiting = 0;
	pthread_mutex_unlock(&s->lock);
	for (body = all; body && !ret; body = body->next) {
		tell(s, body);
		ret = capture_write_chunk(w, CAPTURE_SPANS, body->data, body->size);
	}
	free_bodies(all);
	return ret;
}

void span_intake_report(const struct span_intake *s)
{
	const struct otlp_http_counts *c;
	char refused[OTLP_HTTP_TEXT_MAX];

	if (!s || verbosity < 0)
		return;
	c = otlp_http_counts(s->http);
	otlp_http_refusals(c, refused);
	fprintf(stderr, "[ tickprof record: %" PRIu64 " spans of %" PRIu64 " requests at %s%s ]\n",
		c->spans, c->requests, s->address, refused);
}

const char *span_intake_address(const struct span_intake *s)
{
	return s->address;
}
