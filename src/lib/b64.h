/* SPDX-License-Identifier: ISC */
/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2). */
#ifndef ECA_B64_H
#define ECA_B64_H

#include <stddef.h>

/* The len bytes at p as base64url text, for the caller to free. */
char *b64url(const void *p, size_t len);

/*
 * Strict decoding: the URL alphabet only, no padding, no white space, unused
 * bits zero.  Returns an allocated buffer of *len bytes (with a NUL behind)
 * for the caller to free, or NULL without a message.
 */
unsigned char *b64url_decode(const char *text, size_t *len);

/* Is text not empty and all of the base64url alphabet? */
int b64url_ok(const char *text);

#endif
