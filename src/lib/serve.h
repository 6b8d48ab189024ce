/* SPDX-License-Identifier: ISC */
/*
 * Many connections in one process: one poll(2) loop, 64 of them at most (the
 * oldest gives way to a new one), each with a time limit.  What is said on
 * them is the caller's: see http01.h and alpn01.h.  Links with libc only;
 * never raises SIGPIPE.
 */
#ifndef ECA_SERVE_H
#define ECA_SERVE_H

#include <stddef.h>

#include "listen.h"

struct serve_conn {
	int fd;			/* non-blocking; closed by the loop */
	short want;		/* POLLIN or POLLOUT */
	long long deadline;	/* mono_ms(); may be brought forward */
	char peer[LISTEN_ADDRESS_SIZE];
	void *data;		/* of the caller's, see begin and end */
};

struct serve {
	long long ms;		/* what a connection has, from its beginning */
	void *arg;		/* for the functions */

	/* A new connection, or its end.  begin may return -1: close it. */
	int (*begin)(void *arg, struct serve_conn *c);
	void (*end)(void *arg, struct serve_conn *c);
	/* What it wanted has come.  Returns 0, or -1 when it is done with. */
	int (*step)(void *arg, struct serve_conn *c);
	/*
	 * ctl (-1: none) can be read, or its other end is closed.  Returns 0
	 * to go on, -1 to end the loop.
	 */
	int ctl;
	int (*on_ctl)(void *arg, int ctl);
};

/*
 * Serve the n listening sockets, which stay open, until on_ctl ends it.
 * Returns 0 then, or -1 with a message when waiting failed.
 */
int serve_run(const struct serve *s, const int *fds, size_t n);

#endif
