/* SPDX-License-Identifier: ISC */
/* Reasons of a revocation (RFC 5280 section 5.3.1).  Links with libc only. */
#ifndef ECA_REASON_H
#define ECA_REASON_H

/* The name of a reason, or NULL when there is none with this number. */
const char *reason_name(int number);

/*
 * The argument of option -opt, a name or a number, as number.  Exits 2 with
 * one line when it is no reason.
 */
int opt_reason(int opt, const char *text);

#endif
