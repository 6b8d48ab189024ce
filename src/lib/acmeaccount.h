/* SPDX-License-Identifier: ISC */
/* The directory of an ACME server and the account there (RFC 8555). */
#ifndef ECA_ACMEACCOUNT_H
#define ECA_ACMEACCOUNT_H

#include "acme.h"

/*
 * Read the directory (section 7.1.1).  Returns 0, EX_ERR or EX_TEMP with a
 * message.
 */
int acme_open(struct acme *a);

/* Free what acme_open() and acme_login() put into a. */
void acme_close(struct acme *a);

/*
 * newAccount (section 7.3) with this payload.  Returns 0 with the account in
 * *r, to be freed with acme_reply_free(), and its URL remembered; EX_ERR or
 * EX_TEMP with a message.
 */
int acme_register(struct acme *a, const char *payload, struct acme_reply *r);

enum acme_login {
	ACME_ANY,	/* the remembered account, or a new one */
	ACME_AGAIN,	/* forget the remembered one first */
	ACME_EXISTING	/* make none */
};

/*
 * Make sure that there is an account (section 7.3): the remembered one, which
 * costs no request, or newAccount, which gives the existing one of this key or
 * makes one.  Returns 0, EX_ERR or EX_TEMP with a message.
 */
int acme_login(struct acme *a, enum acme_login how);

/*
 * Ask whose key it is that signs, whatever is remembered: 0 when it is that of
 * this account, EX_ERR when not or refused, EX_TEMP with a message.
 */
int acme_confirm(struct acme *a, const char *account);

#endif
