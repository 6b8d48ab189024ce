/* SPDX-License-Identifier: ISC */
/*
 * The stable names of a certificate: links that the configuration wants
 * (CERT_PATH, KEY_PATH and so on) to files of the current generation.  Links
 * with libc only.
 */
#ifndef ECA_CERTLINKS_H
#define ECA_CERTLINKS_H

#include "agentconf.h"

/*
 * The next one from *at on (begin with 0), which is moved past it: its path,
 * the caller's, and in *file the name of the file it leads to.  NULL after the
 * last.
 */
char *certlinks_next(const struct agentconf *conf, size_t *at,
    const char **file);

/*
 * Do all of them lead to their file below store/current?  Of a file that this
 * generation does not have nothing is said.  Returns 1 or 0.
 */
int certlinks_ok(const struct agentconf *conf, const char *store);

#endif
