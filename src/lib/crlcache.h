/* SPDX-License-Identifier: ISC */
/*
 * A file with the newest list of one issuer.  It is replaced as a whole, by a
 * list that is newer and by no other: neither a lower number nor an earlier
 * thisUpdate gets in, and of two that have both in common the first one
 * stays.  A file that is damaged or that nobody trusts is no list and may be
 * replaced by any.  Links with libcrypto.
 */
#ifndef ECA_CRLCACHE_H
#define ECA_CRLCACHE_H

#include "crltrust.h"

struct crlcache {
	const char *path;
	const struct crl_pool *pool;	/* who is trusted */
	long long deadline;		/* mono_ms(), to wait for others */
	char *dirname;			/* where path is */
	int dir;
};

/*
 * Set dirname, which crlcache_close() frees, and look whether it is there.
 * Returns 0, or -1 with a message.
 */
int crlcache_open(struct crlcache *k);
void crlcache_close(struct crlcache *k);

/*
 * Put the list c, which has been verified, into the file; text is what is
 * written, of that form.  Two programs at once take turns.  Returns 0 with 1
 * in *changed when it has become the content, with 0 when it was that before;
 * else EX_ERR or EX_TEMP with a message, and nothing has changed unless that
 * says so.
 */
int crlcache_put(const struct crlcache *k, const struct crl *c, int pem,
    const char *text, size_t len, int *changed);

#endif
