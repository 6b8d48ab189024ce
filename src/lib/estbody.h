/* SPDX-License-Identifier: ISC */
/*
 * The bodies of EST (RFC 7030 as RFC 8951 puts it): base64 of DER, and in it
 * certificates (certs-only PKCS#7, RFC 5652) or a request (RFC 2986).  Links
 * with libcrypto.  No messages: *why says what is wrong, a constant text.
 */
#ifndef ECA_ESTBODY_H
#define ECA_ESTBODY_H

#include <stddef.h>

#include <openssl/x509.h>

/* The most that is taken of a body, as text, and of certificates in one. */
#define EST_BODY_MAX ((size_t)256 << 10)
#define EST_CERTS_MAX 100

/*
 * Below this a body is one line whoever reads it (libest fails on longer ones,
 * strongSwan before 5.9.11 on a second line).
 */
#define EST_LINE_MAX 1000

/*
 * Decode len bytes of text: CR, LF, SP and TAB anywhere, the padding there.
 * Any other byte is refused, and so are PEM and what is empty or larger than
 * EST_BODY_MAX.  The caller frees the *n bytes with OPENSSL_free().
 */
unsigned char *est_decode(const char *text, size_t len, size_t *n,
    const char **why);

/*
 * Encode: one line and LF when below EST_LINE_MAX characters or width is 0,
 * else lines of width characters (a multiple of 4: 64, 76), LF behind each.
 * *n bytes with a NUL behind, for the caller to free with free().
 */
char *est_encode(const unsigned char *der, size_t len, unsigned int width,
    size_t *n);

/*
 * The certificates of a SignedData, in its order; who signed it, and whether,
 * does not matter.  Bytes behind it and having none are refused.  The caller
 * frees with pem_certs_free().
 */
STACK_OF(X509) *est_certs(const unsigned char *der, size_t len,
    const char **why);

/*
 * Certificates in DER, one behind the other, up to IO_PEM_MAX bytes, as
 * certs-only DER, for OPENSSL_free(); *n bytes.
 */
unsigned char *est_wrap(const unsigned char *certs, size_t len, size_t *n);

/* Those certificates as certs-only DER, for OPENSSL_free(); *n bytes. */
unsigned char *est_certs_only(STACK_OF(X509) *certs, size_t *n);

/*
 * A request, signed by its own key, nothing behind it.  The caller frees with
 * X509_REQ_free().
 */
X509_REQ *est_csr(const unsigned char *der, size_t len, const char **why);

#endif
