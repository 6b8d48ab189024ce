/* SPDX-License-Identifier: ISC */
/*
 * Requests that wait for somebody to approve them.  The queue is a directory
 * that est-queue looks after:
 *
 *	DIR/pending/KEY		waits
 *	DIR/approved/KEY	may be issued, once
 *	DIR/denied/KEY		may not; REASON says why
 *
 * A file has KEY=value lines (LABEL, IDENTITY, ADDRESS, TIME, REASON) and the
 * request in PEM.  KEY is the SHA-256 of label, identity and the request's
 * subject, key and extensions: the same one asked for again is recognised
 * though its challengePassword or signature is another, and what is approved
 * is what is issued.  Approve and deny are renames.
 *
 * A request that nobody asked about, and an approval nobody fetched, for
 * max_age seconds is forgotten.  Links with libcrypto.
 */
#ifndef ECA_ESTQUEUE_H
#define ECA_ESTQUEUE_H

#include <time.h>

#include "csrfacts.h"

struct estqueue_ask {
	const char *label;
	const char *identity;	/* who asks: text of any kind */
	const char *address;	/* from where */
	time_t now;
	long max_pending;	/* how many may wait */
	long max_age;
};

struct estqueue {
	char key[65];
	char reason[256];	/* of a denial, or "" */
	int dirfd;		/* of approved */
	int fd;
};

/*
 * Ask about a request that csrpolicy_check() took.  Returns
 *
 *	EX_YES	it is approved, and locked for this caller: to be ended with
 *		estqueue_drop()
 *	EX_NO	it was denied, see reason
 *	EX_TEMP	*why: it waits (and is put there if need be), too many do, or
 *		another caller has it at this moment
 *	EX_ERR	the queue cannot be read or written, with a message
 */
int estqueue_ask(struct estqueue *q, const char *dir,
    const struct csrfacts *f, const struct estqueue_ask *ask,
    const char **why);

/*
 * It was issued: take the approval away.  Before the certificate goes out.
 * Returns 0, or -1 with a message.
 */
int estqueue_done(struct estqueue *q);

/* Let go of an approved request; without estqueue_done() it stays approved. */
void estqueue_drop(struct estqueue *q);

#endif
