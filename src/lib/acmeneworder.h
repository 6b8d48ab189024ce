/* SPDX-License-Identifier: ISC */
/*
 * The order object (RFC 8555 section 7.1.3): made, found again by its journal,
 * read.  What is done with it is in acmeorder.h.
 */
#ifndef ECA_ACMENEWORDER_H
#define ECA_ACMENEWORDER_H

#include <stddef.h>

#include "acme.h"
#include "acmeauthz.h"
#include "acmeorder.h"

struct order {
	struct acme *a;
	const struct order_want *want;
	char *url;
	char *status;
	char *finalize;		/* URL */
	char *certificate;	/* URL; NULL until it is valid */
	char *error;
	long long retry_after;	/* seconds, -1: not said */
	struct authz *authz;
	size_t n;
};

/*
 * An order for what is wanted: the one in the journal if it is still good for
 * something, else a new one, whose URL is noted there (section 7.4).  0, or
 * EX_ERR or EX_TEMP with a message.
 */
int order_begin(struct order *o);

/* Take over what an order object says.  0, or EX_ERR with a message. */
int order_read(struct order *o, const struct acme_reply *r);

/* Ask how it is.  Returns as order_begin(). */
int order_poll(struct order *o);

/* Free what is in it. */
void order_end(struct order *o);

#endif
