/* SPDX-License-Identifier: ISC */
/* A private key and the chain it is served with.  Links with libcrypto. */
#ifndef ECA_PAIR_H
#define ECA_PAIR_H

#include <time.h>

#include <openssl/x509.h>

/*
 * Read a chain (PEM, leaf first, nothing else) and see that it may be served
 * with this key now.  Freed with pem_certs_free(); NULL with a message.
 */
STACK_OF(X509) *pair_chain(const char *file, EVP_PKEY *key, time_t now);

#endif
