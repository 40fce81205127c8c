// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "tickprof": control, never data. The UAPI header
 * tells the protocol in order and lists commands and attributes.
 *
 * Context: process, that of the sender, which is what makes A_FD meaningful: it
 * is looked up among the sender's own descriptors. Every refusal sets a text,
 * and the attribute where one is to blame.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "chardev.h"
#include "netlink.h"
#include "netlink_parse.h"
#include "session.h"
#include "space.h"
#include "stats.h"

static struct genl_family family;

static int check_permission(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_PERFMON) || netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "needs CAP_PERFMON or CAP_SYS_ADMIN");
	return -EPERM;
}

/*
 * The session that A_FD names. *file is held and to be given back with fput():
 * it keeps the session while the command runs.
 */
static int get_session(struct sk_buff *skb, struct genl_info *info, struct file **file,
		       struct tickprof_session **session)
{
	struct nlattr *fd = info->attrs[TICKPROF_A_FD];
	int err = check_permission(skb, info->extack);

	if (err)
		return err;
	if (!fd) {
		NL_SET_ERR_MSG(info->extack, "A_FD is missing: name a descriptor of /dev/tickprof");
		return -EINVAL;
	}
	*file = fget(nla_get_u32(fd));
	if (!*file) {
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "no such descriptor in the sender");
		return -EBADF;
	}
	*session = tickprof_chardev_session(*file);
	if (!*session) {
		fput(*file);
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "descriptor is not of /dev/tickprof");
		return -EINVAL;
	}
	return 0;
}

