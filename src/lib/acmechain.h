/* SPDX-License-Identifier: ISC */
/* The chain of a finished order (RFC 8555 section 7.4.2). */
#ifndef ECA_ACMECHAIN_H
#define ECA_ACMECHAIN_H

#include "acmeorder.h"

/*
 * Download the chain at url, or the alternate one that want->alternate asks
 * for, by the common name of its root or by the SHA-256 of one of
 * want->anchors it leads to; when none is that, a line says so and the first
 * one is taken.  It is checked against all of want before anybody sees it.
 * Returns 0 with the chain as PEM in *chain (*len bytes, the caller frees),
 * else EX_ERR or EX_TEMP with a message.
 */
int acme_chain(struct acme *a, const char *url, const struct order_want *want,
    char **chain, size_t *len);

#endif
