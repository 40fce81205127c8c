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

struct body {
	struct body *next;
	size_t size;
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
};

static bool keep(void *arg, const void *data, size_t size)
{
	struct span_intake *s = arg;
	struct body *body = NULL;

	pthread_mutex_lock(&s->lock);
	if (size <= WAITING_MAX - s->waiting) {
		body = xmalloc(sizeof(*body) + size);
		body->next = NULL;
		body->size = size;
		memcpy(body->data, data, size);
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
	for (body = all; body && !ret; body = body->next)
		ret = capture_write_chunk(w, CAPTURE_SPANS, body->data, body->size);
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
