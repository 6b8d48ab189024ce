/* SPDX-License-Identifier: ISC */
/*
 * The authorizations of an order and their challenges (RFC 8555 sections 7.5
 * and 8).
 */
#ifndef ECA_ACMEAUTHZ_H
#define ECA_ACMEAUTHZ_H

#include "acme.h"
#include "hook.h"
#include "webroot.h"

enum authz_state {
	AUTHZ_TODO,	/* to be answered */
	AUTHZ_SENT,	/* the server is at it */
	AUTHZ_TROUBLE,	/* pending with an error: to be tried again */
	AUTHZ_VALID
};

/* Who answers challenges: one of them. */
struct solver {
	struct webroot *webroot;	/* http-01 only */
	struct hook *hook;		/* whatever it does not decline */
};

struct authz {
	char *url;
	char *name;		/* what it is for, from the server */
	char *type;		/* of the challenge that was chosen */
	char *challenge;	/* URL of it */
	char *error;		/* the last one of the challenge */
	enum authz_state state;
	int tries;
	long long retry_after;	/* seconds, -1 when not said */
};

/*
 * Read an authorization.  The first time, a pending one gets the answer to
 * one of its challenges put in place, http-01 before dns-01 before
 * tls-alpn-01; later that challenge decides the state.
 * Returns 0, or EX_ERR or EX_TEMP with a message when it can be valid no more.
 */
int authz_load(struct acme *a, const struct solver *s, struct authz *z);

/*
 * Tell the server to look (section 7.5.1).  An answer that does not come is no
 * failure: step-ca cuts the connection after 15 s and goes on validating, so
 * the order and the authorization are asked later.  Neither is a refusal when
 * the authorization turns out to be valid already.  Returns as authz_load().
 */
int authz_answer(struct acme *a, const struct solver *s, struct authz *z);

/* Free what is in it. */
void authz_free(struct authz *z);

#endif
