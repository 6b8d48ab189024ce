/* SPDX-License-Identifier: ISC */
/*
 * External account binding (RFC 8555 section 7.3.4): the JSON file a CA hands
 * out, {"kid": "...", "mac": "base64url"}, and the inner JWS made with it.
 */
#ifndef ECA_EAB_H
#define ECA_EAB_H

#include <stddef.h>

struct eab {
	char *kid;
	unsigned char *mac;
	size_t maclen;
};

/*
 * Read the file, which others must not be able to read.  The MAC key may come
 * padded or in the plain base64 alphabet, as some CAs write it.  0, or -1 with
 * a message.
 */
int eab_load(const char *path, struct eab *e);

/* The flattened JWS (HS256) over the JWK for that URL; the caller frees. */
char *eab_jws(const struct eab *e, const char *jwk, const char *url);

/* Wipe and free what is in it. */
void eab_free(struct eab *e);

#endif
