/* SPDX-License-Identifier: ISC */
/*
 * What every ACME command does before it asks anything: read the anchors,
 * start the signer, give up all rights it does not need, start HTTP.
 */
#ifndef ECA_ACMESESSION_H
#define ECA_ACMESESSION_H

#include "acme.h"

struct acme_conf {
	const char *anchors;	/* -A: file, PEM */
	const char *key;	/* -a or -k: what signs; NULL: nothing does */
	int make_key;		/* make that file when it is missing */
	const char *events;	/* -e: file, or NULL */
	const char *writable;	/* directory that stays writable, or NULL */
	long long sec;		/* -m: the deadline, from now */
};

/*
 * Open everything, then confine this process: afterwards it can look names
 * up, connect to the port of the directory, and write below conf->writable;
 * it can read no key.  a->directory, agree and verbose are set by the caller,
 * the rest is zero.  Returns 0, or EX_ERR with a message.
 */
int acme_start(struct acme *a, const struct acme_conf *conf);

/*
 * The end, after acme_start() whatever it returned: stops the signer, closes
 * the events, prints "retry-at: TIME" when rc is EX_TEMP and the server said
 * when to come back.  Returns rc.
 */
int acme_end(struct acme *a, int rc);

#endif
