/* SPDX-License-Identifier: GPL-2.0-only */
/* A listening TCP socket on the one address that was asked for. */
#ifndef TICKPROF_SPAN_LISTEN_H
#define TICKPROF_SPAN_LISTEN_H

#include <stdbool.h>

#define LISTEN_NAME_MAX 80

struct listen_socket {
	int fd;
	char name[LISTEN_NAME_MAX];	/* "127.0.0.1:4318", the port as it came out */
	bool local;			/* a loopback address */
	bool ipv6;
};

/*
 * "HOST:PORT"; [HOST]:PORT for IPv6. A name that means several addresses gets the
 * first. 0, or -errno after a message; -EINVAL: not of that form, or no such host.
 */
int listen_open(const char *address, struct listen_socket *out);
/* Is it of that form? Says nothing, and asks nobody. */
bool listen_address_valid(const char *address);

struct sockaddr;
/* "127.0.0.1:39811"; returns out. */
const char *listen_name(const struct sockaddr *sa, unsigned int len, char out[LISTEN_NAME_MAX]);

#endif
