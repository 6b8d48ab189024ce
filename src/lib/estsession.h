/* SPDX-License-Identifier: ISC */
/* The beginning and the end of an EST command: options, files, confinement. */
#ifndef ECA_ESTSESSION_H
#define ECA_ESTSESSION_H

#include "est.h"

/* What comes from the command line. */
struct est_conf {
	const char *url;	/* -u */
	const char *anchors;	/* -A, NULL: the server is not verified */
	const char *cert;	/* -c, NULL: none */
	const char *key;	/* -k */
	const char *user;	/* -U, NULL: none */
	long long sec;		/* -m */
};

/* getopt letters that est_opt() knows. */
#define EST_OPTS "A:U:Vc:k:m:u:v"

/* Take one of EST_OPTS.  Returns -1 for another letter. */
int est_opt(struct est *e, struct est_conf *conf, int ch, const char *arg);

/* Is the URL there, and do the options go together that should? */
int est_usable(const struct est_conf *conf);

/*
 * Read the files, confine the process, get ready to connect.  Everything else
 * must be open by now.  Returns 0 or EX_ERR with a message.
 */
int est_start(struct est *e, const struct est_conf *conf);

/* Free, and say retry-at when rc is EX_TEMP and it is known.  Returns rc. */
int est_end(struct est *e, int rc);

#endif
