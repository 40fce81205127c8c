// SPDX-License-Identifier: GPL-2.0-only
/* Recording: see recording.h. One thread; signals arrive by descriptor. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "recording.h"
#include "recording_keep.h"
#include "recording_meta.h"

/*
 * How long records may lie in the rings: a file that is deleted sooner than this
 * after it was mapped cannot be opened any more.
 */
enum { DRAIN_MS = 50 };

/* New mappings wake us at once, but a storm of them not more often than this. */
enum { DRAIN_LEAST_MS = 2 };

/*
 * At first: who ran before is named by its first record, and until that was read its
 * contexts are not.
 */
enum { FIRST_DRAIN_MS = 5, FIRST_MS = 1000 };

/* How long START waits for the unwind tables of what will surely be mapped. */
enum { TABLES_MS = 2000 };

#define SECOND_NS	1000000000ULL
#define GRACE_NS	(2 * SECOND_NS)	/* for an interrupted command to end */

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The writer itself is silent; its errors stick, so one message is enough. */
static int written(struct recording *r, int ret)
{
	if (ret && !r->write_failed)
		err_errno(-ret, "cannot write what is recorded");
	r->write_failed |= ret != 0;
	return ret;
}

static int sink_span(void *arg, const struct reader_span *span)
{
	struct recording *r = arg;

	if (span->types & WATCH_TYPES)
		watch_records(r->watch, span->data, span->size, false);
	if (r->keep)
		return keep_take(r->keep, span);
	return written(r, capture_write_ring(r->capture, span->cpu, span->position, span->data,
					     span->size));
}

static int drain(struct recording *r)
{
	int64_t ret;

	if (r->keep)
		keep_round(r->keep, now_ns());
	ret = reader_drain(r->session.reader, sink_span, r);
	if (ret >= 0)
		ret = written(r, recording_keep_settle(r));
	return ret < 0 ? ret : 0;
}

static int drain_and_settle(struct recording *r)
{
	int ret = drain(r);

	if (!ret)
		ret = watch_settle(r->watch);
	if (!ret)
		ret = written(r, contexts_write(r->contexts, r->capture));
	if (!ret)
		ret = written(r, marks_write(r->marks, r->capture));
	return ret ? ret : written(r, span_intake_write(r->spans, r->capture));
}

/* Records that /proc gave; the rings must not fill up meanwhile. */
static int sink_snapshot(void *arg, const void *records, size_t size)
{
	struct recording *r = arg;
	int ret;

	watch_records(r->watch, records, size, true);
	ret = written(r, capture_write_events(r->capture, records, size));
	return ret ? ret : drain(r);
}

static int sink_cgroup(void *arg, uint64_t id, const char *path)
{
	struct recording *r = arg;
	char key[40];

	snprintf(key, sizeof(key), CAPTURE_META_CGROUP "%" PRIu64, id);
	return capture_write_meta(r->capture, key, path);
}

/* One descriptor is kept for every file that is mapped anywhere. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int hold_command(struct recording *r)
{
	sigset_t handled, before;
	int ret = 0;

	sigemptyset(&handled);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGHUP);
	sigaddset(&handled, SIGCHLD);
	sigprocmask(SIG_BLOCK, &handled, &before);
	if (r->options->command)
		ret = launch_create(&r->launch, r->options->command, &before);
	if (ret)
		return ret;
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	r->signals = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals >= 0)
		return 0;
	err_errno(errno, "cannot watch for signals");
	return -errno;
}

static int add_targets(struct recording *r)
{
	struct targets own = { 0 };
	size_t i;
	int ret;

	ret = session_add_targets(&r->session, &r->options->targets);
	/* What the held child does before its exec is ours; with --delay it is past that. */
	if (r->options->command_only && r->options->delay_ms)
		targets_add_tree(&own, "/proc", r->launch.pid);
	else if (r->options->command_only)
		targets_add(&own, TICKPROF_TARGET_EXEC, r->launch.pid);
	for (i = 0; i < own.nr && !ret; i++) {
		ret = control_target_add(r->session.nl, r->session.fd, &own.list[i]);
		if (ret == -ESRCH && i)
			ret = 0;	/* a child that has just ended */
	}
	targets_deinit(&own);
	return ret;
}

