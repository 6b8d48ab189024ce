/* SPDX-License-Identifier: ISC */
/*
 * PKCS#12 (RFC 7292) with a key and its chain, for servers that want that:
 * AES-256-CBC by PBES2 (RFC 8018), PBKDF2 with HMAC-SHA-256, MAC with SHA-256.
 * Links with libcrypto.
 */
#ifndef ECA_PFX_H
#define ECA_PFX_H

#include <stddef.h>

#include <openssl/x509.h>

/* Rounds of key derivation, for encryption and MAC. */
#define PFX_ROUNDS 10000
/* The longest password. */
#define PFX_PASSWORD_MAX 128

/*
 * The password in the first line of a file ("-": standard input) that others
 * cannot read: 1 to PFX_PASSWORD_MAX printable ASCII characters, as programs
 * do not agree about any others.  To be wiped and freed with
 * key_pem_free(password, strlen(password)); NULL with a message.
 */
char *pfx_password(const char *path);

/*
 * Key, leaf and the rest of the chain as DER, *len bytes to be freed with
 * OPENSSL_free().  name is what programs list them by.  NULL with a message.
 */
unsigned char *pfx_make(EVP_PKEY *key, STACK_OF(X509) *chain,
    const char *name, const char *password, size_t *len);

#endif
