/* SPDX-License-Identifier: ISC */
/*
 * Private keys: make, read with care, write.  Links with libcrypto.
 * Functions print the reason when they fail.
 */
#ifndef ECA_KEY_H
#define ECA_KEY_H

#include <stddef.h>

#include <openssl/evp.h>

/* The types key_new() takes, for usage and messages. */
#define KEY_TYPES "rsa2048, rsa3072, rsa4096, P-256, P-384, Ed25519"

/*
 * A new key of the named type (case does not matter).  Returns NULL with a
 * message; the caller frees with EVP_PKEY_free().
 */
EVP_PKEY *key_new(const char *type);

/*
 * Read a private key (PEM: PKCS#8 of RFC 5958, or a traditional form).
 * Refused with a message: a file that others can read or group can write, an
 * encrypted key, more than IO_PEM_MAX bytes, a key that key_strong() refuses,
 * one whose halves do not belong together.
 * The caller frees with EVP_PKEY_free().
 */
EVP_PKEY *key_load(const char *path);

/*
 * The text of a file with some other secret, at most max bytes, *len of them
 * and a NUL behind; refused as a key file would be.  The caller wipes and frees
 * with key_pem_free().  NULL with a message.
 */
char *key_secret(const char *path, size_t max, size_t *len);

/*
 * Is this key one we use: RSA of 2048 to 8192 bits, P-256, P-384, P-521,
 * Ed25519 or Ed448?  0, or -1 with a message about subject.
 */
int key_strong(EVP_PKEY *key, const char *subject);

/*
 * The key as unencrypted PKCS#8 PEM (RFC 7468 section 10), *len bytes.  The
 * caller wipes and frees with key_pem_free().  NULL with a message.
 */
char *key_pem(EVP_PKEY *key, size_t *len);
void key_pem_free(char *pem, size_t len);

/*
 * Keep the key out of core dumps and away from debuggers.  For every program
 * that holds one.
 */
void key_no_dump(void);

#endif
