/* SPDX-License-Identifier: ISC */
/* PEM (RFC 7468): certificates and CSRs from files.  Links with libcrypto. */
#ifndef ECA_PEM_H
#define ECA_PEM_H

#include <stddef.h>

#include <openssl/bio.h>
#include <openssl/x509.h>

/*
 * The next block of bio, a memory BIO.  Returns 1 with *label and *der (*len
 * bytes) to be freed with OPENSSL_free(), 0 at the end of the input, -1 with
 * a message about name for a block that is broken or longer than IO_PEM_MAX:
 * an error is never taken for the end, nor half a block for text in between.
 */
int pem_next(BIO *bio, const char *name, char **label, unsigned char **der,
    long *len);

/* Is this the label of a certificate? */
int pem_is_cert(const char *label);

/*
 * All certificates of a PEM text, in their order; text between the blocks is
 * skipped.  With strict set any block that is no CERTIFICATE is refused (RFC
 * 8555 section 11.4), else it is skipped, unless it is a certificate of
 * another form ("TRUSTED CERTIFICATE").  Returns NULL with a message about
 * name when one is broken or there is none.  The caller frees with
 * pem_certs_free().
 */
STACK_OF(X509) *pem_certs(const char *buf, size_t len, const char *name,
    int strict);

/* The same from a file ("-" or NULL: standard input), up to IO_PEM_MAX. */
STACK_OF(X509) *pem_load_certs(const char *path, int strict);

/*
 * The same as text, for libcurl: all of the file, which holds a certificate.
 * *len bytes with a NUL behind, to be freed with free(); NULL with a message.
 */
char *pem_load_anchors(const char *path, size_t *len);

/*
 * The one CSR (RFC 2986) of a PEM file ("-" or NULL: standard input), its
 * self-signature checked.  NULL with a message; freed with X509_REQ_free().
 */
X509_REQ *pem_load_csr(const char *path);

/*
 * The certificates as PEM, from number first on, *len bytes with a NUL
 * behind.  The caller frees with free().  NULL with a message.
 */
char *pem_text(STACK_OF(X509) *certs, int first, size_t *len);

/* Is this certificate, byte for byte, among them?  Returns 1 or 0. */
int pem_certs_have(STACK_OF(X509) *certs, X509 *cert);

/* Free a stack of certificates with all that is in it; NULL is fine. */
void pem_certs_free(STACK_OF(X509) *certs);

#endif
