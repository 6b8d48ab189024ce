/* SPDX-License-Identifier: ISC */
/*
 * What an EST server wants to see in a request: CsrAttrs (RFC 7030 section
 * 4.5.2, RFC 8951, RFC 9908) as JSON.  Links with libcrypto.
 */
#ifndef ECA_CSRATTRS_H
#define ECA_CSRATTRS_H

#include <stddef.h>

#include "jsonw.h"

/*
 * Write the CsrAttrs of len bytes to w as one object; none when len is 0,
 * which is the same as an empty list.  What is not understood is listed and
 * otherwise ignored, as RFC 7030 wants it.  Returns 0, or -1 with what is wrong
 * in *why, a constant text, and nothing written.
 */
int csrattrs_json(struct jsonw *w, const unsigned char *der, size_t len,
    const char **why);

#endif
