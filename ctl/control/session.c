// SPDX-License-Identifier: GPL-2.0-only
/* Opening, starting and closing a session: see session.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/util.h"
#include "session.h"

static int open_device(void)
{
	int fd = open(TICKPROF_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		err("no device " TICKPROF_DEVICE ": run `modprobe tickprof`; in a container, pass the device in");
		return -ENODEV;
	case EACCES:
	case EPERM:
		err("may not open " TICKPROF_DEVICE ": run as root, or join the group that owns it and have CAP_PERFMON");
		return -EACCES;
	default:
		err_errno(errno, "cannot open " TICKPROF_DEVICE);
		return -errno;
	}
}

int session_open(struct session *s, const struct control_config *config)
{
	struct control_config wanted = *config;
	int ret;

	ret = control_open(&s->nl, &s->info);
	if (ret)
		return ret;
	if (config->flags & TICKPROF_F_WAITS && !(s->info.features & TICKPROF_FEATURE_WAITS)) {
		err("module %s cannot tell waits on this kernel: record with --source cpu, and see `tickprof check`",
		    s->info.release);
		ret = -EOPNOTSUPP;
		goto close;
	}
	s->fd = open_device();
	if (s->fd < 0) {
		ret = s->fd;
		goto close;
	}
	/* Where the kernel cannot tell of mappings, frame pointers are what there is. */
	if (!(s->info.features & TICKPROF_FEATURE_TABLES))
		wanted.flags &= ~TICKPROF_F_TABLES;
	if (wanted.flags & TICKPROF_F_CONTEXT && !(s->info.features & TICKPROF_FEATURE_CONTEXT)) {
		wanted.flags &= ~TICKPROF_F_CONTEXT;
		warn("module %s cannot read contexts: recorded without trace and span ids",
		     s->info.release);
	}
	ret = control_session_configure(s->nl, s->fd, &wanted);
	if (ret)
		goto close;
	ret = session_update(s);
	if (ret)
		goto close;
	ret = reader_create(s->fd, s->state.cpus, s->state.config.ring_size, &s->reader);
	if (ret)
		goto close;
	return 0;
close:
	session_close(s);
	return ret;
}

int session_add_targets(struct session *s, const struct targets *targets)
{
	size_t i;
	int ret;

	for (i = 0; i < targets->nr; i++) {
		ret = control_target_add(s->nl, s->fd, &targets->list[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int session_start(struct session *s)
{
	int ret = control_start(s->nl, s->fd);

	s->running = !ret;
	return ret;
}

int session_stop(struct session *s)
{
	if (!s->running)
		return 0;
	s->running = false;
	return control_stop(s->nl, s->fd);
}

int session_update(struct session *s)
{
	return control_session_get(s->nl, s->fd, &s->state);
}

void session_close(struct session *s)
{
	if (s->running)
		session_stop(s);
	reader_destroy(s->reader);
	if (s->fd >= 0)
		close(s->fd);
	control_close(s->nl);
	s->reader = NULL;
	s->nl = NULL;
	s->fd = -1;
}
