/* SPDX-License-Identifier: ISC */
/*
 * An HTTPS client for programs that talk to one server: one connection that
 * is used again, private anchors and nothing else trusted, TLS 1.2 at least,
 * every size and time bounded, no redirects, no proxy, no cookies.  Links
 * with libcurl.
 */
#ifndef ECA_HTTP_H
#define ECA_HTTP_H

#include <stddef.h>
#include <time.h>

/* The most that is kept of one answer's header fields. */
#define HTTP_FIELDS_MAX 100
#define HTTP_FIELD_SIZE 8192

struct http;

struct http_fields {
	struct {
		char *name;
		char *value;
	} v[HTTP_FIELDS_MAX];
	size_t n;
};

struct http_request {
	const char *method;	/* GET, HEAD, POST */
	const char *url;
	const char *accept;	/* Accept, or NULL */
	const char *type;	/* Content-Type of the body */
	const char *body;	/* NULL: no body */
	size_t len;
	size_t max;		/* the most that is taken of the answer */
};

struct http_answer {
	int status;		/* of HTTP */
	char *body;		/* NUL-terminated beyond len */
	size_t len;
	struct http_fields fields;
	long long ms;		/* how long it took */
};

/*
 * A client that trusts the PEM certificates in anchors (len bytes, used while
 * the client lives) and ends every request at deadline (mono_ms()).  Returns
 * NULL with a message.  The port of its first URL is the only one it talks to.
 */
struct http *http_new(const char *anchors, size_t len, long long deadline);
void http_free(struct http *h);

/*
 * One request.  Returns 0 when there is an answer, whatever its status, in
 * *a; the caller frees it with http_answer_free().  Otherwise EX_TEMP (no
 * connection, no answer or a part of it, deadline) or EX_ERR (certificate not
 * trusted, answer too large or of a length not told, URL not https or on
 * another port), no message is printed,
 * http_error() has it and nothing is to be freed.
 */
int http_do(struct http *h, const struct http_request *req,
    struct http_answer *a);
void http_answer_free(struct http_answer *a);
/* Why the last http_do() failed; valid until the next call. */
const char *http_error(const struct http *h);
/* Let http_error() say this, for a failure above HTTP. */
void http_fail(struct http *h, const char *why);

/*
 * Take one header line as received into f (RFC 9112 section 5).  A status
 * line empties f.  Returns 0, or -1 for a line that is no field or too long,
 * which is then left out.
 */
int http_field_add(struct http_fields *f, const char *line, size_t len);
void http_fields_free(struct http_fields *f);
/* The value of the first field of that name, or NULL. */
const char *http_field(const struct http_fields *f, const char *name);

/*
 * The target of link number i (from 0) with that relation, over all Link
 * fields (RFC 8288), resolved against the URL base.  The caller frees.  NULL
 * when there is none, or it is no https URL.
 */
char *http_link(const struct http_fields *f, const char *base,
    const char *rel, size_t i);

/*
 * Retry-After (RFC 9110 section 10.2.3) as seconds from now, 0 or more; both
 * forms.  -1 when value is NULL or neither.
 */
long long http_retry_after(const char *value, time_t now);

/*
 * Host and port of an https URL.  0, or -1 when it is not one or has a user
 * name in it.
 */
int http_url(const char *url, char *host, size_t size, unsigned int *port);

#endif
