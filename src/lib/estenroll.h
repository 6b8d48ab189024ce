/* SPDX-License-Identifier: ISC */
/*
 * Enrollment by EST (RFC 7030 sections 4.2.1 and 4.2.2): from the request to a
 * chain that was looked at.  Links with libcurl and libcrypto.
 */
#ifndef ECA_ESTENROLL_H
#define ECA_ESTENROLL_H

#include "est.h"

/* How much of what was asked for the certificate must have. */
enum {
	ESTENROLL_EXACT,	/* the names, and the subject if it has one */
	ESTENROLL_SAN,		/* the names */
	ESTENROLL_ANY		/* nothing of it */
};

/* want.now: judge what was issued at the time it comes. */
#define ESTENROLL_AT_ISSUE ((time_t)-1)

struct estenroll_want {
	X509_REQ *csr;
	STACK_OF(X509) *anchors;	/* NULL: links, key and names only */
	X509 *current;			/* the certificate shown, or NULL */
	int renew;			/* simplereenroll */
	int policy;			/* ESTENROLL_EXACT, ... */
	int wait;			/* for approval, until the deadline */
	time_t now;
};

/* ESTENROLL_EXACT etc. for exact, san, any; -1 for anything else. */
int estenroll_policy(const char *word);

/*
 * Is the request for the subject and the names of cert (section 4.2.2)?  0, or
 * -1 with a message.
 */
int estenroll_same(X509_REQ *csr, X509 *cert, const char *file);

/*
 * Enroll.  Returns 0 with the chain, leaf first and without the root, for
 * pem_certs_free(); else EX_ERR or EX_TEMP (pending, too) with a message.
 */
int estenroll_run(struct est *e, const struct estenroll_want *want,
    STACK_OF(X509) **chain);

#endif
