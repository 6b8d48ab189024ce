/* SPDX-License-Identifier: ISC */
/*
 * A TCP connection to host:port.  What is meant is called peer in messages,
 * and has been through esc().  Links with libc only.
 */
#ifndef ECA_DIAL_H
#define ECA_DIAL_H

/*
 * Split host:port or [address]:port in place.  0, or -1 with a message; what
 * host and port are set to points into s.
 */
int dial_split(char *s, const char *peer, char **host, char **port);

/*
 * Connect to the first address of the host that answers until end (as in
 * mono_ms()); each may use up an equal share of what is left of the time.
 * verbose: say which of them do.  A blocking socket, or -1 with a message.
 */
int dial(const char *host, const char *port, const char *peer, long long end,
    int verbose);

#endif
