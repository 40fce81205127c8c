/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exchanges with the module: a request is built, sent and waited for; the module's
 * refusal comes back as one line: what failed, the module's own sentence, the
 * attribute to blame. For nl.c alone.
 */
#ifndef TICKPROF_NL_EXCHANGE_H
#define TICKPROF_NL_EXCHANGE_H

#include <linux/tickprof.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct control {
	struct nl_sock *sock;
	int family;
	bool silent;
};

/* One exchange with the module. */
struct exchange {
	struct control *nl;
	const char *what;	/* "start sampling" */
	bool silent;		/* no message: the caller knows what to say */
	struct nlmsghdr *request;
	void (*reply)(struct nlattr **attrs, void *arg);
	void *arg;
	int error;
	bool done;
};

/* -errno for libnl's. */
int nl_own_errno(int nle);
/* NULL: no memory, which nl_transact() then says. */
struct nl_msg *nl_request(struct control *nl, uint8_t cmd, int flags);
struct nl_msg *nl_session_request(struct control *nl, uint8_t cmd, int fd);
/* Send msg, which is consumed, and wait for the end of its answer. 0 or -errno. */
int nl_transact(struct exchange *x, struct nl_msg *msg);

#endif
