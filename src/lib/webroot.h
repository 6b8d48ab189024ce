/* SPDX-License-Identifier: ISC */
/*
 * Where HTTP-01 answers go (RFC 8555 section 8.3): into the directory of a web
 * server that is already there, or to a responder of our own.  Whatever was
 * put is gone when the program ends, by exit or by signal.
 */
#ifndef ECA_WEBROOT_H
#define ECA_WEBROOT_H

struct webroot;

/*
 * Answers as files DIR/.well-known/acme-challenge/TOKEN, mode 0644.  The two
 * directories are made, mode 0755, when they are missing, and stay.  Before
 * the sandbox.  Returns NULL with a message.
 */
struct webroot *webroot_dir(const char *dir);

/*
 * Answers by a process of our own that listens on addr:port.  Before the
 * sandbox.  Returns NULL with a message.
 */
struct webroot *webroot_listen(const char *addr_port);

/* The directory a sandbox must leave writable, or NULL. */
const char *webroot_path(const struct webroot *w);

/*
 * Put an answer in place: when this returns 0 it is served.  The token must
 * be one that http01_token_ok() takes.  -1 with a message.
 */
int webroot_put(struct webroot *w, const char *token, const char *answer);

/* Take all answers away and end the responder.  NULL is fine. */
void webroot_free(struct webroot *w);

#endif
