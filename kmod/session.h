/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TICKPROF_KMOD_SESSION_H
#define TICKPROF_KMOD_SESSION_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "contexts.h"
#include "store.h"
#include "stream.h"

struct netlink_ext_ack;

/* One open file of /dev/tickprof. Guarded by tickprof_session_lock. */
struct tickprof_session {
	struct tickprof_stream stream;
	struct list_head all;		/* in tickprof_sessions */
	enum tickprof_state state;
	u32 number;			/* for people; never used again */
	u32 owner_pid;			/* who opened it, initial pid namespace */
	char owner_comm[TICKPROF_COMM_LEN];
	struct delayed_work watch;	/* once a second while running */
	u64 lost_told, throttled_told;	/* what the watch has announced */
	struct mutex upload_lock;	/* guards tables; taken alone */
	struct tickprof_table_users tables;
};

/*
 * Taken inside cpus_read_lock() where both are needed, as CPU hotplug callbacks
 * come with that lock held.
 */
extern struct mutex tickprof_session_lock;
extern struct list_head tickprof_sessions;
extern u32 tickprof_features;		/* TICKPROF_FEATURE_*, fixed at load */

int tickprof_session_init(void);
void tickprof_session_exit(void);

struct tickprof_session *tickprof_session_create(void);
void tickprof_session_destroy(struct tickprof_session *session);
int tickprof_session_configure(struct tickprof_session *session,
			       const struct tickprof_config *config,
			       struct netlink_ext_ack *extack);
int tickprof_session_start(struct tickprof_session *session, struct netlink_ext_ack *extack);
int tickprof_session_stop(struct tickprof_session *session, struct netlink_ext_ack *extack);
int tickprof_session_target(struct tickprof_session *session,
			    const struct tickprof_target *target, bool add,
			    struct netlink_ext_ack *extack);
int tickprof_session_context(struct tickprof_session *session,
			     const struct tickprof_context_image *image,
			     const struct tickprof_context_location *location,
			     struct netlink_ext_ack *extack);
size_t tickprof_session_memory(const struct tickprof_session *session);
ssize_t tickprof_session_upload(struct tickprof_session *session, const char __user *from,
				size_t bytes);
struct tickprof_ring *tickprof_session_ring(struct tickprof_session *session, u64 cpu);

#endif
