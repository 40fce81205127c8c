// SPDX-License-Identifier: GPL-2.0-only
/* The commands of the netlink family. This file and nl_exchange.c alone know libnl. */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/names.h"
#include "base/util.h"
#include "nl.h"
#include "nl_exchange.h"

static uint32_t get_u32(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 8 ? nla_get_u64(attr) : 0;
}

static void get_string(struct nlattr *attr, char *out, size_t size)
{
	if (attr)
		nla_strlcpy(out, attr, size);
}

static void read_info(struct nlattr **attrs, void *arg)
{
	struct control_info *info = arg;

	info->abi = get_u32(attrs[TICKPROF_A_ABI]);
	info->features = get_u32(attrs[TICKPROF_A_FEATURES]);
	info->sessions = get_u32(attrs[TICKPROF_A_SESSIONS]);
	info->memory = get_u64(attrs[TICKPROF_A_MEMORY]);
	info->tables = get_u32(attrs[TICKPROF_A_TABLES]);
	info->table_memory = get_u64(attrs[TICKPROF_A_TABLE_MEMORY]);
	get_string(attrs[TICKPROF_A_RELEASE], info->release, sizeof(info->release));
}

static void read_session(struct nlattr **attrs, struct control_session *s)
{
	struct nlattr *counter;
	int left;

	*s = (struct control_session){
		.session = get_u32(attrs[TICKPROF_A_SESSION]),
		.state = get_u32(attrs[TICKPROF_A_STATE]),
		.owner_pid = get_u32(attrs[TICKPROF_A_OWNER_PID]),
		.cpus = get_u32(attrs[TICKPROF_A_CPUS]),
		.targets = get_u32(attrs[TICKPROF_A_TARGETS]),
		.memory = get_u64(attrs[TICKPROF_A_MEMORY]),
		.config.rate = get_u32(attrs[TICKPROF_A_RATE]),
		.config.flags = get_u32(attrs[TICKPROF_A_FLAGS]),
		.config.ring_size = get_u32(attrs[TICKPROF_A_RING_SIZE]),
		.config.watermark = get_u32(attrs[TICKPROF_A_WATERMARK]),
		.config.depth = get_u32(attrs[TICKPROF_A_DEPTH]),
		.config.throttle = get_u32(attrs[TICKPROF_A_THROTTLE]),
		.config.wait_min = get_u32(attrs[TICKPROF_A_WAIT_MIN]),
		.config.wait_tasks = get_u32(attrs[TICKPROF_A_WAIT_TASKS]),
		.config.contexts = get_u32(attrs[TICKPROF_A_CONTEXTS]),
	};
	get_string(attrs[TICKPROF_A_OWNER_COMM], s->owner_comm, sizeof(s->owner_comm));
	if (!attrs[TICKPROF_A_COUNTERS])
		return;
	nla_for_each_nested(counter, attrs[TICKPROF_A_COUNTERS], left)
		if (nla_type(counter) <= TICKPROF_COUNTER_MAX)
			s->counters[nla_type(counter)] = get_u64(counter);
}

static void read_one_session(struct nlattr **attrs, void *arg)
{
	read_session(attrs, arg);
}

static int absent(struct control *nl)
{
	if (nl->silent)
		return -ENODEV;
	if (access("/sys/module/tickprof", F_OK))
		err("module not loaded: run `modprobe tickprof`");
	else
		err("module loaded, but its netlink family is not visible: run in the host's network namespace");
	return -ENODEV;
}

static int info_get(struct control *nl, struct control_info *info)
{
	struct exchange x = {
		.nl = nl,
		.what = "talk to the module",
		.reply = read_info,
		.arg = info,
	};
	int ret = nl_transact(&x, nl_request(nl, TICKPROF_CMD_INFO, NLM_F_ACK));

	if (ret)
		return ret;
	if (info->abi == TICKPROF_ABI_VERSION)
		return 0;
	if (!nl->silent)
		err("module %s speaks ABI %u, this tool %s speaks ABI %u: load the module built with the tool (`modprobe -r tickprof && modprobe tickprof`)",
		    info->release, info->abi, TICKPROF_VERSION, TICKPROF_ABI_VERSION);
	return -EPROTONOSUPPORT;
}

static int connect_family(struct control *nl)
{
	int one = 1, nle;

	nle = genl_connect(nl->sock);
	if (nle) {
		if (!nl->silent)
			err("cannot open a generic netlink socket: %s", nl_geterror(nle));
		return nl_own_errno(nle);
	}
	setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	nl->family = genl_ctrl_resolve(nl->sock, TICKPROF_GENL_NAME);
	return nl->family < 0 ? absent(nl) : 0;
}

static int connect_and_ask(bool silent, struct control **out, struct control_info *info)
{
	struct control *nl = xcalloc(1, sizeof(*nl));
	int ret = -ENOMEM;

	nl->silent = silent;
	nl->sock = nl_socket_alloc();
	if (nl->sock)
		ret = connect_family(nl);
	if (!ret)
		ret = info_get(nl, info);
	if (ret) {
		control_close(nl);
		return ret;
	}
	*out = nl;
	return 0;
}

int control_open(struct control **out, struct control_info *info)
{
	struct control_info unused = { 0 };

	return connect_and_ask(false, out, info ? info : &unused);
}

