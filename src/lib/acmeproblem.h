/* SPDX-License-Identifier: ISC */
/* Problem documents (RFC 8555 section 6.7): part of acme.h. */
#ifndef ECA_ACMEPROBLEM_H
#define ECA_ACMEPROBLEM_H

#include "json.h"

struct acme;
struct acme_reply;

/* The types of problem that a client acts upon (RFC 8555 section 6.7). */
#define ACME_BAD_NONCE "badNonce"
#define ACME_NO_ACCOUNT "accountDoesNotExist"
#define ACME_NOT_READY "orderNotReady"
#define ACME_ALREADY_REPLACED "alreadyReplaced"

/* Is this reply the problem of that type (without the urn: prefix)? */
int acme_is(const struct acme_reply *r, const char *type);

/*
 * Print a reply that is a refusal and return EX_TEMP (rate limited, 5xx; sets
 * retry_at when the server said a time) or EX_ERR.
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
