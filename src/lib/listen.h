/* SPDX-License-Identifier: ISC */
/* TCP sockets that listen, and addresses as text.  Links with libc only. */
#ifndef ECA_LISTEN_H
#define ECA_LISTEN_H

#include <sys/socket.h>

#include <stddef.h>

/* Length of an address as text, with its NUL. */
#define LISTEN_ADDRESS_SIZE 80

/*
 * Listen on "addr:port": an IPv4 address, an IPv6 address in brackets, a host
 * name (all its addresses), or nothing or "*" for every address of both
 * families.  Port 0 takes any free one.  Puts at most max descriptors, close
 * on exec and non-blocking, into fds for the caller to close.  A family that
 * this host has not is passed over.  Returns how many there are, or -1 with a
 * message and nothing open.
 */
int listen_open(const char *addr_port, int *fds, size_t max);

/* An address as "127.0.0.1:80" or "[::1]:80" into buf, which is returned. */
const char *listen_address(const struct sockaddr_storage *ss, socklen_t len,
    char buf[LISTEN_ADDRESS_SIZE]);

/* The same for the address a listening socket has. */
const char *listen_local(int fd, char buf[LISTEN_ADDRESS_SIZE]);

#endif
