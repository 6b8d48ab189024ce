/* SPDX-License-Identifier: ISC */
/* The files of the agents' configuration. */
#ifndef ECA_AGENTDIR_H
#define ECA_AGENTDIR_H

#include "agentcross.h"

struct agentdir {
	struct agentfile defaults;
	struct agentcert *v;	/* by name; base, file and conf.name are set */
	size_t n;
};

/*
 * Read all files of dir; defaults has been begun.  What is wrong in a file is
 * noted there.  0, or -1 after a message about anything else.
 */
int agentdir_read(struct agentdir *d, const char *dir);

#endif
