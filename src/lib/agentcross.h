/* SPDX-License-Identifier: ISC */
/* What one key of the agents' configuration asks of another. */
#ifndef ECA_AGENTCROSS_H
#define ECA_AGENTCROSS_H

#include "agentfile.h"

/* A certificate while it is read. */
struct agentcert {
	char *base;		/* of its file; NULL: the environment */
	struct agentfile file;	/* what it says itself */
	const char *protocol;	/* borrowed; NULL: not known */
	int listed;		/* the protocol is the one asked for */
	struct agentconf conf;	/* all its values */
};

/* Complain about what is missing or does not go together in one of them. */
void agentcross_one(struct agentcert *c, const struct agentconf *own);

/*
 * Complain about what several of them have and must not: the name of a link,
 * a file for two revocation lists.  0, or -1 when there is that.
 */
int agentcross_all(struct agentcert *v, size_t n);

#endif
