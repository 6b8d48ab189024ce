/* SPDX-License-Identifier: ISC */
/*
 * One-time tokens of step-ca: a JWT (RFC 7519) as compact JWS (RFC 7515) that
 * lets its bearer have one certificate signed, or one revoked.  It is signed
 * by the key of a JWK provisioner, or by that of a certificate an X5C
 * provisioner trusts.  Links with libcrypto.
 */
#ifndef ECA_OTT_H
#define ECA_OTT_H

#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "name.h"

/* How long a token is good for, in seconds. */
#define OTT_SECONDS 300
/* The longest there is. */
#define OTT_MAX ((size_t)64 << 10)

/* What a token says. */
struct ott {
	const char *provisioner;	/* its name */
	const char *audience;		/* as ott_url() makes it */
	const char *subject;		/* the CN, or a serial number */
	const struct names *names;	/* NULL: none */
	STACK_OF(X509) *chain;		/* X5C: leaf first; NULL: JWK */
	const char *kid;		/* JWK; NULL: thumbprint of the key */
	const char *root;		/* hex SHA-256 of the root; or NULL */
	const char *id;			/* NULL: a random one */
	time_t now;
};

/*
 * A token, signed with key, for the caller to free: a secret until it has been
 * used.  NULL with a message.
 */
char *ott_new(EVP_PKEY *key, const struct ott *ott);

/*
 * The address of an operation ("sign", "revoke") of the step-ca at base, for
 * the caller to free.  It is the audience of a token for it too, for an X5C
 * provisioner with its name at the end; otherwise x5c is NULL.  NULL with a
 * message when base is not an https URL without query and fragment.
 */
char *ott_url(const char *base, const char *operation, const char *x5c);

/*
 * What a token for this request is to say: the subject, which the caller
 * frees, and the names added to names.  The subject is the common name, or the
 * first of the names; when there are no names the common name is one, as
 * step-ca will have it.  0, or -1 with a message about file.
 */
int ott_request(X509_REQ *req, const char *file, char **subject,
    struct names *names);

/*
 * A serial number in decimal, as step-ca wants it: from its text (decimal, or
 * hexadecimal after 0x), or from a certificate.  The caller frees.  NULL with
 * a message when it is not one of RFC 5280: above zero, at most 20 bytes.
 */
char *ott_serial(const char *text);
char *ott_serial_of(const X509 *cert);

/* Is this text of the form of a token?  1 or 0. */
int ott_ok(const char *text);

#endif
