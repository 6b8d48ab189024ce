/* SPDX-License-Identifier: ISC */
/*
 * The interface of step-ca that is its own: have a request signed, have a
 * certificate revoked.  Links with libcurl, jansson and libcrypto.
 */
#ifndef ECA_STEPCA_H
#define ECA_STEPCA_H

#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "http.h"
#include "name.h"

struct stepca {
	struct http *http;	/* new: see stepca_sign() */
	const char *url;	/* of the CA, such as https://ca:4210 */
	int status;		/* of its answer, 0 when there was none */
	time_t retry_at;	/* when it said to come back, or 0 */
	char why[600];		/* why the last call failed, safe to print */
};

struct stepca_order {
	X509_REQ *csr;
	const char *ott;		/* one-time token */
	const struct names *names;	/* of the certificate; NULL: any */
	time_t not_before, not_after;	/* 0: the CA decides */
	STACK_OF(X509) *anchors;	/* of the chain, or NULL */
	time_t now;			/* the time the chain is judged at */
};

struct stepca_revocation {
	const char *serial;	/* decimal */
	const char *ott;	/* NULL: by the client certificate of http */
	int reason;		/* of RFC 5280 section 5.3.1; -1: none said */
};

/*
 * Both return 0, or EX_ERR or EX_TEMP with the reason in ca->why; they print
 * only what is wrong with PEM they were given.
 *
 * A token is good once, and no answer does not mean that there is no
 * certificate.  So nothing is ever asked twice: make a new token for the next
 * attempt.  http must not have been used, for libcurl asks again by itself
 * when a connection from before turns out to be dead.
 */

/*
 * The chain for a request, as PEM in *chain (*len bytes, the caller frees),
 * checked before anybody sees it: for the key of the request and for
 * want->names, each certified by the next, all of them valid now.
 */
int stepca_sign(struct stepca *ca, const struct stepca_order *want,
    char **chain, size_t *len);

/* Revoke; *already says whether it was so before. */
int stepca_revoke(struct stepca *ca, const struct stepca_revocation *r,
    int *already);

#endif
