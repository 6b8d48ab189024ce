/* SPDX-License-Identifier: ISC */
/* What an ACME server refuses, and why (RFC 8555 section 6.7). */
#ifndef ECA_ACMEPROBLEM_H
#define ECA_ACMEPROBLEM_H

#include "acme.h"

/* The types of problem that a client acts upon (RFC 8555 section 6.7). */
#define ACME_BAD_NONCE "badNonce"
#define ACME_NO_ACCOUNT "accountDoesNotExist"
#define ACME_NOT_READY "orderNotReady"
#define ACME_ALREADY_REPLACED "alreadyReplaced"

/*
 * Why a command failed, in its last event (acme.7 lists them).  NULL stands
 * for all that is none of these.
 */
#define ACME_R_LIMIT "rate-limited"
#define ACME_R_USER "user-action"	/* the user has to do something */
#define ACME_R_CHALLENGE "challenge"	/* no challenge could be met */
#define ACME_R_REFUSED "refused"	/* by the server, the CSR for one */
#define ACME_R_SERVER "server"		/* a fault of it: 5xx and such */
#define ACME_R_NETWORK "network"	/* no connection, no answer */
#define ACME_R_DEADLINE "deadline"


/* Is this reply the problem of that type (without the urn: prefix)? */
int acme_is(const struct acme_reply *r, const char *type);

/*
 * Print a reply that is a refusal and return EX_TEMP (rate limited, 5xx; sets
 * retry_at when the server said a time) or EX_ERR.  Sets the reason.
 */
int acme_refused(struct acme *a, const char *what, const struct acme_reply *r);

/* A problem document as one line of safe text, in a static buffer. */
#define ACME_PROBLEM_SIZE 8192	/* its length, at most */
const char *acme_problem(const struct json *problem);

/*
 * When the problem is one of CAA records: print what the server calls itself
 * there and the account, for accounturi (RFC 8657).
 */
void acme_caa(const struct acme *a, const struct json *problem);

#endif
