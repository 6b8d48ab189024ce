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
	int proxy;		/* -O: the one the environment names */
};

/* The options that all ACME commands have, for getopt(3). */
#define ACME_OPTS "A:OVe:m:u:v"

/* One of them.  Returns 0, or -1 when it is none. */
int acme_opt(struct acme *a, struct acme_conf *conf, int ch, const char *arg);

/*
 * Open everything, then confine this process: afterwards it can look names
 * up, connect to the port of the directory or of the proxy, and write below
 * conf->writable; it can read no key.  a->directory, agree and verbose are set
 * by the caller, the rest is zero.  Returns 0, or EX_ERR with a message.
 */
int acme_start(struct acme *a, const struct acme_conf *conf);

/*
 * The end, after acme_start() whatever it returned: stops the signer, notes
 * the "end" event with rc and the reason, closes the events, prints
 * "retry-at: TIME" when rc is EX_TEMP and the server said when to come back.
 * Returns rc.
 */
int acme_end(struct acme *a, int rc);

#endif
