/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: one open descriptor of /dev/tickprof, configured over netlink.
 * Everything in the kernel goes away when it is closed, however that happens.
 */
#ifndef TICKPROF_SESSION_H
#define TICKPROF_SESSION_H

#include "record/reader.h"
#include "nl.h"
#include "target.h"

struct session {
	struct control *nl;
	int fd;
	bool running;
	struct control_info info;	/* of the module */
	struct control_session state;	/* as of the last session_update() */
	struct reader *reader;
};

/* Open, configure, map every ring. Nothing runs yet. 0 or -errno with a message. */
int session_open(struct session *s, const struct control_config *config);
int session_add_targets(struct session *s, const struct targets *targets);
int session_start(struct session *s);
int session_stop(struct session *s);
/* Read the counters into s->state. */
int session_update(struct session *s);
/* Safe at any point after "struct session s = SESSION_INIT". */
void session_close(struct session *s);

#define SESSION_INIT { .fd = -1 }

#endif