static int take_snapshot(struct recording *r)
{
	const struct targets *t = &r->options->targets;
	size_t i;
	int ret = 0;

	if (r->options->command_only && !r->options->delay_ms)
		return snapshot_process(r->snapshot, r->launch.pid, 0);
	if (!targets_have(t, TICKPROF_TARGET_PID) && !targets_have(t, TICKPROF_TARGET_TID))
		return snapshot_all(r->snapshot);
	for (i = 0; i < t->nr && ret >= 0; i++)
		if (t->list[i].kind == TICKPROF_TARGET_PID || t->list[i].kind == TICKPROF_TARGET_TID)
			ret = snapshot_process(r->snapshot, t->list[i].id, 0);
	return ret;
}

static bool command_runs(struct recording *r)
{
	return r->launch.released && !launch_reap(&r->launch, false);
}

/*
 * The first signal asks for the end: a command gets it too, unless the terminal
 * sent it to both, and a moment to follow. The second is not argued with.
 */
static void handle_signals(struct recording *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (r->leave_at || !command_runs(r)) {
			r->stopping = true;
			continue;
		}
		r->leave_at = now_ns() + GRACE_NS;
		if (info.ssi_code != SI_KERNEL)
			kill(r->launch.pid, info.ssi_signo);
	}
}

/* With processes or threads as only targets, there is an end when all are gone. */
static bool targets_gone(const struct recording *r)
{
	const struct targets *t = &r->options->targets;
	bool any = false;
	size_t i;

	if (r->options->command)
		return false;
	for (i = 0; i < t->nr; i++) {
		if (t->list[i].kind != TICKPROF_TARGET_PID && t->list[i].kind != TICKPROF_TARGET_TID)
			continue;
		any = true;
		if (!kill(t->list[i].id, 0) || errno != ESRCH)
			return false;
	}
	return any;
}

static bool at_end(struct recording *r, uint64_t now)
{
	if (r->stopping || targets_gone(r))
		return true;
	if (r->options->command && !command_runs(r))
		return true;
	if (r->leave_at && now >= r->leave_at) {
		kill(r->launch.pid, SIGTERM);
		return true;
	}
	return r->options->duration_ns && now >= r->started + r->options->duration_ns;
}

static void show_progress(struct recording *r, uint64_t now)
{
	const uint64_t *c = r->session.state.counters;

	if (now < r->progress_at || session_update(&r->session))
		return;
	r->progress_at = now + SECOND_NS;
	fprintf(stderr, "\r[ tickprof record: %" PRIu64 " s, %" PRIu64 " samples, ",
		(uint64_t)((now - r->started) / SECOND_NS), c[TICKPROF_COUNTER_SAMPLES]);
	if (r->session.state.config.flags & TICKPROF_F_WAITS)
		fprintf(stderr, "%" PRIu64 " waits, ", c[TICKPROF_COUNTER_WAITS]);
	fprintf(stderr, "%" PRIu64 " lost, %.1f MB ]\033[K",
		c[TICKPROF_COUNTER_LOST_SAMPLES] + c[TICKPROF_COUNTER_LOST_WAITS],
		capture_writer_bytes(r->capture) / 1e6);
}

static int wait_records(struct recording *r, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = r->signals, .events = POLLIN },
		{ .fd = r->session.running ? r->session.fd : -1, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR) {
		err_errno(errno, "cannot wait for records");
		return -errno;
	}
	if (fds[0].revents)
		handle_signals(r);
	return 0;
}

static int record_loop(struct recording *r)
{
	const uint64_t first = r->contexts ? r->started + FIRST_MS * 1000000ull : 0;
	int ret = 0;

	while (!ret && !at_end(r, now_ns())) {
		usleep(DRAIN_LEAST_MS * 1000);
		ret = wait_records(r, now_ns() < first ? FIRST_DRAIN_MS : DRAIN_MS);
		if (!ret)
			ret = drain_and_settle(r);
		if (!ret && r->options->progress)
			show_progress(r, now_ns());
	}
	if (r->progress_at)
		fprintf(stderr, "\r\033[K");
	return ret;
}

