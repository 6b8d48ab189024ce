/* SPDX-License-Identifier: ISC */
/*
 * Talking to an ACME server (RFC 8555): nonces, signed requests, problem
 * documents.  Directory and account are in acmeaccount.h, orders in
 * acmeorder.h.
 */
#ifndef ECA_ACME_H
#define ECA_ACME_H

#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "http.h"
#include "json.h"
#include "signer.h"

struct acme {
	/* set by the caller */
	const char *directory;		/* URL */
	int agree;			/* the user agrees to the terms */
	int verbose;			/* steps on stderr */

	/* by acme_start() */
	struct http *http;
	struct signer *signer;		/* NULL: nothing is signed */
	const struct signer_info *key;
	char *anchors;			/* PEM */
	FILE *events;			/* JSON lines, or NULL */
	const char *events_name;
	long long deadline;		/* mono_ms() */

	/* by acme_open() */
	struct json *dir;		/* the directory */
	char *new_nonce;
	char *new_account;
	char *new_order;
	char *revoke_cert;		/* URL, or NULL */
	char *key_change;		/* URL, or NULL */
	char *renewal_info;		/* URL, or NULL */
	char *terms;			/* URL, or NULL */

	char *account;			/* URL; NULL until it is known */
	char *nonce;			/* for the next request, or NULL */
	time_t retry_at;		/* when to come back, or 0 */
	const char *reason;		/* of the last failure: acmeproblem.h */
};

/* What a signed request brought. */
struct acme_reply {
	int status;			/* of HTTP */
	char *body;
	size_t len;
	struct json *json;		/* the body, NULL: no object */
	struct http_fields fields;
	const char *location;		/* of fields, or NULL */
	long long retry_after;		/* seconds, -1 when not said */
};

/*
 * An unsigned GET, sent once more when it brings no answer.  Returns 0 when
 * there is an answer, of any status, in *r, to be freed with
 * acme_reply_free(); otherwise EX_TEMP or EX_ERR, http_error() says why and no
 * message is printed.
 */
int acme_get(struct acme *a, const char *url, struct acme_reply *r);

/*
 * A signed POST of payload; "" is POST-as-GET (section 6.3).  Nonces that the
 * server refuses are replaced and the request is sent again (section 6.5); a
 * POST-as-GET that brought no answer or a 5xx is sent again until the deadline,
 * and once newAccount, newOrder or revokeCert that brought no answer.  Returns
 * as acme_get().
 */
int acme_post(struct acme *a, const char *url, const char *payload,
    struct acme_reply *r);
void acme_reply_free(struct acme_reply *r);

/*
 * The body of a signed request, a flattened JWS (section 6.2): with kid, or
 * with the public key when that is NULL; nonce may be NULL, as in the inner
 * JWS of a key change.  The caller frees.  NULL with a message.
 */
char *acme_jws(struct signer *signer, const char *kid, const char *nonce,
    const char *url, const char *payload);

/*
 * acme_post() where only success will do: any other outcome is printed as
 * "what: ..." and returned as EX_ERR or EX_TEMP with nothing to be freed.
 */
int acme_call(struct acme *a, const char *what, const char *url,
    const char *payload, struct acme_reply *r);

/*
 * Sleep ms milliseconds, but not past the deadline.  0, or -1 when the
 * deadline is reached.
 */
int acme_sleep(const struct acme *a, long long ms);

/* Note that this is the end (-e): exit code and reason. */
void acme_note_end(const struct acme *a, int rc);

/* Note the status of an order, authorization or challenge (-v, -e). */
void acme_status(const struct acme *a, const char *object, const char *name,
    const char *status);

#endif
