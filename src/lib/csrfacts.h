/* SPDX-License-Identifier: ISC */
/*
 * What a certificate request (PKCS#10, RFC 2986) from a stranger says, taken
 * out of it once and with nothing believed.  Links with libcrypto, started by
 * ossl_reader() or ossl_memory(): ossl_maker() leaves out what verifies.
 */
#ifndef ECA_CSRFACTS_H
#define ECA_CSRFACTS_H

#include <stddef.h>

#include <openssl/x509.h>

#include "jsonw.h"
#include "name.h"

struct csrfacts {
	X509_REQ *req;
	char *subject;		/* as RFC 4514 writes it */
	struct names names;	/* as names_show() has them */
	char key[16];		/* rsa2048, P-256, Ed25519, ...: KEY_TYPES */
	int strong;		/* the key is one that key_strong() takes */
	int self_signed;	/* by the key in it, with SHA-256 or better */
	int ambiguous;		/* two places that ask for extensions, two
				 * extensions of one kind, a second CN */
	int wants_ca;		/* asks to be a CA */
	int challenge;		/* has a challengePassword */
	char spki_sha256[65];	/* hex SHA-256 of SubjectPublicKeyInfo */
	char id[65];		/* the same of subject, key and extensions */
};

/*
 * Read a request in DER: all len bytes are it.  Returns 0, or -1 with a
 * message about name when it is none, or its key or subject cannot be read.
 * To be ended with csrfacts_free(), which a failed call allows too.
 */
int csrfacts_der(struct csrfacts *f, const unsigned char *der, size_t len,
    const char *name);

/* The same for PEM text with one request in it and no other block. */
int csrfacts_pem(struct csrfacts *f, const char *pem, size_t len,
    const char *name);

/*
 * The value of the challengePassword, len bytes that f owns, when there is
 * exactly one and it is text (RFC 2985 section 5.4.1), else NULL.
 */
const char *csrfacts_challenge(const struct csrfacts *f, size_t *len);

/*
 * Does the request ask for the subject and the names of this certificate (RFC
 * 7030 section 4.2.2)?  Subjects are compared as X509_NAME_cmp() does it, names
 * as a set, each returns 1 or 0.
 */
int csrfacts_same_subject(const struct csrfacts *f, const X509 *cert);
int csrfacts_same_names(const struct csrfacts *f, const X509 *cert);

/* Write subject, sans, key, spki_sha256, challenge_password. */
void csrfacts_json(const struct csrfacts *f, struct jsonw *w);

void csrfacts_free(struct csrfacts *f);

#endif
