/* SPDX-License-Identifier: ISC */
/* A request for a certificate, once est-ra knows who asks. */
#ifndef ECA_ESTRAENROLL_H
#define ECA_ESTRAENROLL_H

#include "estra.h"

/* Body, policy, approval, certificate: the answer is in r. */
void estra_enroll(struct estra *r);

#endif
