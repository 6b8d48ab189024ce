/* SPDX-License-Identifier: ISC */
/*
 * What revocation lists say of certificates (RFC 5280 section 6.3): good,
 * revoked, or unknown and why.  A list is believed when its signer may sign
 * lists and leads to the anchor that the certificate leads to, and only within
 * its scope and time.  Delta and indirect lists make nothing good.  The
 * strength, the purpose and the names of certificates are for chain.h.  Links
 * with libcrypto.
 */
#ifndef ECA_CRLJUDGE_H
#define ECA_CRLJUDGE_H

#include <openssl/x509.h>

#include "crltrust.h"

enum crl_status {
	CRL_GOOD,
	CRL_REVOKED,
	CRL_UNKNOWN
};

struct crl_verdict {
	enum crl_status status;
	enum crl_why why;	/* it is unknown */
	int reason;		/* it is revoked, for crl_reason(); -1: none */
	time_t when;		/* it is revoked */
	int unnamed;		/* good by a list that has a distribution
				 * point while the certificate names none */
	const struct crl *crl;	/* which said so, or came nearest; or NULL */
};

/*
 * Judge all certificates by all lists, each of which is verified and walked
 * once.  out has room for all of them.  No messages.  failed is what is said
 * of a certificate when none of the lists is from its issuer: what crl_slurp()
 * or crl_take() said of one, or CRL_OTHER_ISSUER when all could be read.
 *
 * A trusted list that is stale still says what is revoked.
 */
void crl_judge(struct crl *const *crls, size_t n, enum crl_why failed,
    STACK_OF(X509) *certs, const struct crl_policy *policy,
    struct crl_verdict *out);

#endif
