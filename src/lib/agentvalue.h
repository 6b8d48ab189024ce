/* SPDX-License-Identifier: ISC */
/*
 * What the values of certs.d(5) may be.  Links with libcrypto.  Nothing is
 * printed: a reason says what is wrong and what would be right, safe for a
 * terminal.
 */
#ifndef ECA_AGENTVALUE_H
#define ECA_AGENTVALUE_H

#include "agentkey.h"

/* What a value of the key looks like, for the caller to free. */
char *agentvalue_wanted(enum agentconf_key key);

/*
 * The value that text stands for, in its canonical form: names in lower case
 * with one blank between them, paths without empty parts.  NULL with the
 * reason in *why.  The caller frees either.
 */
char *agentvalue_take(enum agentconf_key key, const char *text, char **why);

/* A number of AK_NUM or (in seconds) of AK_HOURS; -1 when it is none. */
long long agentvalue_num(enum agentconf_key key, const char *value);

#endif
