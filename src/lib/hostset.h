/* SPDX-License-Identifier: ISC */
/* Sets of DNS names and addresses.  Links with libcrypto. */
#ifndef ECA_HOSTSET_H
#define ECA_HOSTSET_H

#include "der.h"

/*
 * Are the DNS names and addresses in want, a list with blanks or commas
 * between, others than those of have, the content of a SubjectAltName?
 */
int hostset_differs(const char *want, struct der_span have);

#endif
