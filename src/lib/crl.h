/* SPDX-License-Identifier: ISC */
/*
 * Certificate revocation lists (RFC 5280 section 5).  The list of entries is
 * walked where it lies and never decoded into objects: a list of a million is
 * read in the memory of its file.  Whether a list may be believed and what it
 * says of a certificate is for crljudge.h.  Links with libcrypto.
 *
 *	struct crl *c = NULL;
 *	char *buf = crl_slurp("ca.crl", &len, &why);
 *	if (buf != NULL)
 *		c = crl_take(buf, len, "ca.crl", &why);
 *	if (c == NULL)
 *		warnx("ca.crl: %s", crl_word(why));
 *	crl_free(c);
 */
#ifndef ECA_CRL_H
#define ECA_CRL_H

#include <stddef.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "der.h"

/* The most that is read of a list: 64 MiB. */
#define CRL_MAX ((size_t)64 << 20)

/* Why a list says nothing of a certificate; crl_word() has the words. */
enum crl_why {
	CRL_OK,
	CRL_MISSING,		/* there is no file */
	CRL_STALE,		/* nextUpdate has passed, or too old */
	CRL_NOT_YET,		/* thisUpdate is to come */
	CRL_UNREADABLE,		/* the file cannot be read, or is too large */
	CRL_BROKEN,		/* no list in DER or PEM */
	CRL_EXTENSION,		/* a critical extension that is unknown */
	CRL_DELTA,		/* a delta list: only what has changed */
	CRL_INDIRECT,		/* one for the certificates of others */
	CRL_NO_SIGNER,		/* no certificate of its issuer at hand */
	CRL_BAD_SIGNATURE,
	CRL_WEAK_SIGNATURE,	/* with MD5 or SHA-1 */
	CRL_NO_CRL_SIGN,	/* its signer may not sign lists */
	CRL_UNTRUSTED,		/* list or certificate: no way to an anchor */
	CRL_OTHER_ANCHOR,	/* list and certificate have not the same */
	CRL_OTHER_ISSUER,	/* not from the issuer of the certificate */
	CRL_OUT_OF_SCOPE,	/* not for this sort of certificate */
	CRL_IDP_MISMATCH,	/* for other distribution points */
	CRL_SOME_REASONS,	/* only for some reasons of revocation */
	CRL_EXPIRED,		/* the certificate: it may have been dropped */
	CRL_WHYS
};

/* The stable word: "missing", "idp_mismatch", ... */
const char *crl_word(enum crl_why why);

/* Does it heal by waiting (exit 75)? */
int crl_temporary(enum crl_why why);

/* Reason codes (RFC 5280 section 5.3.1). */
#define CRL_REASON_REMOVE 8
/* "keyCompromise" etc. as RFC 5280 spells them; "unknown" for others. */
const char *crl_reason(int code);

struct crl {
	struct der_span tbs;		/* what is signed */
	struct der_span algorithm;	/* both with their headers */
	struct der_span signature;
	struct der_span revoked;	/* the entries, one after the other */
	struct der_span number;		/* content of the INTEGER, if any */
	X509_NAME *issuer;
	AUTHORITY_KEYID *akid;		/* NULL: none */
	ISSUING_DIST_POINT *idp;	/* NULL: none */
	time_t this_update;
	time_t next_update;		/* 0: none */
	int v1;				/* no extensions, then */
	int delta;
	int unknown;			/* a critical extension that is */
	size_t entries;			/* after crl_lookup() */
	unsigned char *pem;		/* decoded, or NULL */
	char *file;			/* as read, or NULL */
};

/*
 * The one list in the len bytes at data, DER or PEM ("X509 CRL"), that must
 * stay there as long as the list is used.  NULL with the reason, a constant,
 * in *why.  The entries are not looked at, the signature neither.  The caller
 * frees with crl_free().
 */
struct crl *crl_new(const char *data, size_t len, const char **why);

/*
 * The same from a file ("-" or NULL: standard input) in two steps, so that a
 * program can be confined in between.  NULL with CRL_MISSING, or with
 * CRL_UNREADABLE or CRL_BROKEN and a message about path, in *why.  crl_take()
 * frees buf, by and by.
 */
char *crl_slurp(const char *path, size_t *len, enum crl_why *why);
struct crl *crl_take(char *buf, size_t len, const char *path,
    enum crl_why *why);

void crl_free(struct crl *c);

/* The content of an INTEGER, put in its shortest form. */
struct der_span crl_integer(struct der_span v);

/* One number looked for. */
struct crl_want {
	struct der_span serial;		/* as crl_integer() gives it */
	size_t who;			/* the caller's */
	int listed;
	int reason;			/* -1: not said */
	time_t when;
};

/*
 * Walk all entries once and note those that are wanted, which must be sorted
 * by crl_order(); 0 of them: look whether all entries are well formed.
 * Returns 0, or -1 when one is not.
 */
int crl_lookup(struct crl *c, struct crl_want *want, size_t n);
int crl_order(const void *a, const void *b);

#endif
