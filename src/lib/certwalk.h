/* SPDX-License-Identifier: ISC */
/*
 * The certificates of a PEM text, read the fast way (der.h): for those who
 * look at many, and verify none.  Links with libcrypto.
 */
#ifndef ECA_CERTWALK_H
#define ECA_CERTWALK_H

#include <stddef.h>
#include <time.h>

#include "der.h"

/*
 * Called for each certificate with what certwalk() was given; c is gone after
 * the return.
 */
typedef void certwalk_fn(void *arg, const struct der_cert *c);

/*
 * Call each for the certificates of a PEM text, in order; blocks of another
 * kind and text in between are passed over.  Returns 0, or -1 with a message
 * about name when a block is broken or there is no certificate.
 */
int certwalk(const char *pem, size_t len, const char *name, certwalk_fn *each,
    void *arg);

/* The tenths of a percent of its lifetime left, rounded up: 0 when none is. */
long long certwalk_tenths(const struct der_cert *c, time_t now);

#endif
