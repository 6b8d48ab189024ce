/* SPDX-License-Identifier: ISC */
/*
 * How much est-ra does for strangers: so many requests from an address in a
 * minute, so many at once.  What that takes is two files of fixed size in a
 * directory.  Links with libc only.
 */
#ifndef ECA_ESTRALIMIT_H
#define ECA_ESTRALIMIT_H

#include <time.h>

/*
 * Count a request from an address (of IPv6 its first 64 bits).  Returns 0, 1
 * when there were max in this minute already, -1 with a message.  Many
 * addresses at once make it forget the least busy ones.
 */
int estralimit_count(const char *dir, const char *address, int max,
    time_t now);

/*
 * One of max places until the process has ended.  Returns 0, 1 when all are
 * taken, -1 with a message.
 */
int estralimit_place(const char *dir, int max);

#endif
