/* SPDX-License-Identifier: ISC */
/*
 * What every command that asks a step-ca does before and after: options,
 * anchors, client certificate, confinement.
 */
#ifndef ECA_STEPSESSION_H
#define ECA_STEPSESSION_H

#include "stepca.h"

struct step_conf {
	const char *url;	/* -u */
	const char *anchors;	/* -A: file, PEM */
	const char *cert;	/* -c: file, or NULL */
	const char *key;	/* -k: file, or NULL */
	long long sec;		/* -m: the deadline, from now */
	int proxy;		/* -O: the one the environment names */
};

/* The options that these commands have, for getopt(3). */
#define STEP_OPTS "A:OVm:u:"

/* One of them.  Returns 0, or -1 when it is none. */
int step_opt(struct step_conf *conf, int ch, const char *arg);

/*
 * The token in a file ("-": standard input), blanks around it left out.  NULL
 * with a message; the caller frees.
 */
char *step_token(const char *path);

/*
 * Open what conf names, confine this process and make ca ready for one call.
 * Returns 0, or EX_ERR with a message.
 */
int step_start(struct stepca *ca, const struct step_conf *conf);

/*
 * The end: with rc not 0 print why, and "retry-at: TIME" when it is EX_TEMP
 * and the server said when to come back.  Returns rc.
 */
int step_end(const struct stepca *ca, int rc);

#endif
