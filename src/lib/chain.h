/* SPDX-License-Identifier: ISC */
/*
 * Judge a chain of certificates (RFC 5280 section 6): leaf first, each one
 * certified by the next, a self-signed root at the end or not.  All that is
 * wrong is found, not only the first.  Links with libcrypto.
 */
#ifndef ECA_CHAIN_H
#define ECA_CHAIN_H

#include <time.h>

#include <openssl/x509.h>

#include "name.h"

/* What can be wrong; chain_reason() has the words. */
enum {
	CHAIN_EXPIRED = 1 << 0,		/* one of them, the anchor included */
	CHAIN_NOT_YET_VALID = 1 << 1,	/* one of them */
	CHAIN_UNTRUSTED = 1 << 2,	/* no way to an anchor */
	CHAIN_BROKEN_LINK = 1 << 3,	/* one does not certify that before */
	CHAIN_BAD_SIGNATURE = 1 << 4,	/* its issuer did not sign it */
	CHAIN_NOT_A_CA = 1 << 5,	/* an issuer that is no CA */
	CHAIN_NOT_ALLOWED = 1 << 6,	/* path length, name constraints */
	CHAIN_WEAK_KEY = 1 << 7,	/* RSA below 2048, SHA-1, ... */
	CHAIN_WRONG_PURPOSE = 1 << 8,	/* key usage of leaf or issuer */
	CHAIN_NAME_MISMATCH = 1 << 9,	/* leaf is not for want.name */
	CHAIN_NAMES_DIFFER = 1 << 10,	/* leaf has not exactly want.names */
	CHAIN_KEY_MISMATCH = 1 << 11,	/* leaf is not for want.key */
	CHAIN_INVALID = 1 << 12,	/* anything else libcrypto refuses */
	CHAIN_BITS = 13
};

enum {
	CHAIN_ANY,
	CHAIN_SERVER,
	CHAIN_CLIENT,
	CHAIN_CA
};

struct chain_want {
	STACK_OF(X509) *anchors;	/* NULL: the last of the chain is one */
	EVP_PKEY *key;			/* NULL: any; public half suffices */
	const char *name;		/* NULL: any; see name_matches() */
	const struct names *names;	/* NULL: any */
	int purpose;			/* CHAIN_ANY, ... */
	time_t now;			/* the time it is judged at */
};

/*
 * Returns 0 when the chain (one certificate or more) is all that is wanted,
 * else the CHAIN_ bits of all that is wrong.  No messages.  An intermediate
 * may be the anchor.  Revocation is not looked at.
 */
unsigned int chain_check(STACK_OF(X509) *chain, const struct chain_want *want);

/* The stable word for one bit: "expired", "untrusted", ... */
const char *chain_reason(unsigned int bit);

/* All words of bits as "expired, untrusted", in a static buffer. */
const char *chain_reasons(unsigned int bits);

/* CHAIN_ANY etc. for any, server, client, ca; -1 for anything else. */
int chain_purpose(const char *word);

#endif