void control_close(struct control *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int control_probe(struct control_info *info)
{
	struct control *nl = NULL;
	int ret = connect_and_ask(true, &nl, info);

	control_close(nl);
	return ret;
}

int control_session_configure(struct control *nl, int fd, const struct control_config *c)
{
	struct exchange x = { .nl = nl, .what = "configure the session" };
	struct nl_msg *msg = nl_session_request(nl, TICKPROF_CMD_SESSION_CONFIGURE, fd);
	const bool waits = c->flags & TICKPROF_F_WAITS, contexts = c->flags & TICKPROF_F_CONTEXT;

	if (!msg || nla_put_u32(msg, TICKPROF_A_RATE, c->rate) ||
	    nla_put_u32(msg, TICKPROF_A_FLAGS, c->flags) ||
	    nla_put_u32(msg, TICKPROF_A_DEPTH, c->depth) ||
	    nla_put_u32(msg, TICKPROF_A_THROTTLE, c->throttle) ||
	    (c->ring_size && nla_put_u32(msg, TICKPROF_A_RING_SIZE, c->ring_size)) ||
	    (c->watermark && nla_put_u32(msg, TICKPROF_A_WATERMARK, c->watermark)) ||
	    (waits && nla_put_u32(msg, TICKPROF_A_WAIT_MIN, c->wait_min)) ||
	    (waits && c->wait_tasks && nla_put_u32(msg, TICKPROF_A_WAIT_TASKS, c->wait_tasks)) ||
	    (contexts && c->contexts && nla_put_u32(msg, TICKPROF_A_CONTEXTS, c->contexts))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nl_transact(&x, msg);
}

int control_target_add(struct control *nl, int fd, const struct target *t)
{
	char what[64];
	struct exchange x = { .nl = nl, .what = what };
	struct nl_msg *msg = nl_session_request(nl, TICKPROF_CMD_TARGET_ADD, fd);
	int bad = !msg || nla_put_u32(msg, TICKPROF_A_TARGET_KIND, t->kind);

	if (t->kind == TICKPROF_TARGET_COMM)
		snprintf(what, sizeof(what), "add comm %s to the targets", t->comm);
	else
		snprintf(what, sizeof(what), "add %s %llu to the targets",
			 name_target(t->kind), (unsigned long long)t->id);
	if (!bad && t->kind == TICKPROF_TARGET_COMM)
		bad = nla_put_string(msg, TICKPROF_A_TARGET_COMM, t->comm);
	else if (!bad)
		bad = nla_put_u64(msg, TICKPROF_A_TARGET_ID, t->id);
	if (bad) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nl_transact(&x, msg);
}

static int put_location(struct nl_msg *msg, const struct control_context *c)
{
	if (c->kind == TICKPROF_CONTEXT_ABSENT)
		return 0;
	if (nla_put_s64(msg, TICKPROF_A_CONTEXT_OFFSET, c->offset))
		return -ENOMEM;
	if (c->kind == TICKPROF_CONTEXT_DTV &&
	    (nla_put_u32(msg, TICKPROF_A_CONTEXT_MODULE, c->module) ||
	     nla_put_s32(msg, TICKPROF_A_CONTEXT_VECTOR_AT, c->vector_at) ||
	     nla_put_s32(msg, TICKPROF_A_CONTEXT_COUNT_AT, c->count_at) ||
	     nla_put_u32(msg, TICKPROF_A_CONTEXT_STRIDE, c->stride)))
		return -ENOMEM;
	return nla_put(msg, TICKPROF_A_CONTEXT_KEYS, sizeof(c->keys), c->keys);
}

int control_context_set(struct control *nl, int fd, const struct control_context *c)
{
	struct exchange x = { .nl = nl, .what = "tell where contexts are", .silent = true };
	struct nl_msg *msg = nl_session_request(nl, TICKPROF_CMD_CONTEXT_SET, fd);

	if (!msg || nla_put_u32(msg, TICKPROF_A_CONTEXT_PID, c->pid) ||
	    nla_put_u64(msg, TICKPROF_A_CONTEXT_START_TIME, c->start_time) ||
	    nla_put_u64(msg, TICKPROF_A_CONTEXT_EXEC_ID, c->exec_id) ||
	    nla_put_u32(msg, TICKPROF_A_CONTEXT_KIND, c->kind) || put_location(msg, c)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nl_transact(&x, msg);
}

int control_start(struct control *nl, int fd)
{
	struct exchange x = { .nl = nl, .what = "start sampling" };

	return nl_transact(&x, nl_session_request(nl, TICKPROF_CMD_START, fd));
}

int control_stop(struct control *nl, int fd)
{
	struct exchange x = { .nl = nl, .what = "stop sampling" };

	return nl_transact(&x, nl_session_request(nl, TICKPROF_CMD_STOP, fd));
}

int control_session_get(struct control *nl, int fd, struct control_session *out)
{
	struct exchange x = {
		.nl = nl,
		.what = "read the session's counters",
		.reply = read_one_session,
		.arg = out,
	};

	return nl_transact(&x, nl_session_request(nl, TICKPROF_CMD_SESSION_GET, fd));
}

struct dump {
	void (*each)(void *arg, const struct control_session *session);
	void *arg;
};

static void dump_one(struct nlattr **attrs, void *arg)
{
	struct control_session session;
	struct dump *d = arg;

	read_session(attrs, &session);
	d->each(d->arg, &session);
}

int control_session_dump(struct control *nl, void (*each)(void *arg, const struct control_session *session),
		    void *arg)
{
	struct dump d = { each, arg };
	struct exchange x = { .nl = nl, .what = "list the sessions", .reply = dump_one, .arg = &d };

	return nl_transact(&x, nl_request(nl, TICKPROF_CMD_SESSION_GET, NLM_F_DUMP));
}