static int put_counters(struct sk_buff *msg, const struct tickprof_session *session)
{
	u64 sum[TICKPROF_COUNTER_MAX + 1];
	struct nlattr *nest;
	int i;

	tickprof_stats_sum(&session->stream, sum);
	nest = nla_nest_start(msg, TICKPROF_A_COUNTERS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i <= TICKPROF_COUNTER_MAX; i++)
		if (nla_put_u64_64bit(msg, i, sum[i], TICKPROF_COUNTER_UNSPEC))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Session lock held. */
static int put_session(struct sk_buff *msg, const struct tickprof_session *session)
{
	const struct tickprof_config *c = &session->stream.config;

	if (nla_put_u32(msg, TICKPROF_A_SESSION, session->number) ||
	    nla_put_u32(msg, TICKPROF_A_STATE, session->state) ||
	    nla_put_u32(msg, TICKPROF_A_OWNER_PID, session->owner_pid) ||
	    nla_put_string(msg, TICKPROF_A_OWNER_COMM, session->owner_comm) ||
	    nla_put_u32(msg, TICKPROF_A_RATE, c->rate) ||
	    nla_put_u32(msg, TICKPROF_A_FLAGS, c->flags) ||
	    nla_put_u32(msg, TICKPROF_A_RING_SIZE, c->ring_size) ||
	    nla_put_u32(msg, TICKPROF_A_WATERMARK, c->watermark) ||
	    nla_put_u32(msg, TICKPROF_A_DEPTH, c->depth) ||
	    nla_put_u32(msg, TICKPROF_A_THROTTLE, c->throttle) ||
	    nla_put_u32(msg, TICKPROF_A_WAIT_MIN, c->wait_min) ||
	    nla_put_u32(msg, TICKPROF_A_WAIT_TASKS, c->wait_tasks) ||
	    nla_put_u32(msg, TICKPROF_A_CONTEXTS, c->contexts) ||
	    nla_put_u32(msg, TICKPROF_A_CPUS, nr_cpu_ids) ||
	    nla_put_u32(msg, TICKPROF_A_TARGETS, session->stream.targets.nr) ||
	    nla_put_u64_64bit(msg, TICKPROF_A_MEMORY, tickprof_session_memory(session),
			      TICKPROF_A_PAD))
		return -EMSGSIZE;
	return put_counters(msg, session);
}

static int do_info(struct sk_buff *skb, struct genl_info *info)
{
	struct tickprof_session *session;
	u32 sessions = 0;
	u64 memory = 0;
	struct sk_buff *msg;
	void *header;
	int err = check_permission(skb, info->extack);

	if (err)
		return err;
	mutex_lock(&tickprof_session_lock);
	list_for_each_entry(session, &tickprof_sessions, all) {
		sessions++;
		memory += tickprof_session_memory(session);
	}
	mutex_unlock(&tickprof_session_lock);

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	header = genlmsg_put_reply(msg, info, &family, 0, TICKPROF_CMD_INFO);
	if (!header ||
	    nla_put_u32(msg, TICKPROF_A_ABI, TICKPROF_ABI_VERSION) ||
	    nla_put_string(msg, TICKPROF_A_RELEASE, TICKPROF_VERSION) ||
	    nla_put_u32(msg, TICKPROF_A_FEATURES, tickprof_features) ||
	    nla_put_u32(msg, TICKPROF_A_SESSIONS, sessions) ||
	    nla_put_u32(msg, TICKPROF_A_CPUS, nr_cpu_ids) ||
	    nla_put_u64_64bit(msg, TICKPROF_A_MEMORY, memory, TICKPROF_A_PAD) ||
	    nla_put_u32(msg, TICKPROF_A_TABLES, tickprof_store_tables()) ||
	    nla_put_u64_64bit(msg, TICKPROF_A_TABLE_MEMORY,
			      tickprof_store_memory() + tickprof_space_memory(),
			      TICKPROF_A_PAD)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

static int do_configure(struct sk_buff *skb, struct genl_info *info)
{
	struct tickprof_config config = { 0 };
	struct tickprof_session *session;
	struct file *file;
	int err = get_session(skb, info, &file, &session);

	if (err)
		return err;
	err = tickprof_netlink_parse_config(info, &config);
	if (!err) {
		mutex_lock(&tickprof_session_lock);
		err = tickprof_session_configure(session, &config, info->extack);
		mutex_unlock(&tickprof_session_lock);
	}
	fput(file);
	return err;
}

static int do_target(struct sk_buff *skb, struct genl_info *info)
{
	bool add = info->genlhdr->cmd == TICKPROF_CMD_TARGET_ADD;
	struct tickprof_target target = { 0 };
	struct tickprof_session *session;
	struct file *file;
	int err = get_session(skb, info, &file, &session);

	if (err)
		return err;
	err = tickprof_netlink_parse_target(info, &target);
	if (!err) {
		mutex_lock(&tickprof_session_lock);
		err = tickprof_session_target(session, &target, add, info->extack);
		mutex_unlock(&tickprof_session_lock);
	}
	fput(file);
	return err;
}

static int do_context(struct sk_buff *skb, struct genl_info *info)
{
	struct tickprof_context_location location;
	struct tickprof_context_image image;
	struct tickprof_session *session;
	struct file *file;
	int err = get_session(skb, info, &file, &session);

	if (err)
		return err;
	err = tickprof_netlink_parse_context(info, &image, &location);
	if (!err)
		err = tickprof_session_context(session, &image, &location, info->extack);
	fput(file);
	return err;
}

static int do_run(struct sk_buff *skb, struct genl_info *info)
{
	struct tickprof_session *session;
	struct file *file;
	int err = get_session(skb, info, &file, &session);

	if (err)
		return err;
	err = info->genlhdr->cmd == TICKPROF_CMD_START ?
		      tickprof_session_start(session, info->extack) :
		      tickprof_session_stop(session, info->extack);
	fput(file);
	return err;
}

static int do_get(struct sk_buff *skb, struct genl_info *info)
{
	struct tickprof_session *session;
	struct sk_buff *msg;
	struct file *file;
	void *header;
	int err = get_session(skb, info, &file, &session);

	if (err)
		return err;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg) {
		fput(file);
		return -ENOMEM;
	}
	header = genlmsg_put_reply(msg, info, &family, 0, TICKPROF_CMD_SESSION_GET);
	mutex_lock(&tickprof_session_lock);
	err = header ? put_session(msg, session) : -EMSGSIZE;
	mutex_unlock(&tickprof_session_lock);
	fput(file);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

/* cb->args[0] is the number of the last session told: numbers only grow. */
static int dump_sessions(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct tickprof_session *session;
	void *header;
	int err;

	err = check_permission(cb->skb, cb->extack);
	if (err)
		return err;
	mutex_lock(&tickprof_session_lock);
	list_for_each_entry(session, &tickprof_sessions, all) {
		if (session->number <= cb->args[0])
			continue;
		header = genlmsg_put(msg, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &family, NLM_F_MULTI, TICKPROF_CMD_SESSION_GET);
		if (!header)
			break;
		if (put_session(msg, session)) {
			genlmsg_cancel(msg, header);
			break;
		}
		genlmsg_end(msg, header);
		cb->args[0] = session->number;
	}
	mutex_unlock(&tickprof_session_lock);
	return msg->len;
}

/* To whoever listens; nobody listening is no error. May be called with any lock but rtnl. */
void tickprof_netlink_notify(struct tickprof_session *session, enum tickprof_event event)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!msg)
		return;
	header = genlmsg_put(msg, 0, 0, &family, 0, TICKPROF_CMD_NOTIFY);
	if (!header ||
	    nla_put_u32(msg, TICKPROF_A_SESSION, session->number) ||
	    nla_put_u32(msg, TICKPROF_A_EVENT, event) ||
	    put_counters(msg, session)) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, header);
	genlmsg_multicast(&family, msg, 0, 0, GFP_KERNEL);
}

static const struct genl_ops ops[] = {
	{ .cmd = TICKPROF_CMD_INFO, .doit = do_info },
	{ .cmd = TICKPROF_CMD_SESSION_CONFIGURE, .doit = do_configure },
	{ .cmd = TICKPROF_CMD_TARGET_ADD, .doit = do_target },
	{ .cmd = TICKPROF_CMD_TARGET_DEL, .doit = do_target },
	{ .cmd = TICKPROF_CMD_START, .doit = do_run },
	{ .cmd = TICKPROF_CMD_STOP, .doit = do_run },
	{ .cmd = TICKPROF_CMD_SESSION_GET, .doit = do_get, .dumpit = dump_sessions },
	{ .cmd = TICKPROF_CMD_CONTEXT_SET, .doit = do_context },
};

static const struct genl_multicast_group groups[] = {
	{ .name = TICKPROF_GENL_MCGRP },
};

static struct genl_family family __ro_after_init = {
	.name		= TICKPROF_GENL_NAME,
	.version	= TICKPROF_GENL_VERSION,
	.maxattr	= TICKPROF_A_MAX,
	.policy		= tickprof_netlink_policy,
	.netnsok	= false,
	.module		= THIS_MODULE,
	.ops		= ops,
	.n_ops		= ARRAY_SIZE(ops),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
};

int tickprof_netlink_init(void)
{
	return genl_register_family(&family);
}

void tickprof_netlink_exit(void)
{
	genl_unregister_family(&family);
}
