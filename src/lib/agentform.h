/* SPDX-License-Identifier: ISC */
/* The forms that values of certs.d(5) have, by kind.  Links with libcrypto. */
#ifndef ECA_AGENTFORM_H
#define ECA_AGENTFORM_H

#include "agentkey.h"

/*
 * The canonical form of text as a value of that key.  NULL when it is none,
 * with the particular reason in *fault when there is one.  The caller frees
 * both.
 */
char *agentform_make(const struct agentkey *k, const char *text,
    char **fault);

/* What such values are called; NULL: by the words of the key. */
const char *agentform_noun(enum agentkey_kind kind);

#endif
