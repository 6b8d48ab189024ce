/* SPDX-License-Identifier: ISC */
/* Who asks est-ra, and may they.  Links with libcrypto. */
#ifndef ECA_ESTRAAUTH_H
#define ECA_ESTRAAUTH_H

#include "estra.h"

/*
 * Is whoever asks allowed to enroll, or to re-enroll?  0 with r->client or the
 * token taken, or both; else -1 and it is refused.
 */
int estra_auth(struct estra *r);

#endif
