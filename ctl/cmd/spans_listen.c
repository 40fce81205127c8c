// SPDX-License-Identifier: GPL-2.0-only
/* The loop around the listener: see spans_listen.h. One thread; signals arrive by descriptor. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "cmd.h"
#include "span/otlp_http.h"
#include "spans_listen.h"

static uint64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The sooner of both, in ms; -1: neither. */
static int wait_ms(const struct otlp_http *h, uint64_t until)
{
	const int ms = otlp_http_timeout(h);
	uint64_t left;

	if (!until)
		return ms;
	left = now();
	left = left < until ? (until - left) / 1000000 + 1 : 0;
	left = left < INT32_MAX ? left : INT32_MAX;
	return ms >= 0 && (uint64_t)ms < left ? ms : (int)left;
}

static int serve(struct otlp_http *h, int signals, uint64_t until)
{
	struct pollfd fds[] = {
		{ .fd = otlp_http_fd(h), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (!until || now() < until) {
		if (poll(fds, ARRAY_SIZE(fds), wait_ms(h, until)) < 0 && errno != EINTR) {
			err_errno(errno, "cannot wait for requests");
			return EXIT_ERROR;
		}
		if (fds[1].revents)
			break;
		otlp_http_run(h);
	}
	return EXIT_OK;
}

static void sum_up(const struct otlp_http_counts *c)
{
	char refused[OTLP_HTTP_TEXT_MAX];

	if (verbosity < 0)
		return;
	otlp_http_refusals(c, refused);
	fprintf(stderr, "[ tickprof spans: %" PRIu64 " requests with %" PRIu64 " new spans%s ]\n",
		c->requests, c->spans, refused);
}

int spans_listen(struct span_model *m, const char *address, uint64_t duration)
{
	int signals __close = watch_signals();
	struct otlp_http *h;
	int ret;

	if (signals < 0) {
		err_errno(errno, "cannot watch for signals");
		return EXIT_ERROR;
	}
	ret = otlp_http_create(address, m, &h);
	if (ret)
		return ret == -EINVAL ? EXIT_USAGE : exit_status(ret);
	if (!otlp_http_is_local(h))
		warn("%s can be reached from other machines, and nobody is asked who they are",
		     otlp_http_address(h));
	if (verbosity >= 0)
		fprintf(stderr, "tickprof: takes spans at http://%s/v1/traces%s\n",
			otlp_http_address(h), duration ? "" : "; Ctrl-C ends it");
	ret = serve(h, signals, duration ? now() + duration : 0);
	otlp_http_stop(h);
	sum_up(otlp_http_counts(h));
	otlp_http_destroy(h);
	return ret;
}
