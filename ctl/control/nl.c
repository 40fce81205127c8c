// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that knows libnl. A request is built, sent and waited for; the
 * module's refusal comes back as one line: what failed, the module's own
 * sentence, the attribute to blame. libnl's codes become errno in own_errno().
 */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/names.h"
#include "base/util.h"
#include "nl.h"

#define CAPABILITY_HINT "run as root, or give the tool CAP_PERFMON"

struct control {
	struct nl_sock *sock;
	int family;
	bool silent;
};

/* One exchange with the module. */
struct exchange {
	struct control *nl;
	const char *what;	/* "start sampling" */
	struct nlmsghdr *request;
	void (*reply)(struct nlattr **attrs, void *arg);
	void *arg;
	int error;
	bool done;
};

static int own_errno(int nle)
{
	switch (abs(nle)) {
	case 0:
		return 0;
	case NLE_INTR:
		return -EINTR;
	case NLE_NOMEM:
	case NLE_MSGSIZE:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_DUMP_INTR:
		return -ESTALE;
	default:
		return -EIO;
	}
}

static const char *blamed(const struct nlmsghdr *request, uint32_t offset)
{
	const struct nlattr *attr = (const void *)((const char *)request + offset);

	if (offset < NLMSG_HDRLEN || offset + sizeof(*attr) > request->nlmsg_len)
		return NULL;
	return name_attr(nla_type(attr));
}

static void report(struct exchange *x, const char *text, const char *attr)
{
	if (x->nl->silent)
		return;
	if (x->error == -EPERM || x->error == -EACCES)
		err("cannot %s: permission denied: " CAPABILITY_HINT, x->what);
	else if (text)
		err("cannot %s: %s%s%s%s", x->what, text, attr ? " (" : "", attr ? attr : "",
		    attr ? ")" : "");
	else
		err_errno(-x->error, "cannot %s%s%s", x->what, attr ? ": " : "", attr ? attr : "");
}

/* The module's sentence and the attribute to blame, from the end of a refusal. */
static void report_refusal(struct exchange *x, struct nlmsghdr *hdr, size_t skip)
{
	struct nlattr *tlv[NLMSGERR_ATTR_MAX + 1] = { 0 };
	int len = (int)nlmsg_datalen(hdr) - (int)NLMSG_ALIGN(skip);

	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS && len > 0)
		nla_parse(tlv, NLMSGERR_ATTR_MAX,
			  (void *)((char *)nlmsg_data(hdr) + NLMSG_ALIGN(skip)), len,
			  NULL);
	report(x, tlv[NLMSGERR_ATTR_MSG] ? nla_get_string(tlv[NLMSGERR_ATTR_MSG]) : NULL,
	       tlv[NLMSGERR_ATTR_OFFS] ?
	       blamed(x->request, nla_get_u32(tlv[NLMSGERR_ATTR_OFFS])) : NULL);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *hdr = (void *)((char *)e - NLMSG_HDRLEN);
	struct exchange *x = arg;
	size_t skip = sizeof(*e);

	x->error = e->error;
	x->done = true;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	report_refusal(x, hdr, skip);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	((struct exchange *)arg)->done = true;
	return NL_STOP;
}

/* A dump that fails says so in its last message. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct exchange *x = arg;

	x->done = true;
	if (nlmsg_datalen(hdr) < (int)sizeof(int) || *(int *)nlmsg_data(hdr) >= 0)
		return NL_STOP;
	x->error = *(int *)nlmsg_data(hdr);
	report_refusal(x, hdr, sizeof(int));
	return NL_STOP;
}

static int on_reply(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[TICKPROF_A_MAX + 1];
	struct exchange *x = arg;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, TICKPROF_A_MAX, NULL) < 0) {
		x->error = -EPROTO;
		return NL_SKIP;
	}
	if (x->reply)
		x->reply(attrs, x->arg);
	return NL_OK;
}

/* Send msg, which is consumed, and wait for the end of its answer. */
static int transact(struct exchange *x, struct nl_msg *msg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	if (!msg || !cb) {
		ret = -ENOMEM;
		goto out;
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_reply, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, x);
	ret = own_errno(nl_send_auto(x->nl->sock, msg) < 0 ? -NLE_FAILURE : 0);
	x->request = nlmsg_hdr(msg);
	while (!ret && !x->done) {
		int nle = nl_recvmsgs(x->nl->sock, cb);

		if (nle < 0 && !x->done && nle != -NLE_INTR)
			ret = own_errno(nle);
	}
	if (ret && !x->nl->silent)
		err_errno(-ret, "cannot %s: netlink exchange failed", x->what);
out:
	nl_cb_put(cb);
	nlmsg_free(msg);
	return ret ? ret : x->error;
}

static struct nl_msg *request(struct control *nl, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				NLM_F_REQUEST | flags, cmd, TICKPROF_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_msg *session_request(struct control *nl, uint8_t cmd, int fd)
{
	struct nl_msg *msg = request(nl, cmd, NLM_F_ACK);

	if (msg && nla_put_u32(msg, TICKPROF_A_FD, fd)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

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
	int ret = transact(&x, request(nl, TICKPROF_CMD_INFO, NLM_F_ACK));

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
		return own_errno(nle);
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
	struct nl_msg *msg = session_request(nl, TICKPROF_CMD_SESSION_CONFIGURE, fd);
	const bool waits = c->flags & TICKPROF_F_WAITS;

	if (!msg || nla_put_u32(msg, TICKPROF_A_RATE, c->rate) ||
	    nla_put_u32(msg, TICKPROF_A_FLAGS, c->flags) ||
	    nla_put_u32(msg, TICKPROF_A_DEPTH, c->depth) ||
	    nla_put_u32(msg, TICKPROF_A_THROTTLE, c->throttle) ||
	    (c->ring_size && nla_put_u32(msg, TICKPROF_A_RING_SIZE, c->ring_size)) ||
	    (c->watermark && nla_put_u32(msg, TICKPROF_A_WATERMARK, c->watermark)) ||
	    (waits && nla_put_u32(msg, TICKPROF_A_WAIT_MIN, c->wait_min)) ||
	    (waits && c->wait_tasks && nla_put_u32(msg, TICKPROF_A_WAIT_TASKS, c->wait_tasks))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return transact(&x, msg);
}

int control_target_add(struct control *nl, int fd, const struct target *t)
{
	char what[64];
	struct exchange x = { .nl = nl, .what = what };
	struct nl_msg *msg = session_request(nl, TICKPROF_CMD_TARGET_ADD, fd);
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
	return transact(&x, msg);
}

int control_start(struct control *nl, int fd)
{
	struct exchange x = { .nl = nl, .what = "start sampling" };

	return transact(&x, session_request(nl, TICKPROF_CMD_START, fd));
}

int control_stop(struct control *nl, int fd)
{
	struct exchange x = { .nl = nl, .what = "stop sampling" };

	return transact(&x, session_request(nl, TICKPROF_CMD_STOP, fd));
}

int control_session_get(struct control *nl, int fd, struct control_session *out)
{
	struct exchange x = {
		.nl = nl,
		.what = "read the session's counters",
		.reply = read_one_session,
		.arg = out,
	};

	return transact(&x, session_request(nl, TICKPROF_CMD_SESSION_GET, fd));
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

	return transact(&x, request(nl, TICKPROF_CMD_SESSION_GET, NLM_F_DUMP));
}
