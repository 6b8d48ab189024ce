/* SPDX-License-Identifier: ISC */
/*
 * The server side of HTTP-01 (RFC 8555 section 8.3): answers GET and HEAD of
 * /.well-known/acme-challenge/TOKEN and nothing else.  One process (see
 * serve.h), 4 KiB of request, ten seconds for an exchange, one request a
 * connection.  Links with libc only.
 */
#ifndef ECA_HTTP01_H
#define ECA_HTTP01_H

#include <sys/types.h>

#include <stddef.h>

/* Where the answers are, below a webroot. */
#define HTTP01_DIR ".well-known/acme-challenge"

/* The longest key authorization that is served. */
#define HTTP01_ANSWER_MAX 1024

/*
 * The key authorization for a token that http01_token_ok() has passed: puts
 * at most size bytes (HTTP01_ANSWER_MAX) into buf and returns how many, or -1
 * when there is none, which the client sees as 404.
 */
typedef ssize_t http01_find(void *arg, const char *token, char *buf,
    size_t size);

/*
 * Serve the n listening sockets until on_ctl says stop.  When ctl (-1: none)
 * can be read or its other end is closed, on_ctl(arg, ctl) is called: 0 goes
 * on, -1 ends the loop.  The sockets stay open.  Returns 0 when on_ctl ended
 * it, -1 with a message when waiting failed.
 */
int http01_run(const int *fds, size_t n, http01_find *find, void *arg, int ctl,
    int (*on_ctl)(void *arg, int ctl));

/* From now on each request is one line on stderr: peer, request, status. */
void http01_verbose(void);

/* Is this a token: 1 to 128 characters of A-Z, a-z, 0-9, "-" and "_"? */
int http01_token_ok(const char *token);

#endif
