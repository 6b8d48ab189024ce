/* SPDX-License-Identifier: ISC */
/*
 * The authorizations of an order and their challenges (RFC 8555 sections 7.5
 * and 8).
 */
#ifndef ECA_ACMEAUTHZ_H
#define ECA_ACMEAUTHZ_H

#include "acme.h"
#include "hook.h"
#include "responder.h"
#include "webroot.h"

enum authz_state {
	AUTHZ_TODO,	/* to be answered */
	AUTHZ_SENT,	/* the server is at it */
	AUTHZ_TROUBLE,	/* pending with an error: to be tried again */
	AUTHZ_FAILED,	/* no more by this challenge; that was told */
	AUTHZ_VALID
};

/*
 * Who answers challenges, NULL: nobody; tried in this order: http-01 by
 * webroot, tls-alpn-01 by alpn, then the hook, which may decline, with
 * http-01, dns-01, tls-alpn-01.
 */
struct solver {
	struct webroot *webroot;
	struct responder *alpn;		/* of alpn01_start() */
	struct hook *hook;

	/* What was tried for which name; solver_free(). */
	struct past {
		char *name;
		int wildcard;
		size_t ways;		/* so many need not be tried again */
	} *past;
	size_t npast;
};

struct authz {
	char *url;
	char *name;		/* what it is for, from the server */
	int wildcard;		/* and not that name but *. before it */
	const char *type;	/* of the challenge that was chosen */
	size_t way;		/* how it is answered */
	char *challenge;	/* URL of it; NULL: none is chosen */
	char *error;		/* the last one of the challenge */
	enum authz_state state;
	int more;		/* another type could be tried */
	int tries;
	long long retry_after;	/* seconds, -1 when not said */
};

/*
 * Read an authorization.  A pending one without a chosen challenge gets the
 * answer to the first that somebody takes put in place, and is AUTHZ_TODO;
 * one that has such a challenge gets its state.  Returns 0, or EX_ERR or
 * EX_TEMP with a message; EX_ERR and AUTHZ_FAILED concern this one only.
 */
int authz_load(struct acme *a, struct solver *s, struct authz *z);

/*
 * Tell the server to look (section 7.5.1).  An answer that does not come is no
 * failure: step-ca cuts the connection after 15 s and goes on validating, so
 * the order and the authorization are asked later.  Neither is a refusal when
 * the authorization turns out to be valid already.  Returns as authz_load().
 */
int authz_answer(struct acme *a, struct solver *s, struct authz *z);

/* The challenge has failed for good: say so and do not try it again. */
void authz_failed(struct acme *a, struct solver *s, struct authz *z,
    const char *status);

/* Free what is in it. */
void authz_free(struct authz *z);

/* Forget what was tried. */
void solver_free(struct solver *s);

#endif
