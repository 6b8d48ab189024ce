/* SPDX-License-Identifier: ISC */
/*
 * What is on the disk about a certificate of an agent: its generations in the
 * store, and in the state directory what became of the attempts to renew it.
 * Nothing is changed.  Links with libcrypto and jansson.
 */
#ifndef ECA_CERTSTATE_H
#define ECA_CERTSTATE_H

#include <time.h>

#include "agentconf.h"
#include "plan.h"

/* The leaf of a generation. */
struct certleaf {
	char *dir;	/* of the generation; NULL: there is none */
	char *file;	/* its cert.pem, */
	char *serial;	/* NULL: that cannot be used */
	char *subject;	/* these three only when asked for */
	char *issuer;
	char *names;	/* a JSON array */
	long long tenths;	/* of a percent of the lifetime left */
	struct plan_cert facts;
};

struct certstate {
	char *store;
	enum plan_there is;	/* current */
	struct certleaf current;
	struct certleaf previous;	/* read when it may be newer */
	int newer;	/* it is, and never was proven */
	int proven;	/* the current one */
	int left;	/* a request, or one before a proven one */

	char *result;	/* "ok", "failed", or NULL */
	char *error;	/* why, or NULL */
	long long failures;
	time_t last_attempt;	/* a time that is 0 has not been */
	time_t last_success;
	time_t retry_at;
	time_t ari_at;
	time_t ari_asked;
	long long ari_again;
};

/*
 * Read it.  What is missing is left empty, and so is what is broken, after a
 * message.  text says whether names are wanted.  The caller ends with
 * certstate_free().
 */
void certstate_read(struct certstate *s, const struct agentconf *conf,
    const struct agentconf *own, time_t now, int text);
void certstate_free(struct certstate *s);

#endif
