/* SPDX-License-Identifier: ISC */
/* One ACME order from its names to its checked chain (RFC 8555 section 7.4). */
#ifndef ECA_ACMEORDER_H
#define ECA_ACMEORDER_H

#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "acme.h"
#include "acmeauthz.h"
#include "acmejournal.h"
#include "name.h"

#define ORDER_AT_ISSUE ((time_t)-1)	/* for order_want.now */

struct order_want {
	X509_REQ *csr;
	const struct names *names;	/* of the CSR: DNS and IP only */
	struct solver *solver;		/* who answers the challenges */
	STACK_OF(X509) *anchors;	/* of the chain; NULL: only its links */
	struct journal *journal;	/* NULL: orders are not resumed */
	const char *alternate;		/* chain by its root; NULL: the first */
	const char *profile;		/* NULL: the server's choice */
	const char *replaces;		/* certificate by ARI, or NULL */
	time_t not_before;		/* 0: the server's choice */
	time_t not_after;
	time_t now;			/* when the chain must be valid */
};

/*
 * Order, answer a challenge of each authorization, finalize, download and
 * check.  When a challenge fails and another type could do, that is tried, by
 * a new order if this one is invalid.  a is open and logged in.  Returns 0
 * with the chain as PEM in *chain (*len bytes, the caller frees), else EX_ERR
 * or EX_TEMP with a message.
 */
int order_run(struct acme *a, const struct order_want *want, char **chain,
    size_t *len);

#endif
