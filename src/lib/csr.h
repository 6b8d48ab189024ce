/* SPDX-License-Identifier: ISC */
/*
 * Certificate requests: PKCS#10 (RFC 2986) from a key, a subject and names.
 * Links with libcrypto.  Functions print the reason when they fail.
 */
#ifndef ECA_CSR_H
#define ECA_CSR_H

#include <stddef.h>

#include <openssl/x509.h>

#include "name.h"

/*
 * A subject from its text (RFC 4514): "CN=edge-client,O=Factory", the most
 * specific part first, as `openssl x509 -nameopt RFC2253` prints it.
 * Attributes by the short names OpenSSL knows or by dotted number; values
 * with \, \+ \20 and #hex, in UTF-8, within the lengths of X.520; several
 * attributes in one part with +.  "" is the empty subject.  NULL with a
 * message; freed with X509_NAME_free().
 */
X509_NAME *csr_subject(const char *dn);
/* The same with the reason, a constant, in *why instead of the message. */
X509_NAME *csr_subject_why(const char *dn, const char **why);

/*
 * A request signed with key.  subject may be NULL: the empty one; names may
 * be NULL or empty: no subjectAltName.  NULL with a message; freed with
 * X509_REQ_free().
 */
X509_REQ *csr_new(EVP_PKEY *key, const X509_NAME *subject,
    const struct names *names);

/* What a request may have beyond that: a digest, more extensions, or NULL. */
struct csr_extra {
	const EVP_MD *digest;
	STACK_OF(X509_EXTENSION) *exts;
};

/* The same with that; keys that bring their own digest keep it. */
X509_REQ *csr_new_extra(EVP_PKEY *key, const X509_NAME *subject,
    const struct names *names, const struct csr_extra *extra);

/*
 * The request as PEM, *len bytes with a NUL behind.  The caller frees with
 * free().  NULL with a message.
 */
char *csr_pem(X509_REQ *req, size_t *len);

#endif
