/* SPDX-License-Identifier: ISC */
/* Listening sockets: see listen.h. */
#include <sys/socket.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"
#include "util.h"

const char *
listen_address(const struct sockaddr_storage *ss, socklen_t len,
    char buf[LISTEN_ADDRESS_SIZE])
{
	char host[64], port[8];

	if (getnameinfo((const struct sockaddr *)ss, len, host, sizeof(host),
	    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(buf, LISTEN_ADDRESS_SIZE, "unknown");
	else
		snprintf(buf, LISTEN_ADDRESS_SIZE,
		    ss->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		    port);
	return buf;
}

const char *
listen_local(int fd, char buf[LISTEN_ADDRESS_SIZE])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		len = 0;
	return listen_address(&ss, len, buf);
}

/* "addr:port" into its addresses; NULL with a message. */
static struct addrinfo *
resolve(const char *addr_port)
{
	const char *colon = strrchr(addr_port, ':'), *host = addr_port;
	struct addrinfo hints, *res = NULL;
	size_t len = colon == NULL ? 0 : (size_t)(colon - host);
	long long port;
	char *name;
	int rc;

	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		hints.ai_family = AF_INET6;
		hints.ai_flags |= AI_NUMERICHOST;
		host++;
		len -= 2;
	} else if (colon == NULL || memchr(host, ':', len) != NULL) {
		warnx("%s: not addr:port; an IPv6 address is written "
		    "[addr]:port", esc(addr_port));
		return NULL;
	}
	if (parse_num(colon + 1, 0, 65535, &port) == -1) {
		warnx("%s: the port is no number between 0 and 65535",
		    esc(addr_port));
		return NULL;
	}
	if (len == 1 && *host == '*')
		len = 0;
	name = xstrndup(host, len);
	rc = getaddrinfo(len == 0 ? NULL : name, colon + 1, &hints, &res);
	free(name);
	if (rc != 0)
		warnx("%s: %s", esc(addr_port), gai_strerror(rc));
	return rc != 0 ? NULL : res;
}

static int
listen_one(const struct addrinfo *ai)
{
	int fd, on = 1, saved;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (ai->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Does /etc/hosts give this address twice? */
static int
is_repeated(const struct addrinfo *first, const struct addrinfo *ai)
{
	for (; first != ai; first = first->ai_next)
		if (first->ai_addrlen == ai->ai_addrlen &&
		    memcmp(first->ai_addr, ai->ai_addr, ai->ai_addrlen) == 0)
			return 1;
	return 0;
}

int
listen_open(const char *addr_port, int *fds, size_t max)
{
	struct addrinfo *res, *ai;
	size_t n = 0;
	int fd, why = 0;

	if ((res = resolve(addr_port)) == NULL)
		return -1;
	for (ai = res; ai != NULL; ai = ai->ai_next) {
		if (is_repeated(res, ai))
			continue;
		if (n == max) {
			warnx("%s: too many addresses to listen on",
			    addr_port);
			goto fail;
		}
		if ((fd = listen_one(ai)) != -1)
			fds[n++] = fd;
		else if ((why = errno) != EAFNOSUPPORT &&
		    why != EADDRNOTAVAIL)
			break;
	}
	if (ai == NULL && n > 0) {
		freeaddrinfo(res);
		return (int)n;
	}
	errno = why;
	warn("%s", addr_port);
fail:
	while (n > 0)
		close(fds[--n]);
	freeaddrinfo(res);
	return -1;
}
