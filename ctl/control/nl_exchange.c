// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exchange with the module: see nl_exchange.h. libnl's codes become errno in
 * own_errno().
 */
#include <errno.h>
#include <string.h>

#include "base/names.h"
#include "base/util.h"
#include "nl_exchange.h"

#define CAPABILITY_HINT "run as root, or give the tool CAP_PERFMON"

int nl_own_errno(int nle)
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
	if (x->nl->silent || x->silent)
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

int nl_transact(struct exchange *x, struct nl_msg *msg)
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
	ret = nl_own_errno(nl_send_auto(x->nl->sock, msg) < 0 ? -NLE_FAILURE : 0);
	x->request = nlmsg_hdr(msg);
	while (!ret && !x->done) {
		int nle = nl_recvmsgs(x->nl->sock, cb);

		if (nle < 0 && !x->done && nle != -NLE_INTR)
			ret = nl_own_errno(nle);
	}
	if (ret && !x->nl->silent && !x->silent)
		err_errno(-ret, "cannot %s: netlink exchange failed", x->what);
out:
	nl_cb_put(cb);
	nlmsg_free(msg);
	return ret ? ret : x->error;
}

struct nl_msg *nl_request(struct control *nl, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				NLM_F_REQUEST | flags, cmd, TICKPROF_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct nl_msg *nl_session_request(struct control *nl, uint8_t cmd, int fd)
{
	struct nl_msg *msg = nl_request(nl, cmd, NLM_F_ACK);

	if (msg && nla_put_u32(msg, TICKPROF_A_FD, fd)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
