/* SPDX-License-Identifier: ISC */
/*
 * JSON Web Signature (RFC 7515), Key (RFC 7517, 7518, 8037) and thumbprint
 * (RFC 7638) for private keys held by OpenSSL.  Links with libcrypto.
 */
#ifndef ECA_JWS_H
#define ECA_JWS_H

#include <stddef.h>

#include <openssl/evp.h>

/*
 * The algorithm a key signs with: ES256, ES384, ES512, RS256, EdDSA.  NULL
 * without a message for other keys.
 */
const char *jws_alg(EVP_PKEY *key);

/*
 * The public half as a JWK with the required members only, in lexicographic
 * order and without white space, which is the input of the thumbprint too.
 * The caller frees.  NULL with a message.
 */
char *jws_jwk(EVP_PKEY *key);

/* RFC 7638: base64url of the SHA-256 of a JWK as jws_jwk() writes it. */
char *jws_thumbprint(const char *jwk);

/*
 * Sign len bytes.  ECDSA signatures come as r||s of fixed width (RFC 7518
 * section 3.4).  Returns an allocated buffer of *siglen bytes for the caller
 * to free, or NULL with a message.
 */
unsigned char *jws_sign(EVP_PKEY *key, const void *msg, size_t len,
    size_t *siglen);

/*
 * An ECDSA signature in DER as r||s, each width bytes.  0, or -1 without a
 * message when it is no such signature.
 */
int jws_ecdsa_raw(const unsigned char *der, size_t len, unsigned char *raw,
    size_t width);

/*
 * A flattened JWS (RFC 7515 section 7.2.2): the three parts are base64url
 * text.  The caller frees.
 */
char *jws_flattened(const char *protected, const char *payload,
    const char *signature);

#endif
