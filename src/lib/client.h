/* SPDX-License-Identifier: ISC */
/*
 * What every program does that asks one server over HTTPS: read the anchors,
 * then give up all rights it does not need.  Links with libcrypto.
 */
#ifndef ECA_CLIENT_H
#define ECA_CLIENT_H

#include <stddef.h>

/*
 * The PEM text that libcurl is given as anchors: it holds a certificate.
 * NULL with a message; the caller frees.
 */
char *client_anchors(const char *path, size_t *len);

/*
 * Confine this process: it can look names up, connect to the port and to that
 * of the proxy (0: none), and write in the directory (NULL: nowhere).  0, or
 * -1 with a message.
 */
int client_confine(const char *writable, unsigned int port,
    unsigned int proxy);

#endif
