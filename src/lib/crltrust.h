/* SPDX-License-Identifier: ISC */
/*
 * Whether a revocation list may be believed (RFC 5280 section 6.3.3): its
 * signature, who signed, the way from there to an anchor, its times.  What it
 * says is for crljudge.h.  Links with libcrypto.
 */
#ifndef ECA_CRLTRUST_H
#define ECA_CRLTRUST_H

#include <time.h>

#include <openssl/x509.h>

#include "crl.h"

struct crl_policy {
	STACK_OF(X509) *anchors;
	STACK_OF(X509) *others;	/* where issuers may be found; or NULL */
	time_t now;
	long long max_age;	/* seconds since thisUpdate; 0: any */
};

/* Certificates at hand, made ready.  The policy's must stay where they are. */
struct crl_pool {
	const struct crl_policy *policy;
	X509_STORE *store;		/* the anchors */
	STACK_OF(X509) *cas;		/* of the others those that are CAs */
};

void crl_pool_open(struct crl_pool *pool, const struct crl_policy *policy);
void crl_pool_close(struct crl_pool *pool);

/*
 * Is the list signed by one who may, on a path to an anchor?  CRL_OK with the
 * path in *path, to be freed with pem_certs_free(); else why not.  Its
 * extensions, entries and times are not looked at.
 */
enum crl_why crl_trusted(const struct crl_pool *pool, const struct crl *c,
    STACK_OF(X509) **path);

/*
 * CRL_OK, CRL_STALE or CRL_NOT_YET.  A list that does not say when the next
 * one comes is stale unless the policy has a maximum age.
 */
enum crl_why crl_fresh(const struct crl *c, const struct crl_policy *policy);

/*
 * Is a list older than another of the same issuer: by its number, or by
 * thisUpdate?  A number that is missing where the other has one is older.
 */
int crl_older(const struct crl *c, const struct crl *than);

/* The argument of -M: hours, 0.1 to 168, in seconds.  Exits 2 on others. */
long long crl_opt_age(int opt, const char *s);

/*
 * From cert to an anchor (RFC 5280 section 6.1), NULL when there is no way.
 * Of a leaf only the issuer and the signature count.
 */
STACK_OF(X509) *crl_path(const struct crl_pool *pool, X509 *cert, int leaf);

/* Of two paths, is the anchor of one on the other? */
int crl_same_anchor(STACK_OF(X509) *a, STACK_OF(X509) *b);

/*
 * Of such two, has the same CA certified the issuer of the certificate and
 * the signer of the list?  A CA of the same name elsewhere below the anchor
 * (RFC 5280 section 8) is somebody else.
 */
int crl_same_issuer(STACK_OF(X509) *cert, STACK_OF(X509) *signer,
    const X509_NAME *issuer);

#endif
