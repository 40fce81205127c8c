/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_NETLINK_H
#define TICKPROF_KMOD_NETLINK_H

#include <linux/tickprof.h>

struct tickprof_session;

int tickprof_netlink_init(void);
void tickprof_netlink_exit(void);
void tickprof_netlink_notify(struct tickprof_session *session, enum tickprof_event event);

#endif
