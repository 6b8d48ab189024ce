/* SPDX-License-Identifier: ISC */
/* What a name may look like; name.h says the rules. */
#ifndef ECA_NAMETEXT_H
#define ECA_NAMETEXT_H

/*
 * The canonical form of a name of that type, as names_add() has it, for the
 * caller to free.  NULL with the reason, a constant, in *why.
 */
char *name_canonical(int type, const char *text, const char **why);

/* Is it an IP address?  1 or 0. */
int name_is_ip(const char *s);

#endif
