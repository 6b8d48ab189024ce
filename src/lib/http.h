/* SPDX-License-Identifier: ISC */
/*
 * An HTTPS client for programs that talk to one server: one connection that
 * is used again, private anchors and nothing else trusted, TLS 1.2 at least,
 * every size and time bounded, no redirects, no cookies.  Links
 * with libcurl.
 */
#ifndef ECA_HTTP_H
#define ECA_HTTP_H

#include <stddef.h>
#include <time.h>

#include "httpfield.h"

struct http;

struct http_request {
	const char *method;	/* GET, HEAD, POST */
	const char *url;
	const char *accept;	/* Accept, or NULL */
	const char *type;	/* Content-Type of the body */
	const char *line;	/* one more line of the head, or NULL */
	const char *body;	/* NULL: no body */
	size_t len;
	size_t max;		/* the most that is taken of the answer */
	const char *user;	/* user:password of HTTP, or NULL */
	int digest;		/* by Digest (RFC 7616), else by Basic */
};

struct http_answer {
	int status;		/* of HTTP */
	char *body;		/* NUL-terminated beyond len */
	size_t len;
	struct http_fields fields;
	long long ms;		/* how long it took */
};

struct http_conf {
	const char *anchors;	/* PEM; must hold a certificate */
	size_t anchors_len;
	const char *cert;	/* client certificate, chain: PEM, or NULL */
	size_t cert_len;
	const char *key;	/* its key, PEM */
	size_t key_len;
	const char *proxy;	/* of http_proxy(), NULL: none is used */
	int plain;		/* http URLs are taken too */
	int unverified;		/* whoever the server is; no anchors needed */
	int http1;		/* HTTP/1.1 only */
	void (*tls)(void *ctx);	/* gets the SSL_CTX of a connection; or NULL */
	long long deadline;	/* mono_ms(), of every request */
};

/*
 * A client.  The texts in conf are used while it lives; nothing but the anchors
 * is trusted, and no proxy is used but that one, whatever the environment
 * says.  Returns NULL with a message.  The port of its first URL is the only
 * one it talks to.
 */
struct http *http_new(const struct http_conf *conf);
void http_free(struct http *h);

/*
 * One request.  Returns 0 when there is an answer, whatever its status, in
 * *a; the caller frees it with http_answer_free().  Otherwise EX_TEMP (no
 * connection, no answer or a part of it, deadline) or EX_ERR (certificate not
 * trusted by either side, answer too large or of a length not told, URL not
 * https or on another port), no message is printed, http_error() has it and
 * nothing is to be freed.
 */
int http_do(struct http *h, const struct http_request *req,
    struct http_answer *a);
void http_answer_free(struct http_answer *a);
/* Why the last http_do() failed; valid until the next call. */
const char *http_error(const struct http *h);
/* Let http_error() say this, for a failure above HTTP. */
void http_fail(struct http *h, const char *why);

/* A date of HTTP (RFC 9110 section 5.6.7), or -1. */
time_t http_date(const char *s);

#endif
