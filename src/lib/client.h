/* SPDX-License-Identifier: ISC */
/* What a program gives up before it asks a server.  Links with libc only. */
#ifndef ECA_CLIENT_H
#define ECA_CLIENT_H

/*
 * Confine this process: it can look names up, connect to the port and to that
 * of the proxy (0: none), and write in the directory (NULL: nowhere).  0, or
 * -1 with a message.
 */
int client_confine(const char *writable, unsigned int port,
    unsigned int proxy);

#endif
