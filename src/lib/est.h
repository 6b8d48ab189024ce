/* SPDX-License-Identifier: ISC */
/*
 * A client of EST (RFC 7030): one operation and its answer, passwords and
 * redirects included.  estsession.h has its beginning and end.  Links with
 * libcurl and libcrypto.
 */
#ifndef ECA_EST_H
#define ECA_EST_H

#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "http.h"

struct est {
	char *base;			/* URL without the operation */
	struct http *http;
	STACK_OF(X509) *own;		/* -c, NULL: none */
	char *anchors, *cert, *key;	/* PEM, while http uses them */
	size_t key_len;
	char *user;			/* user:password, NULL: none */
	size_t user_len;
	int asked;			/* for them; the server wants them */
	int digest;			/* by Digest */
	int verbose;			/* -v */
	long long deadline;
	time_t retry_at;		/* what est_end() says; 0: nothing */
};

/*
 * One operation: a GET, or a POST of this request (base64).  A challenge (401)
 * is answered once; a redirect is followed on the same server, whoever asks.
 * Returns 0 with an answer of any other status for http_answer_free(), else
 * EX_ERR or EX_TEMP with a message.
 */
int est_call(struct est *e, const char *op, const char *request,
    struct http_answer *a);

/*
 * Print an answer that is a refusal.  Returns EX_TEMP (5xx, rate limit; sets
 * retry_at when the server said a time) or EX_ERR.
 */
int est_refused(struct est *e, const char *op, const struct http_answer *a);

/*
 * The text of an answer on one line, as much as is shown, safe to print;
 * valid until the next call.
 */
const char *est_text(const struct http_answer *a);

/* What Retry-After says: seconds, at most EST_RETRY_MAX; -1 when nothing. */
#define EST_RETRY_MAX (7LL * 86400)
long long est_retry_after(const struct http_answer *a);

/*
 * The certificates in an answer.  NULL with a message about op; the caller
 * frees with pem_certs_free().
 */
STACK_OF(X509) *est_answer_certs(const char *op, const struct http_answer *a);

/* A subject as RFC 4514 text, not escaped, for the caller to free. */
char *est_subject(const X509_NAME *name);

#endif
