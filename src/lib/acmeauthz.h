/* SPDX-License-Identifier: ISC */
/*
 * The authorizations of an order and their HTTP-01 challenges (RFC 8555
 * sections 7.5 and 8.3).
 */
#ifndef ECA_ACMEAUTHZ_H
#define ECA_ACMEAUTHZ_H

#include "acme.h"
#include "webroot.h"

enum authz_state {
	AUTHZ_TODO,	/* to be answered */
	AUTHZ_SENT,	/* the server is at it */
	AUTHZ_TROUBLE,	/* pending with an error: to be tried again */
	AUTHZ_VALID
};

struct authz {
	char *url;
	char *name;		/* what it is for, from the server */
	char *challenge;	/* URL of its http-01 challenge */
	char *error;		/* the last one of the challenge */
	enum authz_state state;
	int tries;
};

/*
 * Read an authorization.  The first time, a pending one gets the answer to its
 * http-01 challenge put into w; later its challenge decides the state.
 * Returns 0, or EX_ERR or EX_TEMP with a message when it can be valid no more.
 */
int authz_load(struct acme *a, struct webroot *w, struct authz *z);

/*
 * Tell the server to look (section 7.5.1).  An answer that does not come is no
 * failure: step-ca cuts the connection after 15 s and goes on validating, so
 * the order and the authorization are asked later.  Neither is a refusal when
 * the authorization turns out to be valid already.  Returns as authz_load().
 */
int authz_answer(struct acme *a, struct webroot *w, struct authz *z);

/* Free what is in it. */
void authz_free(struct authz *z);

#endif
