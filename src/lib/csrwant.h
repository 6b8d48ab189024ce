/* SPDX-License-Identifier: ISC */
/*
 * What an EST server wants to see in a request, as est-csrattrs writes it.
 * Links with libcrypto and jansson.
 */
#ifndef ECA_CSRWANT_H
#define ECA_CSRWANT_H

#include <stddef.h>

#include "csr.h"

/* The most that is read of it. */
#define CSRWANT_MAX ((size_t)1 << 20)

/*
 * Put what the len bytes of JSON want, beyond a subject and names, into extra,
 * whose extensions the caller frees.  What extra cannot give is looked at: the
 * kind of key, the subject, names of the server's own beside ours, the
 * challengePassword (RFC 7030 section 3.5).  Returns 0, or -1 with a message
 * about file.
 */
int csr_want(const char *json, size_t len, const char *file, EVP_PKEY *key,
    const X509_NAME *subject, const struct names *names,
    struct csr_extra *extra);

#endif