/* The command runs unsampled for a while. */
static int wait_delay(struct recording *r)
{
	uint64_t until = now_ns() + r->options->delay_ms * 1000000ULL;
	int ret = 0;

	while (!ret && !r->stopping && now_ns() < until &&
	       (!r->options->command || command_runs(r)))
		ret = wait_records(r, DRAIN_MS);
	return ret;
}

static int release_command(struct recording *r)
{
	if (!r->options->command || r->launch.released)
		return 0;
	return launch_release(&r->launch, r->options->command[0]);
}

static int begin(struct recording *r)
{
	int ret = 0;

	if (r->options->delay_ms) {
		ret = release_command(r);
		if (!ret)
			ret = wait_delay(r);
	}
	/* Before START: from then on the rings must be drained. */
	tables_add_command(r->tables, r->options->command ? r->options->command[0] : NULL);
	tables_settle(r->tables, TABLES_MS);
	if (!ret)
		ret = add_targets(r);
	r->started = now_ns();
	marks_begin(r->marks, r->started);
	if (!ret)
		ret = written(r, recording_meta_begin(r));
	if (!ret)
		ret = session_start(&r->session);
	if (!ret)
		ret = take_snapshot(r);
	return ret < 0 ? ret : release_command(r);
}

static int finish(struct recording *r)
{
	int ret;

	ret = session_stop(&r->session);
	marks_stop(r->marks);
	span_intake_stop(r->spans);
	if (!ret)
		ret = drain_and_settle(r);
	/* What this round was the first to see is ripe after another. */
	if (!ret)
		ret = drain_and_settle(r);
	if (!ret)
		ret = written(r, recording_keep_finish(r));
	if (!ret)
		ret = session_update(&r->session);
	if (ret)
		return ret;
	recording_meta_end(r, now_ns());
	tables_write_meta(r->tables, r->capture);
	return written(r, capture_write_counters(r->capture, r->session.state.counters));
}

static void start_contexts(struct recording *r)
{
	struct contexts_options options = {
		.session = r->session.fd,
		.keys = r->options->context_keys,
		.mmap_events = r->session.info.features & TICKPROF_FEATURE_MMAP,
	};

	if (!(r->session.state.config.flags & TICKPROF_F_CONTEXT))
		return;
	options.marks = r->marks = marks_create(UINT64_MAX);
	r->contexts = contexts_create(&options);
}

int recording_run(struct recording *r, const struct recording_options *options, int fd)
{
	int ret;

	r->options = options;
	ret = hold_command(r);
	if (!ret)
		ret = session_open(&r->session, &options->config);
	if (!ret)
		ret = written(r, capture_writer_create(fd, &r->capture));
	if (ret)
		return ret;
	r->objects = objects_create();
	r->snapshot = snapshot_create("/proc", sink_snapshot, r);
	r->cgroups = cgroups_create(sink_cgroup, r);
	if (r->session.state.config.flags & TICKPROF_F_TABLES)
		r->tables = tables_create(r->session.fd, NULL);
	start_contexts(r);
	if (options->otlp_listen)
		ret = span_intake_create(options->otlp_listen, &r->spans);
	if (!ret)
		ret = recording_keep_create(r);
	r->watch = watch_create(r->objects, r->snapshot, r->cgroups, r->tables,
				r->contexts, r->session.info.features & TICKPROF_FEATURE_MMAP);
	if (!ret)
		ret = begin(r);
	if (!ret)
		ret = record_loop(r);
	return ret ? ret : finish(r);
}

void recording_deinit(struct recording *r)
{
	capture_writer_destroy(r->capture);
	span_intake_destroy(r->spans);
	watch_destroy(r->watch);
	contexts_destroy(r->contexts);
	keep_destroy(r->keep);
	marks_destroy(r->marks);
	tables_destroy(r->tables);
	cgroups_destroy(r->cgroups);
	snapshot_destroy(r->snapshot);
	objects_destroy(r->objects);
	session_close(&r->session);
	launch_destroy(&r->launch);
	if (r->signals >= 0)
		close(r->signals);
}
