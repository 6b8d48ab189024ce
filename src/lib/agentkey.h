/* SPDX-License-Identifier: ISC */
/* The table of the keys of certs.d(5).  Links with libc only. */
#ifndef ECA_AGENTKEY_H
#define ECA_AGENTKEY_H

#include "agentconf.h"

enum agentkey_kind {
	AK_PATH,	/* absolute; need not be there */
	AK_LINK,	/* the same, and no other certificate has it */
	AK_FILE,	/* there, and readable */
	AK_SECRET,	/* and not open to others */
	AK_TOKEN,	/* the same when it is there */
	AK_DIR,		/* a directory that is there */
	AK_URL,		/* https */
	AK_HTTP,	/* http or https */
	AK_WORD,	/* one that may be a part of a path of a URL */
	AK_NAMES,
	AK_NAME,	/* a DNS name or an IP address */
	AK_DN,
	AK_TYPE,	/* of a key */
	AK_GROUP,
	AK_NUM,
	AK_HOURS,	/* min and max in seconds */
	AK_CHOICE,	/* one of words */
	AK_LOG,		/* one of words, or an absolute path */
	AK_HOOK,	/* a program, ours or by its path, and its arguments */
	AK_PROGRAM,	/* the same without arguments */
	AK_COMMAND,	/* a program by its path, and its arguments */
	AK_HOSTPORT,
	AK_LISTEN,
	AK_CONTACT,	/* URIs */
	AK_TEXT
};

struct agentkey {
	const char *name;
	enum agentkey_kind kind;
	const char *protocol;	/* NULL: both */
	long long min, max;
	const char *words;
	const char *value;	/* without the key, or NULL */
	const char *example;
};

/* By enum agentconf_key. */
extern const struct agentkey agentkeys[AC_KEYS];

/* The number of the key with that name, or -1. */
int agentkey_find(const char *name);

/* Has a certificate of this protocol such a key? */
int agentkey_of(int key, const char *protocol);

/* A key whose name is like that, or NULL. */
const char *agentkey_near(const char *name);

#endif
