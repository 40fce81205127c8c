// SPDX-License-Identifier: GPL-2.0-only
/* A listening socket: see listen.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "listen.h"

enum { BACKLOG = 64 };

const char *listen_name(const struct sockaddr *sa, unsigned int len, char out[LISTEN_NAME_MAX])
{
	char host[64], port[8];
	const char *form = sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s";

	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(out, LISTEN_NAME_MAX, "somebody");
	else
		snprintf(out, LISTEN_NAME_MAX, form, host, port);
	return out;
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Host and port, into a copy of the address. false: not of that form. */
static bool split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':'), *end;

	if (!colon || colon == text || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return false;
	*port = colon + 1;
	*colon = '\0';
	*host = text;
	if (*text != '[')
		return !strchr(text, ':');
	end = strchr(text, ']');
	if (!end || end[1])
		return false;
	*end = '\0';
	*host = text + 1;
	return true;
}

bool listen_address_valid(const char *address)
{
	__free char *copy = xstrdup(address);
	char *host, *port;

	return split(copy, &host, &port) && strlen(port) <= 5 && atoi(port) <= 65535;
}

static int open_socket(const struct addrinfo *ai, struct listen_socket *out)
{
	const int on = 1;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&ss, &len)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	out->fd = fd;
	out->local = is_loopback((struct sockaddr *)&ss);
	out->ipv6 = ai->ai_family == AF_INET6;
	listen_name((struct sockaddr *)&ss, len, out->name);
	return 0;
}

int listen_open(const char *address, struct listen_socket *out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	__free char *copy = xstrdup(address);
	struct addrinfo *ai = NULL;
	char *host, *port;
	int ret;

	if (!split(copy, &host, &port)) {
		err("'%s' is not HOST:PORT, such as 127.0.0.1:4318", address);
		return -EINVAL;
	}
	ret = strlen(port) > 5 || atoi(port) > 65535 ? EAI_SERVICE :
	      getaddrinfo(host, port, &hints, &ai);
	if (ret) {
		err("cannot listen on '%s': %s", address, ret == EAI_SERVICE ?
		    "ports go up to 65535" : gai_strerror(ret));
		return -EINVAL;
	}
	ret = open_socket(ai, out);
	freeaddrinfo(ai);
	if (ret == -EADDRINUSE)
		err("cannot listen on '%s': another program does (`ss -ltnp` tells which)", address);
	else if (ret)
		err_errno(-ret, "cannot listen on '%s'", address);
	return ret;
}
