/* SPDX-License-Identifier: ISC */
/* Which system calls change a file, and what one of them is about to change. */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <sys/types.h>
#include <sys/user.h>

#include <limits.h>

#define NO_FD	INT_MIN		/* neither a descriptor nor AT_FDCWD */

struct change {
	const char	*name;	/* of the system call */
	char		 kind;	/* g grow, r remove, a attribute, s sync */
	int		 fd;	/* tracee's descriptor of the object or NO_FD */
	char		 text[4 * PATH_MAX + 16];	/* the objects' names */
};

/*
 * From now on, in this process and all it starts, the tracer is asked before
 * each call that may change a file.  prctl(PR_SET_DUMPABLE) is answered with
 * success but not done, for else an unprivileged tracer could not read the
 * path names.  Returns 0 or -1 with errno.
 */
int call_filter(void);

/*
 * The stopped process pid is about to make a call with the registers r.
 * Returns 1 and fills ch in if that changes, or syncs, something on a disk.
 */
int call_changes(pid_t pid, const struct user_regs_struct *r,
    struct change *ch);

/* The path in /proc of what an fd (or AT_FDCWD) of pid stands for; static. */
const char *fd_link(pid_t pid, int fd);

#endif
