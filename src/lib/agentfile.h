/* SPDX-License-Identifier: ISC */
/*
 * One source of the agents' configuration: a file, or the environment.  All
 * that is wrong is printed, and the rest is taken.
 */
#ifndef ECA_AGENTFILE_H
#define ECA_AGENTFILE_H

#include <stddef.h>

#include "agentkey.h"

enum agentfile_form {
	AF_CONF,	/* KEY=value, of one certificate */
	AF_JSON,	/* the same as an object */
	AF_DEFAULTS	/* KEY=value, of all and of the agent itself */
};

#define AF_WRONG 2

struct agentfile {
	char *name;		/* for messages */
	char *value[AC_KEYS];	/* NULL, or as agentvalue_take() made it */
	char given[AC_KEYS];	/* there, maybe without a value; or AF_WRONG */
	unsigned int line[AC_KEYS];	/* 0: not known */
	int bad;		/* something has been printed */
};

/* Begin; name is copied.  The caller ends with agentfile_free(). */
void agentfile_begin(struct agentfile *f, const char *name);
void agentfile_free(struct agentfile *f);

/*
 * Take the keys of a text, len bytes with a NUL behind, which is cut up.  A
 * key with an empty value is given and has none.
 */
void agentfile_text(struct agentfile *f, char *text, size_t len,
    enum agentfile_form form);

/* The same of the file base in the directory dirfd. */
void agentfile_read(struct agentfile *f, int dirfd, const char *base,
    enum agentfile_form form);

/*
 * The same of the environment, keys from first to last but one that are for
 * the protocol.  An empty variable is none.
 */
void agentfile_env(struct agentfile *f, const char *protocol, int first,
    int last);

/*
 * Is what the values name there?  Only for keys that the protocol has and that
 * over, when there is one, does not give.  Names of hooks become paths.
 */
void agentfile_there(struct agentfile *f, const char *protocol,
    const struct agentfile *over);

/* Print what is wrong with a key, and note it. */
void agentfile_complain(struct agentfile *f, int key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
