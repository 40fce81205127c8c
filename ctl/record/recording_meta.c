// SPDX-License-Identifier: GPL-2.0-only
/* What a capture says of its recording: see recording_meta.h. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "recording_meta.h"

static int write_number(const struct recording *r, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return capture_write_meta(r->capture, key, text);
}

static void write_source(const struct recording *r, const struct control_config *c)
{
	const char *source = "cpu";

	if (c->flags & TICKPROF_F_WAITS) {
		source = c->flags & TICKPROF_F_NO_TICKS ? "offcpu" : "cpu,offcpu";
		write_number(r, CAPTURE_META_WAIT_MIN, c->wait_min);
	}
	capture_write_meta(r->capture, CAPTURE_META_SOURCE, source);
}

int recording_meta_begin(const struct recording *r)
{
	struct utsname uts;

	uname(&uts);
	capture_write_meta(r->capture, CAPTURE_META_RELEASE, TICKPROF_VERSION);
	capture_write_meta(r->capture, CAPTURE_META_KERNEL, uts.release);
	capture_write_meta(r->capture, CAPTURE_META_MACHINE, uts.machine);
	capture_write_meta(r->capture, CAPTURE_META_HOST, uts.nodename);
	if (r->options->command_line)
		capture_write_meta(r->capture, CAPTURE_META_COMMAND, r->options->command_line);
	write_number(r, CAPTURE_META_RATE, r->session.state.config.rate);
	write_source(r, &r->session.state.config);
	write_number(r, CAPTURE_META_CPUS, r->session.state.cpus);
	write_number(r, CAPTURE_META_START_REAL, r->started + clock_offset_ns());
	return write_number(r, CAPTURE_META_START_MONO, r->started);
}

int recording_meta_end(const struct recording *r, uint64_t now)
{
	write_number(r, CAPTURE_META_END_MONO, now);
	return write_number(r, CAPTURE_META_END_REAL, now + clock_offset_ns());
}
