/* SPDX-License-Identifier: ISC */
/* TCP connections: see dial.h. */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "util.h"

int
dial_split(char *s, const char *peer, char **host, char **port)
{
	char *colon = strrchr(s, ':');
	long long n;

	if (colon == NULL || parse_num(colon + 1, 1, 65535, &n) == -1) {
		warnx("%s: not host:port", peer);
		return -1;
	}
	*colon = '\0';
	*port = colon + 1;
	if (*s == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		s++;
	} else if (strchr(s, ':') != NULL) {
		warnx("%s: an IPv6 address goes in brackets", peer);
		return -1;
	}
	if (*s == '\0') {
		warnx("%s: no host", peer);
		return -1;
	}
	*host = s;
	return 0;
}

/* Connect, waiting no longer than ms.  A blocking socket, or -1. */
static int
connect_one(const struct addrinfo *a, int ms)
{
	struct pollfd pfd = {.fd = -1, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int error = 0, rc;

	pfd.fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, a->ai_protocol);
	if (pfd.fd == -1)
		return -1;
	if (connect(pfd.fd, a->ai_addr, a->ai_addrlen) == -1) {
		error = errno;
		if (error == EINPROGRESS &&
		    (rc = poll(&pfd, 1, ms)) <= 0)
			error = rc == 0 ? ETIMEDOUT : errno;
		else if (error == EINPROGRESS)
			getsockopt(pfd.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	if (error == 0 && fcntl(pfd.fd, F_SETFL, 0) == -1)
		error = errno;
	if (error != 0) {
		close(pfd.fd);
		errno = error;
		return -1;
	}
	return pfd.fd;
}

int
dial(const char *host, const char *port, const char *peer, long long end,
    int verbose)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list, *a;
	char ip[NI_MAXHOST];
	int fd = -1, n = 0, rc;

	if ((rc = getaddrinfo(host, port, &hints, &list)) != 0) {
		warnx("%s: %s", peer, gai_strerror(rc));
		return -1;
	}
	for (a = list; a != NULL; a = a->ai_next)
		n++;
	for (a = list; a != NULL && fd == -1; a = a->ai_next, n--) {
		fd = connect_one(a, (int)((end - mono_ms()) / n));
		rc = errno;
		if (verbose && getnameinfo(a->ai_addr, a->ai_addrlen, ip,
		    sizeof(ip), NULL, 0, NI_NUMERICHOST) == 0)
			warnx("%s: %s: %s", peer, ip,
			    fd == -1 ? strerror(rc) : "connected");
	}
	freeaddrinfo(list);
	if (fd == -1)
		warnx("%s: %s", peer, strerror(rc));
	return fd;
}
