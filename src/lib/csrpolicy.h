/* SPDX-License-Identifier: ISC */
/*
 * Is a certificate request acceptable: in itself, by a policy, as the renewal
 * of a certificate.  Links with libcrypto.
 *
 * A policy is KEY=value data.  What it does not allow is refused:
 *
 *	DNS_NAMES	words: a.example, .example (all below it), * (any), and
 *			a wildcard only when it is there as such: *.example
 *	IP_NAMES	words: addresses and networks
 *	URI_NAMES	words: a whole URI, or a beginning that ends in / or :
 *	EMAIL_NAMES	words: j@a.example, @a.example
 *	SUBJECT		words: an attribute (O), or one with a pattern (O=Fab*)
 *			where ? is any character and * any number of them; a CN
 *			that is one of the names is always allowed
 *	SUBJECT_WANTED	words: attributes that must be there
 *	KEYS		words of: rsa2048 and so on, P-256, P-384, P-521,
 *			Ed25519, Ed448; without it all of them
 *	MAX_NAMES	how many names, 1 to 1000; without it 100
 */
#ifndef ECA_CSRPOLICY_H
#define ECA_CSRPOLICY_H

#include "csrfacts.h"

/* Why a request is refused, as bits. */
enum {
	CSR_SIGNATURE = 1 << 0,		/* not signed by its key, or weakly */
	CSR_WEAK_KEY = 1 << 1,
	CSR_AMBIGUOUS = 1 << 2,		/* see csrfacts.h */
	CSR_WANTS_CA = 1 << 3,
	CSR_BAD_NAME = 1 << 4,		/* names_add() would refuse it */
	CSR_NO_NAME = 1 << 5,		/* no names and no subject */
	CSR_TOO_MANY = 1 << 6,
	CSR_KEY_TYPE = 1 << 7,		/* not one of KEYS */
	CSR_NAME = 1 << 8,		/* not one of the names allowed */
	CSR_SUBJECT = 1 << 9,		/* an attribute not allowed */
	CSR_INCOMPLETE = 1 << 10,	/* an attribute wanted is missing */
	CSR_OTHER_SUBJECT = 1 << 11,	/* not that of the certificate */
	CSR_OTHER_NAMES = 1 << 12
};
#define CSRPOLICY_BITS 13

/* The word for one of these bits. */
const char *csrpolicy_reason(unsigned int bit);

struct csrpolicy;

/* A policy that allows no names at all; to be freed. */
struct csrpolicy *csrpolicy_new(void);
void csrpolicy_free(struct csrpolicy *p);

/* Is this one of the keys above? */
int csrpolicy_key(const char *key);

/*
 * Set what a key says; a keyval_fn, p being a struct csrpolicy.  Returns NULL,
 * or why it is refused: no such key, twice, or a value that is none.
 */
const char *csrpolicy_set(void *p, const char *key, const char *value);

/*
 * Judge a request: by itself, by a policy unless p is NULL, as the renewal of
 * cert unless that is NULL.  Returns bits, 0 when it is acceptable.  *what,
 * when not NULL, becomes the first name or attribute that is refused, to be
 * freed, or NULL.
 */
unsigned int csrpolicy_check(const struct csrfacts *f,
    const struct csrpolicy *p, const X509 *cert, char **what);

#endif
