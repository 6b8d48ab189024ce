/* SPDX-License-Identifier: ISC */
/*
 * Is what a value of certs.d(5) names there, and may it be used?  Links with
 * libc only.
 */
#ifndef ECA_AGENTTHERE_H
#define ECA_AGENTTHERE_H

#include "agentkey.h"

/*
 * NULL when it is, or when nothing has to be; otherwise the reason and what
 * would be right, for the caller to free.  A value that begins with the name
 * of a hook that came with us is freed and made anew with its path.
 */
char *agentthere(enum agentconf_key key, char **value);

#endif
