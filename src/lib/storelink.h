/* SPDX-License-Identifier: ISC */
/*
 * The names of a store: current, previous, proven.  For store.c.  Links with
 * libc only.
 */
#ifndef ECA_STORELINK_H
#define ECA_STORELINK_H

#include <limits.h>

#include "storegen.h"

/*
 * Read where the link name (current, proven) leads.  1, 0 when it is not
 * there, -1 with a message.
 */
int link_read(const struct store *s, const char *name, char target[PATH_MAX]);

/*
 * What previous holds, to be freed by the caller; *target is NULL when there
 * is none.  0, or -1 with a message.
 */
int link_previous(const struct store *s, char **target);

/*
 * Make current lead to target and previous name was (NULL: as it is), on the
 * disk.  0, or -1 with a message; *made says whether current was switched.
 */
int link_switch(const struct store *s, const char *target, const char *was,
    int *made);

/*
 * Make proven lead to target, on the disk; with nothing to do nothing is
 * written.  0, or -1 with a message.
 */
int link_prove(const struct store *s, const char *target);

/* The same for taking previous away. */
int link_forget(const struct store *s);

/* Complete or remove what a killed process left.  0, or -1 with a message. */
int link_heal(const struct store *s);

#endif
